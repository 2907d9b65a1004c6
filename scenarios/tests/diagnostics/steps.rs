//! Steps of a flow.

use super::faults_of_text;

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
        `repetition`, `found`, `peer.GROUP-NUMBER`, `row.COLUMN`, `filler.BYTES`
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
