//! Hand-made runs, and what of them is shown. Times are seconds; see `checks::history_for_tests`.

use super::*;
use crate::checks::RunEnd;
use crate::checks::history_for_tests::History;
use crate::checks::plan_for_tests::plan;
use crate::event::{Body, Closer, Kind};
use crate::judge::Judge;
use crate::outcome::CheckSummary;
use rehearsal_scenarios::plan::{Expectation, World};
use serde_json::json;
use situation::{Section, Tone};

/// The outcome of these events, as a run of one seed has it.
fn outcome(events: &[Event]) -> Outcome {
    let plan = plan(World::Simulated);
    let mut judge = Judge::new(&plan);
    events.iter().for_each(|event| judge.observe(event));
    let verdicts = judge.finish(RunEnd { t_ns: events.last().map_or(0, |event| event.t_ns), complete: true });
    let broken = verdicts.iter().find(|check| matches!(check.verdict, Verdict::Broken { .. }));
    let story = broken.and_then(|check| crate::story::story(check, events, true));
    let checks = verdicts.into_iter().map(|check| CheckSummary::of_one_seed(check, 4, &Expectation::Holds));
    Outcome { checks: checks.collect(), story, ..Outcome::not_played(&plan) }
}

fn playback(history: &History) -> Playback {
    Playback::of(&outcome(&history.events), &history.events, STEPS_MAX)
}

/// Two clients, one worker, two jobs at once.
fn race() -> History {
    let mut history = History::new();
    history.at(0.0).joins_with("workers-0", 1, "r", "worker", json!({"properties": {"status": "available"}}));
    history.joins("clients-0", 1, "r").joins("clients-1", 1, "r");
    history.at(1.0).sends("clients-0", 1, "workers-0", "please").at(1.1).receives(
        "workers-0",
        1,
        "clients-0",
        "please",
    );
    history.at(2.0).begins("workers-0", "clients-0-j1", "clients-0");
    history.at(3.0).begins("workers-0", "clients-1-j1", "clients-1");
    history.at(4.0).ends("workers-0", "clients-0-j1", "clients-0");
    history
}

/// What is true after the step with this number of an event.
fn facts(playback: &Playback, n: u64) -> BTreeMap<(Section, String), (String, Tone)> {
    let mut facts = BTreeMap::new();
    let steps = playback.steps.iter().take_while(|step| step.n <= n);
    for change in playback.start.iter().chain(steps.flat_map(|step| &step.changes)) {
        let FactName { section, name } = &playback.facts[change.fact];
        match &change.text {
            Some(text) => facts.insert((*section, name.clone()), (text.clone(), change.tone)),
            None => facts.remove(&(*section, name.clone())),
        };
    }
    facts
}

fn fact(playback: &Playback, n: u64, section: Section, name: &str) -> Option<String> {
    facts(playback, n).remove(&(section, name.to_owned())).map(|(text, _)| text)
}

/// The number of the last event so far.
fn last(history: &History) -> u64 {
    history.events.len() as u64 - 1
}

#[test]
fn lanes_are_users_by_group_with_the_server_between_them() {
    let playback = playback(&race());
    let lanes: Vec<(&str, bool)> = playback.lanes.iter().map(|lane| (&*lane.name, lane.is_server)).collect();
    assert_eq!(lanes, [("clients-0", false), ("clients-1", false), ("server", true), ("workers-0", false)]);
    assert_eq!(playback.left_out, None);
}

#[test]
fn a_relayed_message_goes_over_the_server_and_a_question_there_and_back() {
    let playback = playback(&race());
    let relay = playback.arrows.iter().find(|arrow| arrow.path == [0, 2, 3]).unwrap();
    let (from, to) = (&playback.steps[relay.from.unwrap()], &playback.steps[relay.to.unwrap()]);
    assert_eq!((from.t_ns, to.t_ns, relay.fate), (1_000_000_000, 1_100_000_000, Fate::Arrived));
    assert!(from.has_words && !to.has_words);
    assert_eq!(playback.arrows.iter().filter(|arrow| arrow.path == [3, 2, 3]).count(), 1, "the worker registers");
}

#[test]
fn a_message_that_nobody_received_ends_at_the_server_and_one_that_nobody_sent_begins_there() {
    let mut history = race();
    history.at(5.0).sends("clients-0", 1, "workers-0", "lost").receives("clients-1", 1, "workers-0", "from nowhere");
    let playback = playback(&history);
    let ends: Vec<_> = playback.arrows.iter().filter(|it| it.path.len() == 2).collect();
    assert_eq!((&ends[0].path[..], ends[0].to, ends[0].fate), (&[0, 2][..], None, Fate::Open));
    assert_eq!((&ends[1].path[..], ends[1].from, ends[1].fate), (&[2, 1][..], None, Fate::Arrived));
}

#[test]
fn the_violation_marks_its_steps_and_the_jobs_that_they_begin() {
    let playback = playback(&race());
    let violation = &playback.violations[0];
    assert_eq!(violation.check, "worker_runs_one_job_at_a_time");
    let texts: Vec<&str> = violation.steps.iter().map(|step| &*playback.steps[*step].text).collect();
    assert_eq!(texts, ["begins job: clients-0-j1", "begins job: clients-1-j1"]);
    assert_eq!(playback.steps[violation.steps[1]].mark, "second job begins");
    let spans: Vec<_> = violation.spans.iter().map(|span| &playback.spans[*span]).collect();
    assert!(spans.len() == 2 && spans.iter().all(|span| span.kind == SpanKind::Job && span.lanes == [3]));
    assert_eq!((spans[0].to.is_some(), spans[1].to), (true, None));
}

#[test]
fn what_workers_say_and_run_is_told_as_it_changes() {
    let mut history = race();
    let worker = |playback: &Playback, n| facts(playback, n).remove(&(Section::Workers, "workers-0".into())).unwrap();
    let begun = history.events.iter().position(|event| event.kind == Kind::Began).unwrap() as u64;
    assert_eq!(worker(&playback(&history), begun - 1).0, "says “available”, runs nothing");
    let both = worker(&playback(&history), begun + 1);
    assert_eq!(both, ("says “available”, runs 2 jobs at once: clients-0-j1, clients-1-j1".into(), Tone::Bad));
    history.asks("update", "workers-0", 1, Body::Update { metadata: json!({"properties": {"status": "busy"}}).into() });
    let asked = worker(&playback(&history), last(&history));
    assert_eq!(asked, ("says “available”, has asked for “busy”, runs clients-1-j1".into(), Tone::Plain));
    history.answered("update", Kind::Ok, Body::Updated { metadata: json!({"properties": {"status": "busy"}}).into() });
    assert_eq!(worker(&playback(&history), last(&history)).0, "says “busy”, runs clients-1-j1");
    history.closes("workers-0", 1, Closer::Network);
    assert_eq!(
        worker(&playback(&history), last(&history)).0,
        "runs clients-1-j1",
        "what it said went with its connection"
    );
}

#[test]
fn rooms_and_connections_follow_what_their_users_see() {
    let mut history = race();
    let playback_at = |history: &History, section, name: &str| fact(&playback(history), last(history), section, name);
    assert_eq!(playback_at(&history, Section::Rooms, "r").unwrap(), "clients-0, clients-1, workers-0");
    assert_eq!(playback_at(&history, Section::Connections, "clients-1").unwrap(), "open, registered");
    history.at(5.0).closes("clients-1", 1, Closer::Network);
    assert_eq!(playback_at(&history, Section::Rooms, "r").unwrap(), "clients-0, workers-0");
    assert_eq!(playback_at(&history, Section::Connections, "clients-1").unwrap(), "lost");
}

#[test]
fn a_reservation_is_told_until_it_lapses_and_a_fault_until_it_ends() {
    let mut history = race();
    let reserved = Body::Reserved { worker: "workers-0".into(), until_ns: 7_000_000_000 };
    let asked = Body::Reserve { worker: "workers-0".into(), duration_sec: crate::event::Seconds(2.0) };
    history.at(5.0).does("clients-0", 1, "reserve_worker", asked, Kind::Ok, reserved);
    history.fault("cut", "partition begins", &["clients-1", "server"]);
    let playback_at = |history: &History, section, name: &str| fact(&playback(history), last(history), section, name);
    assert_eq!(playback_at(&history, Section::Reservations, "workers-0").unwrap(), "held by clients-0 until 7.000 s");
    assert_eq!(
        playback_at(&history, Section::Faults, "cut").unwrap(),
        "partition over clients-1, server since 5.000 s"
    );
    history.at(7.0).fault("cut", "partition ends", &["clients-1", "server"]);
    assert_eq!(playback_at(&history, Section::Reservations, "workers-0"), None);
    assert_eq!(playback_at(&history, Section::Faults, "cut"), None);
    let playback = playback(&history);
    let fault = playback.spans.iter().find(|span| span.kind == SpanKind::Fault).unwrap();
    assert_eq!((&fault.lanes[..], &*fault.text, fault.to.is_some()), (&[1, 2][..], "cut: partition", true));
}

#[test]
fn a_job_is_told_from_the_wish_to_its_end() {
    let mut history = race();
    let job = |history: &History| fact(&playback(history), last(history), Section::Jobs, "clients-0-j2");
    let attempt = || Body::Attempt { job: "clients-0-j2".into(), attempt_of: None, worker: None };
    history.at(5.0).asks("request_job", "clients-0", 0, attempt());
    assert_eq!(job(&history).unwrap(), "wanted by clients-0");
    history.at(5.2).begins("workers-0", "clients-0-j2", "clients-0");
    assert_eq!(job(&history).unwrap(), "runs at workers-0");
    history.ends("workers-0", "clients-0-j2", "clients-0");
    assert_eq!(job(&history).unwrap(), "wanted by clients-0");
    history.answered("request_job", Kind::Ok, attempt());
    assert_eq!(job(&history), None);
}

#[test]
fn of_a_long_run_the_steps_around_the_violation_are_shown_and_the_rest_is_told_of() {
    let mut history = race();
    let broken_at = history.events[history.events.len() - 2].n;
    for second in 5..500 {
        history.at(f64::from(second)).sends("clients-0", 1, "workers-0", &second.to_string());
    }
    let whole = playback(&history);
    let few = Playback::of(&outcome(&history.events), &history.events, 30);
    assert!(few.steps.len() <= 40, "{}", few.steps.len());
    assert!(few.steps.iter().any(|step| step.n == broken_at) && !few.violations[0].steps.is_empty());
    assert!(few.left_out.as_ref().unwrap().contains("of 509 events are shown, from "), "{:?}", few.left_out);
    assert_eq!(facts(&few, broken_at), facts(&whole, broken_at), "what is not shown counts all the same");
}

#[test]
fn many_users_are_fewer_lanes_with_whoever_the_check_names_among_them() {
    let mut history = History::new();
    for user in 0..50 {
        history.at(-1.0).joins(&format!("clients-{user}"), 1, "r");
    }
    history.at(0.0).joins("workers-7", 1, "r");
    history.at(2.0).begins("workers-7", "clients-40-j1", "clients-40");
    history.at(3.0).begins("workers-7", "clients-41-j1", "clients-41");
    let playback = playback(&history);
    let lanes: Vec<&str> = playback.lanes.iter().map(|lane| &*lane.name).collect();
    assert_eq!(lanes.len(), LANES_MAX + 1);
    assert!(["clients-40", "clients-41", "workers-7"].iter().all(|name| lanes.contains(name)), "{lanes:?}");
    assert_eq!(fact(&playback, last(&history), Section::Rooms, "r").unwrap().split(" and ").last(), Some("43 more"));
    assert!(playback.left_out.unwrap().contains("of 8 of 51 users"));
}

#[test]
fn nothing_at_all_is_a_playback_without_steps() {
    let playback = playback(&History::new());
    assert_eq!((playback.steps.len(), playback.lanes.len(), playback.left_out), (0, 1, None));
}
