//! Checks that a scenario declares: what a file says becomes a rule, and what it cannot mean is refused with its place.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use rehearsal_scenarios::plan::{DeclaredCheck, Occurrence, Rule, Term, World};
use rehearsal_scenarios::{Overrides, load};
use serde_json::json;

const USERS: &str = "format = 1\n[users.buyers]\nrole = \"worker\"\n";

fn declared(checks: &str) -> Vec<DeclaredCheck> {
    let scenario = load("shop", format!("{USERS}{checks}").as_bytes(), &Overrides::default());
    scenario.unwrap_or_else(|faults| panic!("{faults}")).plan(1, World::Simulated).checks.declared
}

/// What is wrong, each with its line.
fn refused(checks: &str) -> Vec<String> {
    let faults = load("shop", format!("{USERS}{checks}").as_bytes(), &Overrides::default()).unwrap_err();
    let told = |fault: &rehearsal_scenarios::Diagnostic| format!("{}: {}", fault.line - 3, fault.message);
    faults.faults.iter().map(told).collect()
}

#[test]
fn a_rule_is_read_with_its_places_and_captures() {
    let checks = declared(
        r#"
        [check.a_seat_is_sold_once]
        about = "a seat is sold once"
        at_most_once = { receives = { type = "sold", seat = { row = "?row", number = 7 } }, group = "buyers" }
        by = "row"
        "#,
    );
    let [check] = checks.as_slice() else { panic!("{checks:?}") };
    assert_eq!((check.about.as_str(), &check.by), ("a seat is sold once", &vec!["row".to_owned()]));
    let Rule::AtMostOnce(what) = &check.rule else { panic!("{check:?}") };
    assert_eq!((what.event, what.group.as_deref()), (Occurrence::Received, Some("buyers")));
    let places: Vec<_> = what.message.iter().map(|place| (place.pointer.as_str(), place.term.clone())).collect();
    let (number, row) = (Term::Is(json!(7)), Term::Capture("row".into()));
    let expected = [("/type", Term::Is(json!("sold"))), ("/seat/row", row), ("/seat/number", number)];
    assert_eq!(places, expected);
}

#[test]
fn records_keep_only_what_is_looked_at_in_messages_and_their_payloads() {
    let scenario = load(
        "shop",
        format!("{USERS}[check.c]\nnever = {{ sends = {{ seat = \"?seat\" }} }}\n").as_bytes(),
        &Overrides::default(),
    );
    let watched = scenario.unwrap().plan(1, World::Live).checks.watched();
    assert_eq!(watched, ["/payload/seat", "/seat", "/type"]);
    let scenario = load("shop", USERS.as_bytes(), &Overrides::default()).unwrap();
    assert!(scenario.plan(1, World::Live).checks.watched().is_empty());
}

#[test]
fn a_name_that_is_left_out_tells_the_property_and_two_marks_stand_for_one() {
    let checks = declared("[check.nobody_asks]\nnever = { sends = { text = \"??\" } }\n");
    assert_eq!(checks[0].about, "nobody asks");
    let Rule::Never { what, during: None } = &checks[0].rule else { panic!("{checks:?}") };
    assert_eq!(what.message[0].term, Term::Is(json!("?")));
}

#[test]
fn every_rule_takes_its_own_keys() {
    let job = r#"event = "began", op = "job", with = { job = "?job" }"#;
    let end = r#"event = "ended", op = "job", with = { job = "?job" }"#;
    let checks = declared(&format!(
        r#"
        [check.a]
        exclusive = {{ from = {{ {job} }}, to = [{{ {end} }}, {{ event = "died" }}] }}
        by = "user"
        [check.b]
        answered = {{ from = {{ {job} }}, to = {{ {end} }}, within = "5s", unless = {{ event = "died" }} }}
        by = ["user", "job"]
        [check.c]
        ordered = [{{ {job} }}, {{ {end} }}]
        by = "job"
        [check.d]
        never = {{ event = "fault" }}
        during = {{ from = {{ {job} }}, to = {{ {end} }} }}
        [check.e]
        sometimes = {{ {job}, user = "?worker" }}
        times = 2
        different = "job"
        by = "worker"
        "#
    ));
    let names: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    assert!(matches!(&checks[0].rule, Rule::Exclusive(span) if span.to.len() == 2));
    assert!(
        matches!(&checks[1].rule, Rule::Answered { within_ns: Some(5_000_000_000), unless, .. } if unless.len() == 1)
    );
    assert!(matches!(&checks[2].rule, Rule::Ordered(steps) if steps.len() == 2));
    assert!(matches!(&checks[3].rule, Rule::Never { during: Some(_), .. }));
    let Rule::Sometimes { times: 2, different: Some(different), .. } = &checks[4].rule else { panic!("{checks:?}") };
    assert_eq!(different, "job");
}

#[test]
fn what_a_check_cannot_mean_is_refused_with_its_line() {
    let two = "[check.c]\nnever = { event = \"fault\" }\nsometimes = { event = \"fault\" }\n";
    assert_eq!(refused(two), ["3: `never` and `sometimes` exclude each other"]);
    assert_eq!(refused("[check.c]\nabout = \"x\"\n"), ["1: `[check.NAME]` says nothing"]);
    let taken = "[check.room_sees_only_its_own]\nnever = { event = \"fault\" }\n";
    assert_eq!(refused(taken), ["1: `room_sees_only_its_own` comes with the program"]);
    let lacking = "[check.c]\nat_most_once = { sends = { seat = \"?seat\" } }\nby = \"saet\"\n";
    assert_eq!(refused(lacking), ["3: nothing is captured as `saet`"]);
    let one = |pattern: &str| refused(&format!("[check.c]\nnever = {{ {pattern} }}\n"));
    assert_eq!(one("sends = { id_token = \"?t\" }"), ["2: `id_token` may be a secret, and records keep none"]);
    assert_eq!(one("sends = { seats = [1] }"), ["2: a list or an empty table cannot be matched"]);
    assert_eq!(one("sends = { seat = \"?Seat\" }"), ["2: this is no name for a capture"]);
    assert_eq!(one("sends = {}, group = \"byers\""), ["2: there is no group `byers`"]);
    assert_eq!(one("event = \"sent\""), ["2: unknown word `sent`"]);
    assert_eq!(one("sends = {}, op = \"x\""), ["2: `op` means nothing here"]);
    assert_eq!(one("event = \"began\", op = \"jobb\""), ["2: nothing of the name `jobb` comes to such an event"]);
    assert_eq!(
        one("event = \"ok\", op = \"discovery\""),
        ["2: nothing of the name `discovery` comes to such an event"]
    );
    assert_eq!(one("event = \"began\", op = \"measure\""), ["2: nothing of the name `measure` comes to such an event"]);
    assert_eq!(one("event = \"died\", op = \"job\""), ["2: such an event belongs to no operation"]);
    assert_eq!(one("event = \"died\", user = \"buyers-1\""), ["2: there is no user `buyers-1`"]);
    assert_eq!(one("event = \"died\", user = \"byers-0\""), ["2: there is no user `byers-0`"]);
    let long = format!("sends = {{ text = \"{}\" }}", "x".repeat(257));
    assert_eq!(one(&long), ["2: this text is too long to be compared"]);
    assert_eq!(refused("[check.c]\nnever = { event = \"fault\" }\ntimes = 2\n"), ["3: `times` means nothing here"]);
}

#[test]
fn a_pattern_may_name_every_operation_that_somebody_does_and_every_user_of_some_seed() {
    let flow = "[users.sellers]\nflow = \"sell\"\ncount = { uniform = [1, 3] }\n\
                [flow.sell]\nsteps = [\"join\", { meet = \"all\", name = \"gathering\" }, { http = { path = \"/\" }, name = \"price\", span = \"a sale\" }]\n";
    let one = |pattern: &str| declared(&format!("{flow}[check.c]\nnever = {{ {pattern} }}\n")).len();
    for op in ["discover", "price", "a sale", "gathering", "dropped", "delete_room"] {
        assert_eq!(one(&format!("event = \"failed\", op = \"{op}\"")), 1, "{op}");
    }
    for op in ["job", "flow", "user", "measure", "unmatched"] {
        assert_eq!(one(&format!("event = \"ended\", op = \"{op}\"")), 1, "{op}");
    }
    for user in ["buyers-0", "sellers-2", "run", "?who"] {
        assert_eq!(one(&format!("event = \"fault\", user = \"{user}\"")), 1, "{user}");
    }
}

#[test]
fn a_check_of_ones_own_can_be_expected_to_break() {
    let source = |name: &str| {
        format!(
            "format = 1\nexpect = {{ broken = [\"{name}\"] }}\n[users.buyers]\nrole = \"worker\"\n[check.sold_once]\nnever = {{ event = \"fault\" }}\n"
        )
    };
    assert!(load("shop", source("sold_once").as_bytes(), &Overrides::default()).is_ok());
    let faults = load("shop", source("sold_twice").as_bytes(), &Overrides::default()).unwrap_err();
    assert_eq!(faults.faults[0].nearest.as_deref(), Some("sold_once"));
}
