//! Faults of `[faults]` that cannot mean what they say.

use super::faults_of_text;

#[test]
fn a_fault_on_an_unknown_group_names_the_groups() {
    let source = r#"format = 1
[users.workers]
[users.clients]
[faults.partition]
do = "partition"
between = ["servr", { users = "worker", pick = 1 }]
at = "5s"
[faults.kill]
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
[faults.kill]
do = "kill"
who = "server"
when = { sends = { type = "offer" }, receives = { type = "answer" } }
[faults.share]
do = "kill"
who = { users = "workers", pick = 1, share = 0.5 }
at = "1s"
when = { sends = { type = "offer" }, nth = { uniform = [5, 1] } }
[faults.clock_skew]
do = "clock_skew"
who = "server"
at = "1s"
[faults.drunk]
do = "clock_skew"
who = "server"
at = "1s"
offset = "- 5s"
drift = -1
[faults.pause]
do = "pause"
who = "workers"
at = "1s"
grace = "1s"
[faults.bandwidth]
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
      --> scenarios/bad.toml:19:56
       |
    19 | when = { sends = { type = "offer" }, nth = { uniform = [5, 1] } }
       |                                                        ^^^^^^

    error: `clock_skew` needs `offset`, `drift` or both
      --> scenarios/bad.toml:21:1
       |
    21 | do = "clock_skew"
       | ^^

    error: the number is out of range
      --> scenarios/bad.toml:29:9
       |
    29 | drift = -1
       |         ^^ expected a number from -0.9 to 10, found the whole number -1

    error: `grace` means nothing for `pause`
      --> scenarios/bad.toml:34:1
       |
    34 | grace = "1s"
       | ^^^^^
       = help: remove it

    error: `bandwidth` needs `limit`
      --> scenarios/bad.toml:36:1
       |
    36 | do = "bandwidth"
       | ^^

    scenarios/bad.toml: 11 faults
    "#);
}
