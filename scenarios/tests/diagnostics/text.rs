//! The file itself: its bytes, its size, its syntax, its format, and how faults are shown.

use super::{faults_of, faults_of_text};
use rehearsal_scenarios::{Overrides, SOURCE_BYTES_MAX, load};

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
      = help: nothing else is looked at before this is TOML

    error: this is not TOML: extra `=`, expected nothing
     --> scenarios/bad.toml:5:7
      |
    5 | role == "client"
      |       ^
      = help: nothing else is looked at before this is TOML

    error: this is not TOML: unexpected key or value, expected newline, `#`
     --> scenarios/bad.toml:5:9
      |
    5 | role == "client"
      |         ^
      = help: nothing else is looked at before this is TOML

    scenarios/bad.toml: 3 faults
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
[faults.new]
do = "deploy"
at = "1s"
[sometimes]
[[fault]]
[variants]
"#;
    insta::assert_snapshot!(faults_of_text(source), @r#"
    error: this kind of value does not belong here
     --> scenarios/bad.toml:7:8
      |
    7 | pace = 3
      |        ^
      = expected `pace` (`{ rate = 20.0 }` or `{ every = "10s" }`), found the whole number 3

    error: a group of users has no `spans`
     --> scenarios/bad.toml:9:1
      |
    9 | spans = []
      | ^^^^^
      = help: each step of a span says `span = "NAME"`

    error: `deploy` is not there yet
      --> scenarios/bad.toml:11:6
       |
    11 | do = "deploy"
       |      ^^^^^^^^
       = help: rolling out a new version is not there yet

    error: a scenario has no `sometimes`
      --> scenarios/bad.toml:13:2
       |
    13 | [sometimes]
       |  ^^^^^^^^^
       = help: what must be seen in some seed is a check of your own: `[check.NAME]` with `sometimes = { … }`

    error: a scenario has no `fault`
      --> scenarios/bad.toml:14:3
       |
    14 | [[fault]]
       |   ^^^^^
       = help: what goes wrong has a name: write `[faults.NAME]` in place of `[[fault]]`

    scenarios/bad.toml: 5 faults
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
