//! Each rule with a history that breaks it and one that nearly does. Rules are written as an author writes them.

use super::super::history_for_tests::History;
use super::super::standstills::STANDSTILL;
use super::super::{RunEnd, declared};
use crate::event::{Body, Closer, Kind, Name};
use crate::judge::Judge;
use crate::verdict::{CheckVerdict, Evidence, Verdict};
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, load};
use serde_json::{Value, json};

const ONE_JOB: &str = r#"
exclusive = { from = { event = "began", op = "job", with = { job = "?job" } },
              to = [{ event = "ended", op = "job", with = { job = "?job" } }, { event = "died" }] }
by = "user"
"#;

const ANSWERED: &str = r#"
answered = { from = { sends = { type = "buy", seat = "?seat" } }, to = { receives = { seat = "?seat" } }, within = "5s",
             unless = { event = "closed" } }
by = "user"
"#;

fn plan(rule: &str) -> Plan {
    let source = format!("format = 1\n[users.workers]\nrole = \"worker\"\n[check.own]\nabout = \"it is so\"\n{rule}");
    let scenario = load("own", source.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"));
    scenario.plan(1, World::Simulated)
}

fn verdict_at(rule: &str, history: &History, end: RunEnd) -> CheckVerdict {
    let plan = plan(rule);
    let mut judge = Judge::new(&plan);
    history.events.iter().for_each(|event| judge.observe(event));
    let verdicts = judge.finish(end);
    verdicts.into_iter().find(|verdict| verdict.name == "own").unwrap()
}

fn verdict(rule: &str, history: &History) -> CheckVerdict {
    let t_ns = history.events.last().map_or(0, |event| event.t_ns);
    verdict_at(rule, history, RunEnd { t_ns, complete: true })
}

fn broken(rule: &str, history: &History) -> Vec<Evidence> {
    match verdict(rule, history).verdict {
        Verdict::Broken { evidence } => evidence,
        other => panic!("it is not broken: {other:?}"),
    }
}

fn holds(rule: &str, history: &History) -> u64 {
    let verdict = verdict(rule, history);
    assert_eq!(verdict.verdict, Verdict::Holds);
    verdict.judged
}

/// A message with what the recorder keeps of it.
fn message(history: &mut History, user: &str, kind: Kind, said: Value) {
    history.put(user, 1, kind, "", None, Body::Other { kind: said["type"].as_str().unwrap_or_default().into() });
    let event = history.events.last_mut().unwrap();
    let said = said.as_object().unwrap().iter();
    event.said = said.map(|(key, value)| (Name::from(format!("/{}", key.replace('.', "/"))), value.clone())).collect();
}

#[test]
fn two_spans_of_one_group_that_overlap_break_exclusive() {
    let mut history = History::new();
    history.at(10.0).begins("workers-0", "a", "clients-0").at(15.5).begins("workers-0", "b", "clients-1");
    history.at(20.0).ends("workers-0", "a", "clients-0").at(30.0).ends("workers-0", "b", "clients-1");
    let evidence = broken(ONE_JOB, &history);
    assert_eq!(
        evidence[0].sentence,
        "workers-0 began job (job a) at 10.000 s, and workers-0 began job (job b) at 15.500 s: together for 4.500 s"
    );
    assert_eq!((evidence[0].events.as_slice(), evidence.len()), (&[0, 1][..], 1));
}

#[test]
fn spans_of_two_groups_spans_that_touch_and_those_of_the_dead_keep_exclusive() {
    let mut history = History::new();
    history.at(1.0).begins("workers-0", "a", "c").begins("workers-1", "b", "c");
    history.at(2.0).ends("workers-0", "a", "c").begins("workers-0", "d", "c");
    history.at(3.0).fault("crash", "killed", &["workers-0"]).at(4.0).begins("workers-0", "e", "c");
    assert_eq!(holds(ONE_JOB, &history), 4);
}

#[test]
fn the_end_of_another_span_closes_nothing() {
    let mut history = History::new();
    history.at(1.0).begins("workers-0", "a", "c").ends("workers-0", "z", "c").at(2.0).begins("workers-0", "b", "c");
    assert_eq!(broken(ONE_JOB, &history).len(), 1);
}

#[test]
fn an_answer_that_comes_too_late_or_to_another_question_breaks_answered() {
    for (second, seat) in [(6.5, 7), (2.0, 8)] {
        let mut history = History::new();
        message(history.at(1.0), "workers-0", Kind::Sent, json!({ "type": "buy", "seat": 7 }));
        message(history.at(second), "workers-0", Kind::Received, json!({ "type": "sold", "seat": seat }));
        history.at(10.0).begins("workers-0", "a", "c");
        let evidence = broken(ANSWERED, &history);
        assert_eq!(evidence[0].sentence, "workers-0 sent buy (seat 7) at 1.000 s, and nothing answered within 5.000 s");
        assert_eq!((evidence[0].from_ns, evidence[0].until_ns), (1_000_000_000, 6_000_000_000));
    }
}

#[test]
fn an_answer_within_the_bound_one_that_is_needless_and_one_cut_short_by_the_end_keep_answered() {
    let mut history = History::new();
    message(history.at(1.0), "workers-0", Kind::Sent, json!({ "type": "buy", "seat": 7 }));
    message(history.at(6.0), "workers-0", Kind::Received, json!({ "type": "sold", "seat": "7" }));
    message(history.at(7.0), "workers-1", Kind::Sent, json!({ "type": "buy", "seat": 8 }));
    history.at(8.0).closes("workers-1", 1, Closer::Peer);
    message(history.at(20.0), "workers-0", Kind::Sent, json!({ "type": "buy", "seat": 9 }));
    history.at(24.0).begins("workers-0", "a", "c");
    assert_eq!(holds(ANSWERED, &history), 1);
}

/// The generator noticed nothing between these seconds.
fn stands_still(history: &mut History, from_s: f64, until_s: f64) {
    history.at(until_s).fault(STANDSTILL, "for a while", &[]);
    let event = history.events.last_mut().unwrap();
    event.planned_ns = Some((from_s * 1e9) as i64);
}

#[test]
fn a_bound_that_was_missed_while_the_generator_stood_still_is_unknown_and_one_missed_before_is_broken() {
    for (from_s, until_s, word) in [(5.0, 8.0, "unknown"), (7.0, 8.0, "broken")] {
        let mut history = History::new();
        message(history.at(1.0), "workers-0", Kind::Sent, json!({ "type": "buy", "seat": 7 }));
        stands_still(&mut history, from_s, until_s);
        message(history.at(8.1), "workers-0", Kind::Received, json!({ "type": "sold", "seat": 7 }));
        history.at(10.0).begins("workers-0", "a", "c");
        assert_eq!(verdict(ANSWERED, &history).verdict.word(), word, "{from_s}");
    }
}

#[test]
fn without_a_bound_the_answer_must_come_before_a_whole_run_ends() {
    let rule = r#"answered = { from = { event = "began", op = "job" }, to = { event = "ended", op = "job" } }"#;
    let mut history = History::new();
    history.at(1.0).begins("workers-0", "a", "c");
    assert!(broken(rule, &history)[0].sentence.ends_with("nothing answered before the run ended"));
    let cut_off = verdict_at(rule, &history, RunEnd { t_ns: 2_000_000_000, complete: false });
    assert!(matches!(cut_off.verdict, Verdict::Unknown { .. }));
    history.at(2.0).ends("workers-0", "a", "c");
    assert_eq!(holds(rule, &history), 1);
}

#[test]
fn the_same_again_breaks_at_most_once_and_another_of_its_kind_does_not() {
    let rule = "at_most_once = { event = \"began\", with = { job = \"?job\" } }\nby = \"job\"\n";
    let mut history = History::new();
    history.at(1.0).begins("workers-0", "a", "c").begins("workers-1", "b", "c");
    assert_eq!(holds(rule, &history), 2);
    history.at(2.0).begins("workers-1", "a", "c");
    let evidence = broken(rule, &history);
    assert_eq!(
        evidence[0].sentence,
        "workers-0 began job (job a) at 1.000 s, and again workers-1 began job (job a) at 2.000 s"
    );
    assert_eq!(evidence[0].users, ["workers-0".into(), "workers-1".into()]);
}

#[test]
fn a_step_before_the_one_in_front_of_it_breaks_ordered_and_a_repeated_one_does_not() {
    let rule = r#"
        ordered = [{ sends = { app = "ask", job = "?job" } }, { event = "began", with = { job = "?job" } },
                   { event = "ended", with = { job = "?job" } }]
        by = "job"
    "#;
    let mut history = History::new();
    message(
        history.at(1.0),
        "clients-0",
        Kind::Sent,
        json!({ "type": "peer_message", "payload.app": "ask", "payload.job": "a" }),
    );
    history.at(2.0).begins("workers-0", "a", "c").begins("workers-1", "a", "c").at(3.0).ends("workers-0", "a", "c");
    assert_eq!(holds(rule, &history), 3);
    history.at(4.0).begins("workers-0", "b", "c");
    let evidence = broken(rule, &history);
    assert_eq!(evidence[0].sentence, "workers-0 began job (job b) at 4.000 s, before step 1 of 3 was seen");
}

#[test]
fn never_is_broken_by_what_matches_and_judges_what_nearly_does() {
    let rule = r#"never = { receives = { type = "sold", price = 0 } }"#;
    let mut history = History::new();
    message(history.at(1.0), "workers-0", Kind::Received, json!({ "type": "sold", "price": 5 }));
    message(history.at(1.5), "workers-0", Kind::Received, json!({ "type": "sold", "price": "0" }));
    assert_eq!(holds(rule, &history), 2);
    message(history.at(2.0), "workers-0", Kind::Received, json!({ "type": "sold", "price": 0.0 }));
    assert_eq!(broken(rule, &history)[0].sentence, "workers-0 received sold at 2.000 s");
}

#[test]
fn never_during_a_span_looks_only_while_one_is_open_in_the_group() {
    let rule = r#"
        never = { sends = { type = "buy" } }
        during = { from = { sends = { type = "leave" } }, to = { event = "opened" } }
        by = "user"
    "#;
    let mut history = History::new();
    message(history.at(1.0), "a-0", Kind::Sent, json!({ "type": "buy" }));
    message(history.at(2.0), "a-0", Kind::Sent, json!({ "type": "leave" }));
    message(history.at(3.0), "a-1", Kind::Sent, json!({ "type": "buy" }));
    history.at(4.0).joins("a-0", 2, "room");
    message(history.at(5.0), "a-0", Kind::Sent, json!({ "type": "buy" }));
    assert!(holds(rule, &history) > 0);
    message(history.at(6.0), "a-0", Kind::Sent, json!({ "type": "leave" }));
    message(history.at(7.0), "a-0", Kind::Sent, json!({ "type": "buy" }));
    assert_eq!(broken(rule, &history).len(), 1);
}

#[test]
fn sometimes_is_met_by_enough_that_differ_and_not_judged_before() {
    let rule = r#"
        sometimes = { sends = { type = "ask", to = "?worker" } }
        by = "worker"
        times = 2
        different = "user"
    "#;
    let mut history = History::new();
    let asks = |history: &mut History, user: &str, to: &str| {
        message(history, user, Kind::Sent, json!({ "type": "ask", "to": to }));
    };
    asks(history.at(1.0), "clients-0", "w1");
    asks(history.at(2.0), "clients-0", "w1");
    asks(history.at(3.0), "clients-1", "w2");
    let unmet = verdict(rule, &history);
    assert_eq!(unmet.verdict, Verdict::NotJudged { reason: "it was not seen".into() });
    asks(history.at(4.0), "clients-1", "w1");
    assert_eq!(holds(rule, &history), 1);
}

#[test]
fn a_sometimes_that_no_seed_met_is_named() {
    use crate::outcome::CheckSummary;
    let rule = r#"sometimes = { event = "began", op = "job" }"#;
    let plan = plan(rule);
    let summary = |history: &History| CheckSummary::of_one_seed(verdict(rule, history), 1, &plan.expect);
    let mut history = History::new();
    history.at(1.0).joins("workers-0", 1, "room");
    assert_eq!(declared::unmet(&plan.checks, &[summary(&history)]), ["own"]);
    history.at(2.0).begins("workers-0", "a", "c");
    assert!(declared::unmet(&plan.checks, &[summary(&history)]).is_empty());
}

#[test]
fn peer_and_room_are_known_without_being_said() {
    let rule = r#"
        ordered = [{ event = "began", op = "job", room = "?place" }, { event = "ended", op = "job", room = "?place" }]
        by = ["place", "peer"]
    "#;
    let mut history = History::new();
    history.at(0.0).joins("workers-0", 1, "here").joins("workers-1", 1, "there");
    history.at(1.0).begins("workers-0", "a", "c").at(2.0).ends("workers-0", "a", "c");
    assert_eq!(holds(rule, &history), 1);
    history.at(3.0).ends("workers-1", "a", "c");
    assert_eq!(broken(rule, &history).len(), 1);
}

#[test]
fn an_operation_s_own_messages_match_as_messages() {
    let rule =
        r#"answered = { from = { sends = { type = "discover_peers" } }, to = { receives = { type = "peer_list" } } }"#;
    let mut history = History::new();
    history.at(1.0).discovers("clients-0", json!({}), &[]);
    let mut said = ["discover_peers", "peer_list"].into_iter();
    for event in &mut history.events {
        event.said = [(Name::from("/type"), said.next().unwrap().into())].into_iter().collect();
    }
    assert_eq!(holds(rule, &history), 1);
}
