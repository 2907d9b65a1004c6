//! What a reader sees when a scenario file is wrong. Each snapshot is the whole text for one bad file.

use rehearsal_scenarios::{Overrides, SOURCE_BYTES_MAX, load};

fn faults_of(source: &[u8]) -> String {
    match load("bad", source, &Overrides::default()) {
        Ok(_) => "no fault".to_owned(),
        Err(faults) => faults.at_path("scenarios/bad.toml").to_string(),
    }
}

fn faults_of_text(source: &str) -> String {
    faults_of(source.as_bytes())
}

#[test]
fn an_empty_file_says_what_the_smallest_scenario_is() {
    let source = "";
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: the file is empty
     --> scenarios/bad.toml:1:1
      = expected `format = 1` and two groups of users
      = help: the smallest scenario is `format = 1`, `[users.workers]` and `[users.clients]`; everything else has a default

    scenarios/bad.toml: 1 fault
    "#);
}

#[test]
fn syntax_faults_are_all_reported() {
    let source = r#"format = 1
[users.workers
role = "worker"
[users.clients]
role == "client"
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: this is not TOML: unclosed table, expected `]`
     --> scenarios/bad.toml:2:15
      |
    2 | [users.workers
      |               ^

    error: this is not TOML: extra `=`, expected nothing
     --> scenarios/bad.toml:5:7
      |
    5 | role == "client"
      |       ^

    error: this is not TOML: unexpected key or value, expected newline, `#`
     --> scenarios/bad.toml:5:9
      |
    5 | role == "client"
      |         ^

    scenarios/bad.toml: 3 faults
    "#);
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_valid_one() {
    let source = r#"format = 1

[users.workers]
cout = 2

[users.clients]
jbos = 3
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: unknown key `cout` in a group of users
     --> scenarios/bad.toml:4:1
      |
    4 | cout = 2
      | ^^^^
      = expected one of `role`, `flow`, `count`, `start`, `arrive`, `protocol`, `rooms`, `tags`,
        `properties`, `strategy`, `defects`, `job`, `jobs`, `think`, `choose`, `ask`, `cancel_after`
      = help: did you mean `count`?

    error: unknown key `jbos` in a group of users
     --> scenarios/bad.toml:7:1
      |
    7 | jbos = 3
      | ^^^^
      = expected one of `role`, `flow`, `count`, `start`, `arrive`, `protocol`, `rooms`, `tags`,
        `properties`, `strategy`, `defects`, `job`, `jobs`, `think`, `choose`, `ask`, `cancel_after`
      = help: did you mean `jobs`?

    scenarios/bad.toml: 2 faults
    "#);
}

#[test]
fn wrong_kinds_of_values_say_what_was_expected_and_found() {
    let source = r#"format = "1"

[users.workers]
job = 30
count = 0

[users.clients]
start = ["1s", "soon"]
think = { uniform = ["1s"] }
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: this kind of value does not belong here
     --> scenarios/bad.toml:1:10
      |
    1 | format = "1"
      |          ^^^ expected a whole number from 1, found the string "1"

    error: this kind of value does not belong here
     --> scenarios/bad.toml:4:7
      |
    4 | job = 30
      |       ^^
      = expected a duration such as "5s", or a distribution (exactly one of uniform, exponential, lognormal,
        pick), found the whole number 30
      = help: units are always written, inside quotes: "5s", "200ms", "2m"

    error: the number is out of range
     --> scenarios/bad.toml:5:9
      |
    5 | count = 0
      |         ^
      = expected a whole number from 1 to 10000, found the whole number 0

    error: `soon` is no duration
     --> scenarios/bad.toml:8:16
      |
    8 | start = ["1s", "soon"]
      |                ^^^^^^ expected a duration such as "5s", found the string "soon"

    error: the list is too short
     --> scenarios/bad.toml:9:21
      |
    9 | think = { uniform = ["1s"] }
      |                     ^^^^^^
      = expected a list of at least 2, each item a duration such as "5s", found a list of 1

    scenarios/bad.toml: 5 faults
    "#);
}

#[test]
fn a_newer_format_is_refused_in_words() {
    let source = r#"format = 2
[users.workers]
[users.clients]
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: format 2 is newer than this program
     --> scenarios/bad.toml:1:10
      |
    1 | format = 2
      |          ^ expected `format = 1`
      = help: a newer rehearsal reads this file

    scenarios/bad.toml: 1 fault
    "#);
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    let source = r#"format = 1
[params]
workers = 3
[users.workers]
count = "${workers}"
churn = { stay = "1s" }
pace = 3
[users.clients]
spans = []
[[fault]]
do = "deploy"
at = "1s"
[abort]
[observe]
[capacity]
[sometimes]
[variants]
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: `churn` is not there yet in a group of users
     --> scenarios/bad.toml:6:1
      |
    6 | churn = { stay = "1s" }
      | ^^^^^
      = help: churn is not there yet: write a flow with `reconnect`

    error: `pace` is not there yet in a group of users
     --> scenarios/bad.toml:7:1
      |
    7 | pace = 3
      | ^^^^
      = help: a planned pace is not there yet: write a flow with `repeat = { every = … }`

    error: `spans` is not there yet in a group of users
     --> scenarios/bad.toml:9:1
      |
    9 | spans = []
      | ^^^^^
      = help: spans over several steps are not there yet: name the steps

    error: `deploy` is not there yet
      --> scenarios/bad.toml:11:6
       |
    11 | do = "deploy"
       |      ^^^^^^^^
       = help: rolling out a new version is not there yet

    error: `abort` is not there yet in a scenario
      --> scenarios/bad.toml:13:2
       |
    13 | [abort]
       |  ^^^^^
       = help: stopping on errors by a rule is not there yet: thresholds judge at the end

    error: `observe` is not there yet in a scenario
      --> scenarios/bad.toml:14:2
       |
    14 | [observe]
       |  ^^^^^^^
       = help: watching further metrics is not there yet: the target's own /metrics is read anyway

    error: `capacity` is not there yet in a scenario
      --> scenarios/bad.toml:15:2
       |
    15 | [capacity]
       |  ^^^^^^^^
       = help: searching for the capacity is not there yet: raise the rate by hand, or ramp it

    error: `sometimes` is not there yet in a scenario
      --> scenarios/bad.toml:16:2
       |
    16 | [sometimes]
       |  ^^^^^^^^^
       = help: what must be seen in some seed is a check of your own: `[check.NAME]` with `sometimes = { … }`

    scenarios/bad.toml: 8 faults
    "#);
}

#[test]
fn a_fault_on_an_unknown_group_names_the_groups() {
    let source = r#"format = 1
[users.workers]
[users.clients]
[[fault]]
do = "partition"
between = ["servr", { users = "worker", pick = 1 }]
at = "5s"
[[fault]]
do = "kill"
who = { users = "workers", pick = 3 }
at = "5s"
for = "2s"
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: there is no group `servr`
     --> scenarios/bad.toml:6:12
      |
    6 | between = ["servr", { users = "worker", pick = 1 }]
      |            ^^^^^^^ expected one of `workers`, `clients`, `server`
      = help: did you mean `server`?

    error: there is no group `worker`
     --> scenarios/bad.toml:6:31
      |
    6 | between = ["servr", { users = "worker", pick = 1 }]
      |                               ^^^^^^^^ expected `workers` or `clients`
      = help: did you mean `workers`?

    error: group `workers` has fewer users than that
      --> scenarios/bad.toml:10:35
       |
    10 | who = { users = "workers", pick = 3 }
       |                                   ^ found 3 of 1

    error: `for` means nothing for `kill`
      --> scenarios/bad.toml:12:1
       |
    12 | for = "2s"
       | ^^^
       = help: how long a host stays away is `back`

    scenarios/bad.toml: 4 faults
    "#);
}

#[test]
fn a_check_without_its_users_can_judge_nothing() {
    let source = r#"format = 1
expect = { broken = ["departed_peers_disappear"] }
[users.clients]
flow = "look"
[flow.look]
steps = ["join", "discover"]
[checks]
worker_runs_one_job_at_a_time = {}
departed_peers_disapear = { within = "5s" }
skip = { departed_peers_disappear = "" }
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: `departed_peers_disappear` is expected to be broken, but `[checks]` leaves it out
     --> scenarios/bad.toml:2:22
      |
    2 | expect = { broken = ["departed_peers_disappear"] }
      |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^

    error: `worker_runs_one_job_at_a_time` can judge nothing: no group runs jobs
     --> scenarios/bad.toml:8:1
      |
    8 | worker_runs_one_job_at_a_time = {}
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: add a group with `role = "worker"`, or remove the check

    error: unknown key `departed_peers_disapear` in `[checks]`
     --> scenarios/bad.toml:9:1
      |
    9 | departed_peers_disapear = { within = "5s" }
      | ^^^^^^^^^^^^^^^^^^^^^^^
      = expected one of `worker_runs_one_job_at_a_time`, `job_is_begun_by_one_worker`,
        `acknowledged_status_is_seen`, `room_sees_only_its_own`, `messages_arrive_once_in_order_unchanged`,
        `nobody_speaks_for_another`, `reservation_always_ends`, `departed_peers_disappear`,
        `nothing_is_left_behind`, `flows_come_to_their_end`, `skip`
      = help: did you mean `departed_peers_disappear`?

    error: the reason is empty
      --> scenarios/bad.toml:10:37
       |
    10 | skip = { departed_peers_disappear = "" }
       |                                     ^^
       = help: say why this check is left out: readers of the report will ask

    scenarios/bad.toml: 4 faults
    "#);
}

#[test]
fn a_rate_without_duration_is_a_fault() {
    let source = r#"format = 1
[users.workers]
[users.clients]
arrive = { rate = 5.0 }
[users.more]
role = "client"
arrive = { from = 1.0, to = 9.0 }
count = 3
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: `rate` needs a duration
     --> scenarios/bad.toml:4:12
      |
    4 | arrive = { rate = 5.0 }
      |            ^^^^ expected `for = …` beside it
      = help: `{ rate = 5.0, for = "30s" }` or `{ from = 1.0, to = 50.0, over = "30s" }`

    error: `from` needs a duration
     --> scenarios/bad.toml:7:12
      |
    7 | arrive = { from = 1.0, to = 9.0 }
      |            ^^^^ expected `over = …` beside it
      = help: `{ rate = 5.0, for = "30s" }` or `{ from = 1.0, to = 50.0, over = "30s" }`

    error: `count` and a rate of arrivals exclude each other
     --> scenarios/bad.toml:8:1
      |
    8 | count = 3
      | ^^^^^
      = help: how many users there are follows from the rate and its duration

    scenarios/bad.toml: 3 faults
    "#);
}

#[test]
fn a_defect_on_the_wrong_side_is_sent_to_the_right_one() {
    let source = r#"format = 1
[system]
defects = ["no_busy_rejection"]
[users.workers]
defects = ["sender_not_checked", "status_after_acept"]
[users.clients]
defects = ["status_after_accept"]
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: `no_busy_rejection` is a defect of workers
     --> scenarios/bad.toml:3:12
      |
    3 | defects = ["no_busy_rejection"]
      |            ^^^^^^^^^^^^^^^^^^^
      = help: write it in the group of workers: `defects = ["no_busy_rejection"]`

    error: `sender_not_checked` is a defect of the server
     --> scenarios/bad.toml:5:12
      |
    5 | defects = ["sender_not_checked", "status_after_acept"]
      |            ^^^^^^^^^^^^^^^^^^^^
      = help: write it in `[system]`: `defects = ["sender_not_checked"]`

    error: unknown defect `status_after_acept`
     --> scenarios/bad.toml:5:34
      |
    5 | defects = ["sender_not_checked", "status_after_acept"]
      |                                  ^^^^^^^^^^^^^^^^^^^^
      = expected one of `status_after_accept`, `no_busy_rejection`, `assignment_timeout_never_fires`
      = help: did you mean `status_after_accept`?

    error: `defects` means nothing for a client
     --> scenarios/bad.toml:7:1
      |
    7 | defects = ["status_after_accept"]
      | ^^^^^^^ expected it in a group of built-in workers
      = help: clients have no known defects; a server's are in `[system]`

    scenarios/bad.toml: 4 faults
    "#);
}

#[test]
fn steps_are_checked_to_the_last_template() {
    let source = r#"format = 1
[users.peers]
flow = "talk"
count = 2
[flow.talk]
steps = [
  "jion",
  { discover = { rol = "worker" }, save = { found = "peers/0" } },
  { send = { to = "${fuond}", payload = { token = "${user.token}" } } },
  { expect = { type = "peer_message" }, think = "1s" },
  { meet = "here", of = ["peers", "others"], retry = {} },
  { repeat = { steps = [{ raw = { to = "${peer.peers-2}" } }] } },
]
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: unknown word `jion`
     --> scenarios/bad.toml:7:3
      |
    7 |   "jion",
      |   ^^^^^^
      = expected one of `join`, `connect`, `register`, `discover`, `disconnect`, `reconnect`, `stop`
      = help: did you mean `join`?

    error: unknown key `rol` in discovery filters
     --> scenarios/bad.toml:8:18
      |
    8 |   { discover = { rol = "worker" }, save = { found = "peers/0" } },
      |                  ^^^ expected one of `role`, `tags`, `properties`
      = help: did you mean `role`?

    error: a JSON pointer begins with a slash
     --> scenarios/bad.toml:8:53
      |
    8 |   { discover = { rol = "worker" }, save = { found = "peers/0" } },
      |                                                     ^^^^^^^^^
      = expected a JSON pointer such as "/peers/0/peer_id", found the string "peers/0"

    error: nothing is called `${fuond}`
     --> scenarios/bad.toml:9:19
      |
    9 |   { send = { to = "${fuond}", payload = { token = "${user.token}" } } },
      |                   ^^^^^^^^^^
      = expected one of `user.id`, `user.name`, `user.peer_id`, `room.id`, `room.token`, `run.id`,
        `repetition`, `found`
      = help: did you mean `found`?
      = help: a step keeps a value with `save = { variable = "/pointer" }`

    error: `${user.token}` may only stand in a `raw` message
     --> scenarios/bad.toml:9:51
      |
    9 |   { send = { to = "${fuond}", payload = { token = "${user.token}" } } },
      |                                                   ^^^^^^^^^^^^^^^
      = help: elsewhere it would end up in records; `http` sends it with `bearer = true`

    error: `expect` and `think` exclude each other
      --> scenarios/bad.toml:10:41
       |
    10 |   { expect = { type = "peer_message" }, think = "1s" },
       |                                         ^^^^^ expected a step with only one of them

    error: there is no group `others`
      --> scenarios/bad.toml:11:35
       |
    11 |   { meet = "here", of = ["peers", "others"], retry = {} },
       |                                   ^^^^^^^^ expected `peers`

    error: `retry` means nothing here
      --> scenarios/bad.toml:11:46
       |
    11 |   { meet = "here", of = ["peers", "others"], retry = {} },
       |                                              ^^^^^ expected it beside `discover`

    error: this repeats without end, and nothing in it takes time
      --> scenarios/bad.toml:12:5
       |
    12 |   { repeat = { steps = [{ raw = { to = "${peer.peers-2}" } }] } },
       |     ^^^^^^
       = expected `times`, `every`, or a step that waits, such as `think`

    error: there is no user `peers-2`
      --> scenarios/bad.toml:12:40
       |
    12 |   { repeat = { steps = [{ raw = { to = "${peer.peers-2}" } }] } },
       |                                        ^^^^^^^^^^^^^^^^^
       = expected a group and a number below its count, such as `${peer.workers-0}`
       = help: did you mean `peers`?

    scenarios/bad.toml: 10 faults
    "#);
}

#[test]
fn clients_without_workers_would_wait_in_vain() {
    let source = r#"format = 1
[users.clients]
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: group `clients` finds no worker in its rooms
     --> scenarios/bad.toml:2:8
      |
    2 | [users.clients]
      |        ^^^^^^^
      = help: add a group with `role = "worker"`

    scenarios/bad.toml: 1 fault
    "#);
}

#[test]
fn contradicting_times_are_found() {
    let source = r#"format = 1
[time]
measure = "10s"
[users.workers]
[users.clients]
start = "20s"
arrive = "even"
[[fault]]
name = "late"
do = "latency"
between = ["server", "clients"]
added = { lognormal = { p50 = "40ms", p99 = "4ms" } }
at = { uniform = ["15s", "12s"] }
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: group `clients` arrives over the ramp, which is 0s long
     --> scenarios/bad.toml:2:2
      |
    2 | [time]
      |  ^^^^
      = help: write `[time]` with `ramp = "30s"`, or `arrive = { rate = …, for = … }`

    error: `start` and `arrive` exclude each other
     --> scenarios/bad.toml:6:1
      |
    6 | start = "20s"
      | ^^^^^
      = help: `arrive` says when each user begins

    error: these percentiles contradict each other
      --> scenarios/bad.toml:12:23
       |
    12 | added = { lognormal = { p50 = "40ms", p99 = "4ms" } }
       |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected 0 < p50 and p50 <= p99

    scenarios/bad.toml: 3 faults
    "#);
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    insta::assert_snapshot!(faults_of(b"format = 1\n\x80\xff"), @r"
    error: the file is not text in UTF-8
     --> scenarios/bad.toml:2:1
      = expected UTF-8 text, found byte 0x80 at offset 11
      = help: save the file as UTF-8; a binary file cannot be a scenario

    scenarios/bad.toml: 1 fault
    ");
}

#[test]
fn a_file_of_ten_megabytes_is_refused_by_its_size() {
    insta::assert_snapshot!(faults_of(&vec![b'#'; 10_000_000]), @r"
    error: the file is too large for a scenario
     --> scenarios/bad.toml:1:1
      = expected at most 1048576 bytes, found 10000000 bytes
      = help: is this a scenario file, or did a record or a log end up here?

    scenarios/bad.toml: 1 fault
    ");
    let largest = vec![b'#'; SOURCE_BYTES_MAX];
    assert!(faults_of(&largest).contains("`format` is missing"));
}

#[test]
fn a_fault_as_data_has_place_words_and_the_nearest_name() {
    let faults = load("bad", b"format = 1\nuser = 1\n[users.workers]\n", &Overrides::default()).unwrap_err();
    let data = serde_json::to_value(&faults).unwrap();
    assert_eq!(data["format"], 1);
    assert_eq!(data["file"], "bad.toml");
    let fault = &data["faults"][0];
    assert_eq!((&fault["line"], &fault["column"]), (&2.into(), &1.into()));
    assert_eq!(fault["message"], "unknown key `user` in a scenario");
    assert_eq!(fault["nearest"], "users");
}

#[test]
fn control_characters_of_a_file_never_reach_the_terminal() {
    let text = faults_of_text("format = 1\nx = '\u{9b}31m' # \u{7}\n\"a\\u001b[31m\" = 1\n");
    assert!(!text.contains(['\u{9b}', '\u{7}', '\u{1b}']), "{text:?}");
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    assert_eq!(faults_of_text("\u{feff}format = 1\r\n[users.workers]\r\n"), "no fault");
}

#[test]
fn a_thousand_faults_are_counted_and_a_hundred_are_shown() {
    let many: String = (0..1_000).map(|n| format!("unknown_{n} = 1\n")).collect();
    let text = faults_of_text(&format!("format = 1\n{many}[users.workers]\n"));
    assert!(text.ends_with("scenarios/bad.toml: 1000 faults, 900 not shown\n"), "{}", &text[text.len() - 200..]);
}

/// The words after `help:` of every fault.
fn hints(text: &str) -> Vec<String> {
    let faults = faults_of_text(text);
    faults.lines().filter_map(|line| Some(line.split_once("= help: ")?.1.to_owned())).collect()
}

#[test]
fn a_synonym_leads_to_the_word_of_the_language() {
    let group = "format = 1\n[users.workers]\n";
    let fault = |keys: &str| format!("{group}[[fault]]\nbetween = ['workers', 'server']\nat = '1s'\n{keys}\n");
    let flow = |step: &str| format!("format = 1\n[users.a]\nflow = 'x'\n[flow.x]\nsteps = ['join', {step}]\n");
    for (text, word) in [
        (fault("do = 'latency'\nadd = '5ms'"), "added"),
        (fault("do = 'latency'\nlatency = '5ms'"), "added"),
        (fault("do = 'loss'\nloss = 0.5"), "share"),
        (fault("do = 'loss'\nrate = 0.5"), "share"),
        (fault("do = 'crash'"), "kill"),
        (flow("'leave'"), "disconnect"),
        (flow("{ wait = '1s' }"), "think"),
        (flow("{ sleep = '1s' }"), "think"),
    ] {
        assert!(hints(&text).contains(&format!("did you mean `{word}`?")), "{text}\n{:?}", hints(&text));
    }
}

#[test]
fn a_check_is_not_left_out_without_a_reason() {
    let source = "format = 1\n[users.workers]\n[checks]\nroom_sees_only_its_own = false\n";
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: `room_sees_only_its_own` is left out without a reason
     --> scenarios/bad.toml:4:26
      |
    4 | room_sees_only_its_own = false
      |                          ^^^^^
      = help: to leave it out: `skip = { room_sees_only_its_own = "REASON" }`

    scenarios/bad.toml: 1 fault
    "#);
}

#[test]
fn faults_that_wait_for_a_message_and_clocks_say_what_they_lack() {
    let source = r#"format = 1
[users.workers]
count = 3
[network]
bandwidth = "10"
[network.links.far]
between = ["workers", "server"]
[network.links.near]
between = ["workers", "server"]
bandwidth = "8 Mbit/s"
[[fault]]
do = "kill"
who = "server"
when = { sends = { type = "offer" }, receives = { type = "answer" } }
[[fault]]
do = "kill"
who = { users = "workers", pick = 1, share = 0.5 }
at = "1s"
when = { sends = { type = "offer" }, nth = { uniform = [5, 1] } }
[[fault]]
do = "clock_skew"
who = "server"
at = "1s"
[[fault]]
name = "drunk"
do = "clock_skew"
who = "server"
at = "1s"
offset = "- 5s"
drift = -1
[[fault]]
do = "pause"
who = "workers"
at = "1s"
grace = "1s"
[[fault]]
do = "bandwidth"
between = ["workers", "server"]
at = "1s"
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: a bandwidth has a unit: B/s, kB/s, KiB/s, MB/s, MiB/s, GB/s, GiB/s, kbit/s, Mbit/s or Gbit/s
     --> scenarios/bad.toml:5:13
      |
    5 | bandwidth = "10"
      |             ^^^^
      = expected a bandwidth such as "10Mbit/s", found the string "10"

    error: the link `far` does not differ
     --> scenarios/bad.toml:6:16
      |
    6 | [network.links.far]
      |                ^^^ expected `latency`, `bandwidth` or both

    error: whose message is it? only users' messages are seen
      --> scenarios/bad.toml:14:1
       |
    14 | when = { sends = { type = "offer" }, receives = { type = "answer" } }
       | ^^^^ expected `by = "GROUP"` in `when`

    error: `sends` and `receives` exclude each other
      --> scenarios/bad.toml:14:38
       |
    14 | when = { sends = { type = "offer" }, receives = { type = "answer" } }
       |                                      ^^^^^^^^ expected `when` with only one of them

    error: `pick` and `share` contradict each other
      --> scenarios/bad.toml:17:38
       |
    17 | who = { users = "workers", pick = 1, share = 0.5 }
       |                                      ^^^^^
       = help: keep one

    error: `at` and `when` exclude each other
      --> scenarios/bad.toml:19:1
       |
    19 | when = { sends = { type = "offer" }, nth = { uniform = [5, 1] } }
       | ^^^^ expected a fault with only one of them

    error: the lower end is above the upper end
      --> scenarios/bad.toml:19:44
       |
    19 | when = { sends = { type = "offer" }, nth = { uniform = [5, 1] } }
       |                                            ^^^^^^^^^^^^^^^^^^^^

    error: `clock_skew` needs `offset`, `drift` or both
      --> scenarios/bad.toml:21:1
       |
    21 | do = "clock_skew"
       | ^^

    error: the number is out of range
      --> scenarios/bad.toml:30:9
       |
    30 | drift = -1
       |         ^^ expected a number from -0.9 to 10, found the whole number -1

    error: `grace` means nothing for `pause`
      --> scenarios/bad.toml:35:1
       |
    35 | grace = "1s"
       | ^^^^^
       = help: remove it

    error: `bandwidth` needs `limit`
      --> scenarios/bad.toml:37:1
       |
    37 | do = "bandwidth"
       | ^^

    scenarios/bad.toml: 11 faults
    "#);
}
