//! Whatever a record holds, judging and counting it never panics, and judging it twice says the same: records come from
//! disks, other versions and editors. What is shown of it is always well-formed: exports as their tools read them, and pages.

mod shiviz;
mod trace;

use proptest::prelude::*;
use rehearsal_reports::checks::{NAMES, RunEnd};
use rehearsal_reports::event::{Body, Closer, Event, JobMessage, JobOutcome, Kind, Name, Seconds, Seen};
use rehearsal_reports::exports;
use rehearsal_reports::judge::Judge;
use rehearsal_reports::numbers::Numbers;
use rehearsal_reports::outcome::{CheckSummary, Outcome};
use rehearsal_reports::playback::Playback;
use rehearsal_reports::record::{EventReader, EventWriter};
use rehearsal_reports::render::playback::{PAGE_BYTES_MAX, Run, page};
use rehearsal_reports::story::story;
use rehearsal_reports::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, load};
use serde_json::{Value, json};
use std::sync::Arc;

fn plan(world: World) -> Plan {
    let source = b"format = 1\n[users.workers]\nrole = \"worker\"\n[users.clients]\nrole = \"client\"\n[checks]\nhistory_is_linearizable = true\n";
    load("any", source, &Overrides::default()).expect("a minimal scenario is valid").plan(1, world)
}

fn name() -> impl Strategy<Value = Name> {
    prop::sample::select(vec!["a", "b", "two words", "server-0", "run", ""]).prop_map(Name::from)
}

fn metadata() -> impl Strategy<Value = Arc<Value>> {
    prop::sample::select(vec![
        json!(null),
        json!({}),
        json!([1]),
        json!({"tags": ["x"], "properties": {"status": "reserved"}}),
        json!({"tags": "x", "properties": 5, "other": 1}),
        json!({"role": "worker", "tags": ["y"], "properties": {"status": {"$gte": 5}}}),
        json!({"properties": {"status": "available", "n": 1.5}}),
    ])
    .prop_map(Arc::new)
}

fn job_message() -> impl Strategy<Value = JobMessage> {
    let says = prop::sample::select(vec!["job_request", "job_response", "job_assignment", "job\nstatus", "</script>"]);
    let accepted = prop::option::of(any::<bool>());
    (says, prop::option::of(name()), accepted).prop_map(|(says, job, accepted)| JobMessage {
        says: says.into(),
        job,
        accepted,
    })
}

fn body() -> impl Strategy<Value = Body> {
    let seen = (name(), prop::option::of(name()), 0..3u64);
    let seen = seen.prop_map(|(peer, status, metadata)| Seen { peer, status, metadata });
    let times = prop_oneof![Just(i64::MIN), Just(i64::MAX), 0..100_000_000_000i64];
    let numbers = prop_oneof![Just(f64::NAN), Just(-1e300), Just(1e300), 0.0..100.0];
    let closers = prop::sample::select(vec![Closer::Us, Closer::Peer, Closer::Network, Closer::Fault]);
    let faults =
        prop::sample::select(vec!["partition begins", "partition ends", "killed", "machine lost", "restarted"]);
    prop_oneof![
        Just(Body::Empty),
        (name(), name(), name(), metadata()).prop_map(|(peer, room, role, metadata)| Body::Register {
            peer,
            room,
            role,
            metadata
        }),
        prop::collection::vec(name(), 0..3).prop_map(|peers| Body::Registered { peers, admin: None }),
        metadata().prop_map(|filters| Body::Discover { filters }),
        prop::collection::vec(seen, 0..4).prop_map(|peers| Body::Discovered { peers }),
        metadata().prop_map(|metadata| Body::Update { metadata }),
        metadata().prop_map(|metadata| Body::Updated { metadata }),
        (name(), numbers)
            .prop_map(|(worker, duration_sec)| Body::Reserve { worker, duration_sec: Seconds(duration_sec) }),
        (name(), times).prop_map(|(worker, until_ns)| Body::Reserved { worker, until_ns }),
        (name(), name(), 0..3u64, prop::option::of(job_message())).prop_map(|(from, to, digest, job)| Body::Message {
            kind: "peer_message".into(),
            from,
            to,
            digest,
            bytes: 1,
            job
        }),
        prop::option::of(name()).prop_map(|to| Body::Error { code: "WORKER_RESERVED".into(), message: "".into(), to }),
        closers.prop_map(|by| Body::Closed { by, code: None, reason: "".into() }),
        (name(), name()).prop_map(|(job, client)| Body::Job { job, client, outcome: Some(JobOutcome::Lost) }),
        (name(), name()).prop_map(|(what, id)| Body::Resource { what, id }),
        (name(), faults, name(), name()).prop_map(|(name, what, host, user)| Body::Fault {
            name,
            what: what.into(),
            hosts: vec![host],
            users: vec![user]
        }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let kinds = [
        Kind::Invoked,
        Kind::Ok,
        Kind::Failed,
        Kind::Unknown,
        Kind::Sent,
        Kind::Received,
        Kind::Opened,
        Kind::Closed,
        Kind::Began,
        Kind::Ended,
        Kind::Fault,
    ];
    let times = prop_oneof![1 => Just(i64::MIN), 1 => Just(i64::MAX), 20 => -5_000_000_000..100_000_000_000i64];
    let planned = prop_oneof![3 => Just(None), 1 => times.clone().prop_map(Some)];
    let kind = prop::sample::select(kinds.to_vec());
    (times, name(), 0..3u32, kind, name(), prop::option::of(0..4u64), planned, body()).prop_map(
        |(t_ns, user, conn, kind, op, op_id, planned_ns, body)| Event {
            n: 0,
            t_ns,
            process: 0,
            user,
            conn,
            kind,
            op,
            op_id,
            planned_ns,
            said: Default::default(),
            content: Default::default(),
            body,
        },
    )
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 0..120).prop_map(|mut events| {
        (0..).zip(&mut events).for_each(|(n, event)| event.n = n);
        events
    })
}

fn judge(plan: &Plan, events: &[Event], end: RunEnd) -> Vec<CheckVerdict> {
    let mut judge = Judge::new(plan);
    events.iter().for_each(|event| judge.observe(event));
    judge.finish(end)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_events_make_the_judge_or_the_numbers_panic(events in events(), complete: bool) {
        let plan = plan(World::Live);
        let end = RunEnd { t_ns: events.last().map_or(0, |event| event.t_ns), complete };
        let verdicts = judge(&plan, &events, end);
        prop_assert_eq!(verdicts.len(), NAMES.len());
        for verdict in &verdicts {
            if let Verdict::Broken { evidence } = &verdict.verdict {
                prop_assert!(!evidence.is_empty() && verdict.violations >= evidence.len() as u64);
                prop_assert!(evidence.iter().all(|evidence| !evidence.sentence.is_empty() && !evidence.events.is_empty()));
            }
        }
        prop_assert_eq!(verdicts, judge(&plan, &events, end));
        let mut numbers = Numbers::new(&plan);
        events.iter().for_each(|event| numbers.observe(event));
        numbers.finish(&plan, end);
    }

    #[test]
    fn every_event_is_read_as_it_was_written(events in events()) {
        let has_no_nan = |event: &&Event| !matches!(event.body, Body::Reserve { duration_sec, .. } if duration_sec.0.is_nan());
        let mut events: Vec<Event> = events.iter().filter(has_no_nan).cloned().collect();
        (0..).zip(&mut events).for_each(|(n, event)| event.n = n);
        let mut writer = EventWriter::new(Vec::new()).unwrap();
        events.iter().for_each(|event| writer.write(event).unwrap());
        let file = writer.finish().unwrap();
        let read: Vec<Event> = EventReader::new(&file[..]).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(read, events);
    }

    #[test]
    fn a_damaged_file_gives_events_or_one_error_and_never_a_panic(
        events in events(), at: prop::sample::Index, bits in 1..255u8,
    ) {
        let mut writer = EventWriter::new(Vec::new()).unwrap();
        events.iter().for_each(|event| writer.write(event).unwrap());
        let mut file = writer.finish().unwrap();
        let index = at.index(file.len());
        file[index] ^= bits;
        if let Ok(reader) = EventReader::new(&file[..]) {
            let errors = reader.take_while(Result::is_ok).count();
            prop_assert!(errors <= events.len());
        }
    }

    #[test]
    fn every_run_is_a_page_whose_parts_refer_to_each_other(events in events(), steps_max in 0..200usize) {
        let plan = plan(World::Simulated);
        let end = RunEnd { t_ns: events.last().map_or(0, |event| event.t_ns), complete: true };
        let verdicts = judge(&plan, &events, end);
        let story = verdicts.iter().find_map(|check| story(check, &events, true));
        let checks = verdicts.into_iter().map(|check| CheckSummary::of_one_seed(check, 1, &plan.expect)).collect();
        let outcome = Outcome { checks, story, ..Outcome::not_played(&plan) };
        let shown = Playback::of(&outcome, &events, steps_max);
        prop_assert!(shown.steps.is_sorted_by_key(|step| (step.t_ns, step.n)));
        let (steps, lanes) = (shown.steps.len(), shown.lanes.len());
        for arrow in &shown.arrows {
            prop_assert!(arrow.from.or(arrow.to).is_some() && arrow.from.max(arrow.to) < Some(steps));
            prop_assert!(arrow.path.len() >= 2 && arrow.path.iter().all(|lane| *lane < lanes));
        }
        for span in &shown.spans {
            prop_assert!(span.from.max(span.to).is_none_or(|step| step < steps) && span.lanes.iter().all(|lane| *lane < lanes));
        }
        let changes = shown.start.iter().chain(shown.steps.iter().flat_map(|step| &step.changes));
        prop_assert!(changes.into_iter().all(|change| change.fact < shown.facts.len()));
        let page = page(Run { outcome: &outcome, events: &events, version: "0", repeat: None });
        prop_assert!(page.len() < PAGE_BYTES_MAX && page.matches("</script>").count() == 4);
    }

    #[test]
    fn exports_are_read_by_their_tools_whatever_the_events_say(events in events()) {
        if let Err(why) = shiviz::read(&exports::shiviz(&events)) {
            prop_assert!(false, "{why}\n{}", exports::shiviz(&events));
        }
        if let Err(why) = trace::read(&exports::trace(&events)) {
            prop_assert!(false, "{why}");
        }
    }
}

#[test]
fn the_strict_readers_refuse_what_a_tool_would_misread() {
    let refused = |log: &str| shiviz::read(log).expect_err("refused");
    assert_eq!(shiviz::read("x\na {\"a\":1}\ny\nb {\"a\":1,\"b\":1}\n"), Ok(2));
    assert!(refused("x\na {\"a\":2}\n").contains("own clock"));
    assert!(refused("x\na {\"a\":1,\"b\":1}\n").contains("not in the log"));
    assert!(refused("x\na {\"a\":1}\ny\nb {\"a\":1,\"b\":1}\nz\nb {\"b\":2}\n").contains("forgets"));
    let event = |rest: &str| format!(r#"{{"name":"n","cat":"c","pid":1,"tid":1,"ts":1,{rest}}}"#);
    let named = r#"{"ph":"M","name":"thread_name","pid":1,"tid":1,"args":{"name":"n"}}"#;
    let of = |events: &[String]| {
        let events = events.join(",");
        trace::read(&format!(r#"{{"displayTimeUnit":"ms","traceEvents":[{named},{events}]}}"#))
    };
    let span =
        |ts: f64, dur: f64| format!(r#"{{"ph":"X","name":"n","cat":"c","pid":1,"tid":1,"ts":{ts},"dur":{dur}}}"#);
    assert_eq!(
        of(&[span(0.0, 3.0), span(1.0, 1.0), event(r#""ph":"s","id":1"#), event(r#""ph":"f","id":1,"bp":"e""#)]),
        Ok(5)
    );
    assert!(of(&[event(r#""ph":"b","id":"1""#)]).expect_err("refused").contains("never ended"));
    assert!(of(&[event(r#""ph":"s","id":1"#)]).expect_err("refused").contains("nothing to bind to"));
    assert!(of(&[span(0.0, 2.0), span(1.0, 2.0)]).expect_err("refused").contains("leaves the one around it"));
}
