//! Users, checks, times and thresholds that cannot mean what they say.

use super::faults_of_text;

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
        `nothing_is_left_behind`, `flows_come_to_their_end`, `history_is_linearizable`, `skip`
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
[faults.late]
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
      --> scenarios/bad.toml:11:23
       |
    11 | added = { lognormal = { p50 = "40ms", p99 = "4ms" } }
       |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected 0 < p50 and p50 <= p99

    scenarios/bad.toml: 3 faults
    "#);
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
fn what_another_tool_would_write_in_a_threshold_is_answered_with_what_to_write_here() {
    let source = r#"format = 1
[users.seekers]
flow = "seek"
[flow.seek]
steps = ["join", "discover"]
[thresholds]
discover = ["p(99)<200", "avg<100"]
[abort]
when = ["errors > 5%", "discovery p99 > 2s for 30s", "server-b rooms > 5 for 10s"]
[observe]
server-a = "127.0.0.1:8001/metrics"
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: this is k6's way to say `p99 < 200ms`
     --> scenarios/bad.toml:7:13
      |
    7 | discover = ["p(99)<200", "avg<100"]
      |             ^^^^^^^^^^^
      = expected an objective such as "p99 < 100ms", "errors < 0.1%" or "rate > 20/s", found the string
        "p(99)<200"

    error: `avg` hides what is slow: write a percentile, such as `p50 < 100ms`
     --> scenarios/bad.toml:7:26
      |
    7 | discover = ["p(99)<200", "avg<100"]
      |                          ^^^^^^^^^
      = expected an objective such as "p99 < 100ms", "errors < 0.1%" or "rate > 20/s", found the string
        "avg<100"

    error: a rule ends with how long it must be so: `… for 10s`
     --> scenarios/bad.toml:9:9
      |
    9 | when = ["errors > 5%", "discovery p99 > 2s for 30s", "server-b rooms > 5 for 10s"]
      |         ^^^^^^^^^^^^^
      = expected a rule such as "errors > 5% for 10s", "discover p99 > 2s for 30s" or "health != healthy for
        15s", found the string "errors > 5%"

    error: nothing is called `discovery`
     --> scenarios/bad.toml:9:24
      |
    9 | when = ["errors > 5%", "discovery p99 > 2s for 30s", "server-b rooms > 5 for 10s"]
      |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = expected one of `connect`, `create_room`, `deliver`, `deliver_to_all`, `discover`, `register`,
        `request_job`, `reserve_worker`, `sign_in`, `status_seen`, `update_metadata`
      = help: did you mean `discover`?

    error: nothing under `[observe]` is called `server-b`
     --> scenarios/bad.toml:9:54
      |
    9 | when = ["errors > 5%", "discovery p99 > 2s for 30s", "server-b rooms > 5 for 10s"]
      |                                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected `server-a`
      = help: did you mean `server-a`?
      = help: `[observe]` names metrics: `NAME = "http://…/metrics"`

    error: a metrics address begins with http:// or https://
      --> scenarios/bad.toml:11:12
       |
    11 | server-a = "127.0.0.1:8001/metrics"
       |            ^^^^^^^^^^^^^^^^^^^^^^^^
       = expected the address of metrics such as "http://127.0.0.1:8001/metrics", found the string
         "127.0.0.1:8001/metrics"

    scenarios/bad.toml: 6 faults
    "#);
}
