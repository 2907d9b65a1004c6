//! Keys and values that the language does not have.

use super::faults_of_text;

/// The words after `help:` of every fault.
fn hints(text: &str) -> Vec<String> {
    let faults = faults_of_text(text);
    faults.lines().filter_map(|line| Some(line.split_once("= help: ")?.1.to_owned())).collect()
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
      = expected one of `role`, `flow`, `count`, `start`, `arrive`, `protocol`, `rooms`, `pace`,
        `drop_when_late`, `churn`, `rows`, `tags`, `properties`, `strategy`, `defects`, `job`, `jobs`,
        `think`, `choose`, `ask`, `cancel_after`
      = help: did you mean `count`?

    error: unknown key `jbos` in a group of users
     --> scenarios/bad.toml:7:1
      |
    7 | jbos = 3
      | ^^^^
      = expected one of `role`, `flow`, `count`, `start`, `arrive`, `protocol`, `rooms`, `pace`,
        `drop_when_late`, `churn`, `rows`, `tags`, `properties`, `strategy`, `defects`, `job`, `jobs`,
        `think`, `choose`, `ask`, `cancel_after`
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
      = expected a whole number from 1 to 100000, found the whole number 0

    error: `soon` is no duration
     --> scenarios/bad.toml:8:16
      |
    8 | start = ["1s", "soon"]
      |                ^^^^^^ expected a duration such as "5s", found the string "soon"

    error: the list is of the wrong length
     --> scenarios/bad.toml:9:21
      |
    9 | think = { uniform = ["1s"] }
      |                     ^^^^^^
      = expected a list of two, each item a duration such as "5s", found a list of 1

    scenarios/bad.toml: 5 faults
    "#);
}

#[test]
fn a_synonym_leads_to_the_word_of_the_language() {
    let group = "format = 1\n[users.workers]\n";
    let fault = |keys: &str| format!("{group}[faults.x]\nbetween = ['workers', 'server']\nat = '1s'\n{keys}\n");
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
