//! Wrong files: each is refused with a message, a place and a hint or what is expected there. One line each, so that all are
//! seen together; `diagnostics` shows how they are printed. What is wrong by form, the schema refuses too (`schema`).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod files;
mod schema;

use files::wrong;
use rehearsal_scenarios::{Overrides, load_all};

/// Place, message, and what helps.
fn line(text: &str) -> String {
    let refused = load_all("wrong", text.as_bytes(), &Overrides::default());
    let faults = refused.map(|_| ()).expect_err(text);
    let of = |fault: &rehearsal_scenarios::Diagnostic| {
        let helps = [&fault.expected, &fault.nearest, &fault.hint].into_iter().flatten().cloned().collect::<Vec<_>>();
        format!("{}:{} {} => {}", fault.line, fault.column, fault.message, helps.join(" | "))
    };
    let last = text.lines().last().unwrap_or_default();
    let faults: Vec<String> = faults.faults.iter().map(of).collect();
    format!("{last}\n    {}", faults.join("\n    "))
}

#[test]
fn sixty_wrong_files_are_refused_with_message_place_and_hint() {
    let wrong = wrong();
    assert!(wrong.len() >= 60, "{}", wrong.len());
    let lines: Vec<String> = wrong.iter().map(|text| line(text)).collect();
    let helpless = |line: &&String| line.lines().skip(1).any(|fault| fault.trim_end().ends_with("=>"));
    assert_eq!(lines.iter().filter(helpless).cloned().collect::<Vec<_>>().join("\n"), "");
    insta::assert_snapshot!(lines.join("\n"), @r#"
        1:1 the file is empty => `format = 1` and two groups of users | the smallest scenario is `format = 1`, `[users.workers]` and `[users.clients]`; everything else has a default
    [users.workers]
        1:10 format 2 is newer than this program => `format = 1` | a newer rehearsal reads this file
    [users.workers]
        1:1 `format` is missing in a scenario => `format = …`: a whole number from 1 | Version of the language: 1.
    [users.workers
        2:15 this is not TOML: unclosed table, expected `]` => nothing else is looked at before this is TOML
    [users]
        1:1 nobody takes part => a group of users | write `[users.workers]` and `[users.clients]`, or a group with a `flow`
    role = 'worker'
        2:8 `Workers` is no name for a group => at most 40 lower-case letters, digits, `-` and `_`, with a letter first
    [users.helpers]
        2:8 group `helpers` says neither `role` nor `flow` => `role = "worker"`, `role = "client"`, or a `flow` | other roles play a flow: `flow = "NAME"` and `[flow.NAME]`
    [users.clients]
        2:8 group `clients` finds no worker in its rooms => add a group with `role = "worker"`
    cuont = 2
        4:1 unknown key `cuont` in a group of users => one of `role`, `flow`, `count`, `start`, `arrive`, `protocol`, `rooms`, `pace`, `drop_when_late`, `churn`, `rows`, `tags`, `properties`, `strategy`, `defects`, `job`, `jobs`, `think`, `choose`, `ask`, `cancel_after` | count
    count = 0
        4:9 the number is out of range => a whole number from 1 to 100000
    count = 'two'
        4:9 this kind of value does not belong here => a whole number from 1 to 100000, or a drawn count (`{ uniform = [1, 5] }`)
    count = 100001
        4:9 the number is out of range => a whole number from 1 to 100000
    count = { uniform = [0, 4] }
        4:22 the number is out of range => a whole number from 1 to 100000
    delay_points = 1001
        5:16 the number is out of range => a whole number from 0 to 1000
    when = { sends = {}, nth = 0 }
        7:28 the number is out of range => a whole number from 1 to 1000000
    start = 5
        4:9 this kind of value does not belong here => a duration such as "5s", or a distribution (exactly one of uniform, exponential, lognormal, pick), or a list of at least 1, each item a duration such as "5s" | units are always written, inside quotes: "5s", "200ms", "2m"
    start = '5 minutes'
        4:9 the duration lacks its unit (ns, us, ms, s, m, h or d) => a duration such as "5s"
    start = ['1s', '2s']
        4:9 `start` lists another number of users than `count` => list one time for each user, or write a distribution
    job = '5s'
        4:1 `job` means nothing for a client => it in a group of built-in workers | remove it, or write it in the group that it is meant for
    think = { uniform = ['9s', '1s'] }
        4:21 the lower end is above the upper end => write the smaller one first
    think = { uniform = ['1s', '2s', '3s'] }
        4:21 the list is of the wrong length => a list of two, each item a duration such as "5s"
    think = { lognormal = { p50 = '9s', p99 = '1s' } }
        4:23 these percentiles contradict each other => 0 < p50 and p50 <= p99
    think = { pick = ['1s', '2s'], weights = [1] }
        4:42 each alternative needs one weight => 2
    sign_in_rate = 0.1
        5:11 a live run cannot get ready in this time => make `prepare` longer, leave it out, or raise `sign_in_rate` in `[prepare]`
    rooms = 3
        3:8 group `clients` finds no worker in its rooms => add a group with `role = "worker"`
        4:9 there is no room 3 => a number from 0 to 0 | `[rooms]` says how many rooms there are: `count = …`
    rooms = { per_room = 0 }
        4:22 the number is out of range => a whole number from 1 to 100000
    count = 4
        5:1 `count` and a number in each room exclude each other => how many users there are follows from `per_room` and the rooms
    arrive = 'exponential'
        1:1 group `clients` arrives over the ramp, which is 0s long => write `[time]` with `ramp = "30s"`, or `arrive = { rate = …, for = … }`
    arrive = { rate = 5.0 }
        4:12 `rate` needs a duration => `for = …` beside it | `{ rate = 5.0, for = "30s" }` or `{ from = 1.0, to = 50.0, over = "30s" }`
    arrive = { rate = 5.0, for = '30s', burst = 3 }
        4:37 `rate` and `burst` exclude each other => `arrive` with only one of them
    arrive = [{ pause = '5s' }]
        4:1 this makes too few or too many users => 1 to 100000
    arrive = { burst = 3 }
        4:1 `count` and a rate of arrivals exclude each other => how many users there are follows from the rate and its duration
    pace = 20
        4:8 this kind of value does not belong here => `pace` (`{ rate = 20.0 }` or `{ every = "10s" }`)
    pace = { rate = 20.0, every = '1s' }
        4:23 `rate` and `every` exclude each other => `pace` with only one of them
    pace = {}
        4:1 `pace` says nothing => `rate` or `every`
    drop_when_late = 5
        4:18 this kind of value does not belong here => a duration such as "5s" | units are always written, inside quotes: "5s", "200ms", "2m"
    churn = {}
        4:1 `stay` is missing in `churn` => `stay = …`: a duration such as "5s", or a distribution (exactly one of uniform, exponential, lognormal, pick) | How long a user stays.
    churn = { stay = '5s', leave = 'rudely' }
        4:32 unknown word `rudely` => one of `clean`, `abrupt`, `silent`
    churn = { stay = '5s', leave = { clean = 0 } }
        4:32 all shares are 0, so nobody can leave => one way, such as `clean`, or a share above 0
    churn = { stay = '5s', back = 'soon' }
        4:31 `soon` is no duration => a duration or `never` such as "5s"
    rows = 'people.csv'
        4:8 the rows of `people.csv` cannot be read => a file is looked for beside the scenario, which must be a file too
    rows = []
        4:8 the list is too short => a list of at least 1, each item a table
    properties.size = { pick = [] }
        4:28 the list is too short => a list of at least 1, each item a value
    protocol = 'v1'
        4:12 the built-in worker and client speak version 2 => peers of version 1 need a flow of `join`, `raw` and `expect`
    flow = 'ask'
        4:8 there is no flow `ask` => write `[flow.ask]` with `steps = […]`
    n = { live = 3 }
        5:5 `n` has a value for one world only => `{ simulated = …, live = … }`, or one value for both
    room = '${room}'
        5:8 parameter `room` is made of itself => give one of them a value of its own
    n = 3
        5:1 there is no parameter `n` => a variant gives other values to `[params]`
    steps = ['join', { discover = {}, save = { n = '/count' } }]
        10:44 `n` is a parameter => `${…}` could mean either: save it under another name
    steps = ['join', { discover = {}, save = { repetition = '/count' } }]
        7:44 `repetition` is a name that every user has => `${…}` could mean either: save it under another name
    discovery = 'p99 < 1s'
        5:1 nothing is called `discovery` => one of `connect`, `create_room`, `deliver`, `deliver_to_all`, `discover`, `register`, `request_job`, `reserve_worker`, `sign_in`, `status_seen`, `update_metadata` | discover
    discover = 'p99 > 1s'
        5:12 this must be below its limit: write `<` => an objective such as "p99 < 100ms", "errors < 0.1%" or "rate > 20/s"
    expect = 'fails'
        4:1 unknown key `expect` in a group of users => one of `role`, `flow`, `count`, `start`, `arrive`, `protocol`, `rooms`, `pace`, `drop_when_late`, `churn`, `rows`, `tags`, `properties`, `strategy`, `defects`, `job`, `jobs`, `think`, `choose`, `ask`, `cancel_after`
    live = 'maybe'
        5:8 unknown word `maybe` => one of `holds`, `broken`, `either`
    live = { either = ['nobody_is_rude'] }
        5:20 unknown check `nobody_is_rude` => one of `worker_runs_one_job_at_a_time`, `job_is_begun_by_one_worker`, `acknowledged_status_is_seen`, `room_sees_only_its_own`, `messages_arrive_once_in_order_unchanged`, `nobody_speaks_for_another`, `reservation_always_ends`, `departed_peers_disappear`, `nothing_is_left_behind`, `flows_come_to_their_end`, `history_is_linearizable` | nobody_speaks_for_another
    either = ['nobody_speaks_for_another']
        6:11 `nobody_speaks_for_another` is expected to be broken already => keep one of the two
    live = {}
        5:8 nothing is expected here => `broken`, `either` or both, with checks | `expect = "holds"` says that every check holds, as it is if `expect` is left out
    at = '1s'
        4:3 a scenario has no `fault` => what goes wrong has a name: write `[faults.NAME]` in place of `[[fault]]`
    at = '1s'
        4:1 this kind of value does not belong here => a table with a fault for each name | each has a name: write `[….NAME]` for each, in place of a list
    name = 'y'
        8:1 a fault has no `name` => the name of a fault is that of its table: `[faults.NAME]`
    who = 'workers'
        4:9 a fault says nothing => `at` or `when`
    at = '1s'
        5:6 unknown word `explode` => one of `partition`, `latency`, `loss`, `bandwidth`, `stop`, `kill`, `restart`, `lose`, `pause`, `clock_skew`
    at = '1s'
        6:11 the list is of the wrong length => a list of two, each item a string, or users of a group (`{ users = "GROUP", pick = 1 }` or `{ users = "GROUP", share = 0.5 }`; all if neither)
    back = '1s'
        8:1 `back` means nothing for `pause` => how long it lasts is `for`
    role = 'client'
        4:8 a group called `server` cannot be told from the servers => faults and links call the servers so: give the group another name
    refused = true
        4:2 a scenario has no `sometimes` => what must be seen in some seed is a check of your own: `[check.NAME]` with `sometimes = { … }`
    skip = { nobody_speaks_for_another = '' }
        5:38 the reason is empty => say why this check is left out: readers of the report will ask
    sometimes = { event = 'began' }
        5:10 unknown check `mine` => one of `worker_runs_one_job_at_a_time`, `job_is_begun_by_one_worker`, `acknowledged_status_is_seen`, `room_sees_only_its_own`, `messages_arrive_once_in_order_unchanged`, `nobody_speaks_for_another`, `reservation_always_ends`, `departed_peers_disappear`, `nothing_is_left_behind`, `flows_come_to_their_end`, `history_is_linearizable` | a check of your own is left out by removing it
    answered = { from = { sends = { job_id = '?job' } }, to = { receives = { job_id = '?jb' } } }
        6:59 `?jb` is held against nothing: `from` does not capture it => `job` | capture it in `from` as well, or leave it out
    exclusive = { from = { event = 'began', op = 'job' }, to = { event = 'ended', op = 'job', user = '?who' } }
        5:60 `?who` is held against nothing: `from` does not capture it => capture it in `from` as well, or leave it out
    at = '1s'
        5:6 unknown word `silence` => one of `partition`, `latency`, `loss`, `bandwidth`, `stop`, `kill`, `restart`, `lose`, `pause`, `clock_skew` | lose
    steps = []
        5:9 the list is too short => a list of at least 1, each item one of `join`, `connect`, `register`, `discover`, `disconnect`, `reconnect`, `stop`, or a step (one verb, and keys beside it)
    steps = ['jion']
        5:10 unknown word `jion` => one of `join`, `connect`, `register`, `discover`, `disconnect`, `reconnect`, `stop` | join
    steps = ['think']
        5:10 `think` alone says too little => write `{ think = "1s" }`
    steps = ['join', { expect = { type = 'a' }, within = 5 }]
        5:54 this kind of value does not belong here => a duration such as "5s" | units are always written, inside quotes: "5s", "200ms", "2m"
    steps = ['join', { send = { to = '${peer.peers-3}', payload = {} } }]
        5:34 there is no user `peers-3` => a group and a number below its count, such as `${peer.workers-0}` | peers
    steps = ['join', { send = { to = '${nobody}', payload = {} } }]
        5:34 nothing is called `${nobody}` => one of `user.id`, `user.name`, `user.peer_id`, `room.id`, `room.token`, `run.id`, `repetition`, `peer.GROUP-NUMBER`, `row.COLUMN`, `filler.BYTES` | a step keeps a value with `save = { variable = "/pointer" }`
    steps = ['join', { raw = '${filler.many}' }]
        5:26 `${filler.many}` is no filler => a number of bytes up to 16777216, such as `${filler.1024}`
    steps = ['join', { raw = '${row.name}' }]
        5:26 no row has a column `name` => every group that plays this flow needs `rows` with this column
    steps = [{ think = '1s', retry = {} }]
        5:26 `retry` means nothing here => it beside `discover`
    steps = ['join', { expect_one_of = [] }]
        5:36 the list is too short => a list of at least 1, each item a branch (`{ message = { … }, then = … }`)
    steps = ['join', { expect_one_of = [{ then = 'stop' }] }]
        5:37 `message` is missing in a branch => `message = …`: a table | What the message contains, as for `expect`.
    steps = ['join', { expect_one_of = [{ message = {}, then = 'g' }] }]
        5:60 there is no flow `g` => `f` or `stop` | write `[flow.g]` with `steps = […]`
    steps = ['join', { expect_one_of = [{ message = {}, then = 'f' }] }]
        5:60 flow `f` leads back to itself => what is to be done again stands in `repeat`
    steps = ['join', { expect_none = { type = 'a' }, within = '1s' }]
        5:50 `within` means nothing here => it beside one of `expect`, `expect_one_of`, `expect_close`, `meet`
    steps = ['join', { expect_close = { code = 99 } }]
        5:44 the number is out of range => a whole number from 1000 to 4999
    steps = ['join', { malformed = 'rubbish' }]
        5:32 unknown word `rubbish` => one of `unmasked`, `reserved_bit`, `reserved_opcode`, `endless`, `stray_continuation`, `long_ping`, `not_utf8`
    steps = ['join', { stop_reading = 5 }]
        5:35 this kind of value does not belong here => a duration such as "5s", or a distribution (exactly one of uniform, exponential, lognormal, pick) | units are always written, inside quotes: "5s", "200ms", "2m"
    steps = ['join', { repeat = { steps = [{ raw = {} }] } }]
        5:20 this repeats without end, and nothing in it takes time => `times`, `every`, or a step that waits, such as `think`
    steps = ['join', { repeat = { steps = [{ malformed = 'endless' }] } }]
        5:20 this repeats without end, and nothing in it takes time => `times`, `every`, or a step that waits, such as `think`
    steps = ['join', { repeat = { until = { state = 'done' }, steps = ['discover'] } }]
        5:31 `until` may wait without end => `times` beside it | the step fails if it has not come by then
        5:41 no step in this repetition saves `state` => a step keeps a value with `save = { variable = "/pointer" }`
    steps = [{ at = 'noon' }]
        5:17 `noon` is no duration => a duration such as "5s"
    steps = ['join', { span = '', discover = {} }]
        5:27 the name of a span is empty => a name for readers of tables, such as `job to running`
    steps = ['join', { span = 'deliver', discover = {} }]
        5:27 `deliver` is measured in every run as it is => a span has a name of its own, such as `job to running`
    steps = ['join', { discover = {} }, { stop = false }]
        5:46 a step that says `stop = false` is none => write `"stop"`, or leave the step out
    steps = ['discover', 'join']
        5:10 `discover` needs a connection, and no step before it opens one => begin with "join" (connect and register), or "connect"
    steps = [{ repeat = { times = 2, steps = [{ think = '1s' }, { raw = {} }] } }]
        5:63 `raw` needs a connection, and no step before it opens one => begin with "join" (connect and register), or "connect"
    steps = ['join', 'stop', 'discover']
        5:26 no step after `stop` is ever played => a branch that stops says `then = "stop"`, a step that may fail `otherwise = "stop"`
    steps = [{ meet = 'here', of = 'others' }]
        5:32 there is no group `others` => `peers`
    steps = [{ http = { path = 'health' } }]
        5:28 a path begins with a slash; the host is the target's => a path such as "/health"
    steps = [{ join = true, connect = true }]
        5:25 `join` and `connect` exclude each other => a step with only one of them
    steps = ['join', { expect = [{ message = { type = 'a' }, then = 'stop' }] }]
        5:29 a step that expects several messages is `expect_one_of` => write `expect_one_of = [{ message = { … }, then = … }, …]`
        5:29 this kind of value does not belong here => a table
    steps = ['join', { expect = { type = 'a' }, then = 'stop' }]
        5:45 a step has no `then` => branches stand in `expect_one_of`: `[{ message = { … }, then = "FLOW" }, …]`
    "#);
}

/// Forty small flows, each with two branches to the next one: as many steps as two to the power of forty.
#[test]
fn branches_that_double_again_and_again_are_refused_before_they_fill_the_memory() {
    let branching = |n: usize| {
        let branch = |kind: &str| format!("{{ message = {{ type = '{kind}' }}, then = 'f{}' }}", n + 1);
        format!("[flow.f{n}]\nsteps = [{{ expect_one_of = [{}, {}] }}]\n", branch("a"), branch("b"))
    };
    let flows: String = (0..40).map(branching).collect();
    let text = format!(
        "format = 1\n[users.peers]\nflow = 'start'\n[flow.start]\nsteps = ['join', {{ expect_one_of = \
         [{{ message = {{}}, then = 'f0' }}] }}]\n{flows}[flow.f40]\nsteps = ['discover']\n"
    );
    let faults = load_all("wrong", text.as_bytes(), &Overrides::default()).map(|_| ()).expect_err("too long");
    let told = faults.faults.iter().find(|fault| fault.message.contains("flow `start` is too long"));
    assert!(told.is_some_and(|fault| fault.hint.is_some()), "{faults}");
}
