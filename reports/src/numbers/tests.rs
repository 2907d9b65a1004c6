//! Numbers over a hand-made run: planned and closed operations, too few samples, seconds, thresholds, and the interval log.

use super::hlog::LatencyLog;
use super::*;
use crate::outcome::{Met, Model, Period};
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use rehearsal_scenarios::plan::*;
use std::collections::BTreeMap;

const MS: i64 = 1_000_000;

fn plan(thresholds: Vec<Threshold>) -> Plan {
    Plan { thresholds, ..crate::checks::plan_for_tests::plan(World::Live) }
}

fn threshold(operation: &str, measure: Measure, limit: f64, text: &str) -> Threshold {
    Threshold { operation: operation.into(), measure, limit, text: text.into() }
}

struct Run {
    numbers: Numbers,
    plan: Plan,
    n: u64,
}

impl Run {
    fn new(thresholds: Vec<Threshold>) -> Run {
        let plan = plan(thresholds);
        Run { numbers: Numbers::new(&plan), plan, n: 0 }
    }

    fn put(&mut self, t_ns: i64, kind: Kind, op: &str, op_id: Option<u64>, planned_ns: Option<i64>, body: Body) {
        let (n, user) = (self.n, "clients-0".into());
        self.n += 1;
        let event = Event {
            n,
            t_ns,
            process: 0,
            user,
            conn: 1,
            kind,
            op: op.into(),
            op_id,
            planned_ns,
            said: Default::default(),
            content: Default::default(),
            body,
        };
        self.numbers.observe(&event);
    }

    fn does(&mut self, op: &str, planned_ns: Option<i64>, invoked_ns: i64, ended_ns: i64, end: Kind) {
        let op_id = Some(self.n);
        self.put(invoked_ns, Kind::Invoked, op, op_id, planned_ns, Body::Empty);
        let body = match end {
            Kind::Ok => Body::Empty,
            _ => Body::Error { code: "timed_out".into(), message: "".into(), to: None },
        };
        self.put(ended_ns, end, op, op_id, None, body);
    }

    fn finish(self) -> (Totals, Vec<Interval>) {
        let end = RunEnd { t_ns: 60_000 * MS, complete: true };
        self.numbers.finish(&self.plan, end)
    }
}

fn close(found: Option<u64>, expected_ns: i64) -> bool {
    found.is_some_and(|found| found.abs_diff(expected_ns as u64) * 1_000 <= expected_ns as u64)
}

#[test]
fn a_stalled_server_cannot_hide_behind_late_sending() {
    let mut run = Run::new(Vec::new());
    // Planned every 10 ms, but the first answer took a second: the others were sent late and served fast.
    for i in 0..100 {
        let planned = i * 10 * MS;
        let invoked = planned.max(1_000 * MS);
        run.does("discover", Some(planned), invoked, invoked + MS, Kind::Ok);
    }
    let (totals, _) = run.finish();
    let discover = &totals.operations[0];
    assert_eq!((discover.model, discover.count, discover.errors), (Model::Planned, 100, 0));
    assert!(close(discover.service.p99_ns, MS), "{:?}", discover.service);
    assert!(close(discover.response.max_ns, 1_001 * MS), "{:?}", discover.response);
    assert!(totals.lag_max_ns >= 999 * MS as u64);
}

#[test]
fn a_percentile_without_its_samples_is_none() {
    let mut run = Run::new(Vec::new());
    (0..99).for_each(|i| run.does("discover", None, i * MS, i * MS + MS, Kind::Ok));
    let (totals, _) = run.finish();
    let response = totals.operations[0].response;
    assert!(response.p90_ns.is_some() && response.p99_ns.is_none() && response.p999_ns.is_none());
    assert!(totals.operations[0].curve.iter().all(|(percentile, _)| *percentile < 99.0));
    let mut run = Run::new(Vec::new());
    (0..100).for_each(|i| run.does("discover", None, i * MS, i * MS + MS, Kind::Ok));
    assert!(run.finish().0.operations[0].response.p99_ns.is_some());
}

#[test]
fn a_handful_of_samples_is_no_curve_and_a_slow_second_has_no_percentiles() {
    let mut run = Run::new(Vec::new());
    (0..9).for_each(|i| run.does("discover", None, i * MS, i * MS + MS, Kind::Ok));
    let (totals, _) = run.finish();
    assert!(totals.operations[0].curve.is_empty());
    let second = totals.seconds[0].operations["discover"];
    assert!(second.p50_ns.is_some() && second.p99_ns.is_none() && close(second.max_ns, MS), "{second:?}");
    let mut run = Run::new(Vec::new());
    run.does("discover", None, 0, MS, Kind::Failed);
    let failed = run.finish().0.seconds[0].operations["discover"];
    assert_eq!((failed.p50_ns, failed.p99_ns, failed.max_ns), (None, None, None));
}

#[test]
fn a_row_says_which_phases_it_counts() {
    let measured = plan(Vec::new()).phases.measured();
    let (start, end) = (measured.start as i64, measured.end as i64);
    let mut run = Run::new(Vec::new());
    for (op, at) in [("sign_in", start - 5 * MS), ("both", start - MS), ("both", end + MS), ("leave", end)] {
        run.does(op, None, at, at + MS, Kind::Ok);
    }
    for at in [start - MS, start, start + MS] {
        run.does("discover", Some(at), at, at + MS, if at < start { Kind::Failed } else { Kind::Ok });
    }
    let (totals, _) = run.finish();
    let rows: Vec<_> = totals.operations.iter().map(|it| (it.name.as_str(), it.period, it.count)).collect();
    let (before, after) = (("sign_in", Period::Before, 1), ("leave", Period::After, 1));
    assert_eq!(rows, [("both", Period::Outside, 2), ("discover", Period::Measure, 2), after, before]);
    let discover = &totals.operations[1];
    assert_eq!((discover.errors, discover.error_classes.get("timed_out")), (0, Some(&1)), "errors of all phases");
}

#[test]
fn errors_are_counted_by_class_and_have_no_latency() {
    let mut run = Run::new(Vec::new());
    run.does("discover", None, 0, MS, Kind::Ok);
    run.does("discover", None, 0, 900 * MS, Kind::Unknown);
    run.put(5 * MS, Kind::Invoked, "discover", Some(77), None, Body::Empty);
    let reset = Body::Closed { by: Closer::Network, code: None, reason: "reset".into() };
    run.put(6 * MS, Kind::Closed, "", None, None, reset);
    let (totals, _) = run.finish();
    assert_eq!((totals.operations[0].count, totals.operations[0].errors), (3, 2));
    assert!(close(totals.operations[0].response.max_ns, MS));
    let classes = [("connection_lost", 1), ("timed_out", 1), ("unanswered", 1)];
    assert_eq!(totals.errors, BTreeMap::from(classes.map(|(class, count)| (class.to_owned(), count))));
}

#[test]
fn thresholds_judge_what_was_planned_in_the_measure_phase() {
    let mut run = Run::new(vec![
        threshold("discover", Measure::Percentile(0.5), 20e6, "p50 < 20ms"),
        threshold("discover", Measure::Percentile(0.99), 20e6, "p99 < 20ms"),
        threshold("discover", Measure::Errors, 0.05, "errors < 5%"),
        threshold("discover", Measure::Rate, 1.0, "rate > 1/s"),
        threshold("register", Measure::Percentile(0.5), 20e6, "p50 < 20ms"),
    ]);
    let measured = plan(Vec::new()).phases.measured();
    let start = measured.start as i64;
    // Before the phase everything is slow, and does not count.
    (0..50).for_each(|i| run.does("discover", Some(i), i, 5_000 * MS, Kind::Ok));
    for i in 0..20 {
        let at = start + i * 10 * MS;
        run.does("discover", Some(at), at, at + 10 * MS, if i == 0 { Kind::Failed } else { Kind::Ok });
    }
    let (totals, _) = run.finish();
    let found: Vec<(&str, Met, u64)> =
        totals.thresholds.iter().map(|t| (t.name.as_str(), t.verdict, t.samples)).collect();
    assert_eq!(
        found,
        [
            ("discover p50 < 20ms", Met::Met, 19),
            ("discover p99 < 20ms", Met::Unknown, 19),
            ("discover errors < 5%", Met::Missed, 20),
            ("discover rate > 1/s", Met::Met, 19),
            ("register p50 < 20ms", Met::Unknown, 0),
        ]
    );
    assert_eq!(totals.thresholds[1].remark.as_deref(), Some("19 samples, needs 100"));
    assert_eq!(totals.thresholds[2].measured, Some(0.05));
}

#[test]
fn late_work_is_judged_by_the_share_of_what_was_planned_and_dropped() {
    let late = |limit: f64| threshold("late", Measure::Late, limit, "share < …");
    let mut run = Run::new(vec![late(0.2), late(0.3)]);
    let start = plan(Vec::new()).phases.measured().start as i64;
    (0..9).for_each(|i| run.does("discover", Some(start + i), start + i, start + i + MS, Kind::Ok));
    for i in 0..3 {
        run.does(crate::event::DROPPED, Some(start + i), start + 9 * MS, start + 9 * MS, Kind::Failed);
    }
    // Not planned, and planned before the phase.
    run.does("register", None, start, start + MS, Kind::Ok);
    run.does(crate::event::DROPPED, Some(start - 1), start, start, Kind::Failed);
    let judged = run.finish().0.thresholds;
    let found: Vec<_> = judged.iter().map(|t| (t.verdict, t.measured, t.samples)).collect();
    assert_eq!(found, [(Met::Missed, Some(0.25), 12), (Met::Met, Some(0.25), 12)]);
    let nothing = Run::new(vec![late(0.2)]).finish().0.thresholds;
    assert_eq!((nothing[0].verdict, nothing[0].samples), (Met::Unknown, 0));
}

#[test]
fn a_rate_is_over_the_time_that_was_measured_also_when_a_run_ends_early() {
    for (ends_after_ms, expected) in [(Some(200), 100.0), (None, 2.0), (Some(60_000), 2.0)] {
        let mut run = Run::new(vec![threshold("discover", Measure::Rate, 50.0, "rate > 50/s")]);
        let start = plan(Vec::new()).phases.measured().start as i64;
        for i in 0..20 {
            let at = start + i * 10 * MS;
            run.does("discover", Some(at), at, at + 5 * MS, Kind::Ok);
        }
        if let Some(after_ms) = ends_after_ms {
            run.put(start + after_ms * MS, Kind::Ended, MEASURE, None, None, Body::Empty);
        }
        assert_eq!(run.finish().0.thresholds[0].measured, Some(expected), "{ends_after_ms:?}");
    }
}

#[test]
fn each_second_has_what_ended_in_it_and_who_was_there() {
    let mut run = Run::new(Vec::new());
    let opened = Body::Connection { target: "ws://server".into() };
    run.put(-500 * MS, Kind::Opened, "", None, None, opened);
    run.does("discover", None, 100 * MS, 200 * MS, Kind::Ok);
    run.does("discover", None, 300 * MS, 3_100 * MS, Kind::Ok);
    let (totals, _) = run.finish();
    let seconds: Vec<(i64, u64, u64)> = totals
        .seconds
        .iter()
        .map(|second| (second.second, second.users, second.operations.get("discover").map_or(0, |of| of.count)))
        .collect();
    assert_eq!(seconds, [(-1, 1, 0), (0, 1, 1), (1, 1, 0), (2, 1, 0), (3, 1, 1)]);
}

#[test]
fn a_relayed_message_is_measured_from_its_sending_to_its_arrival() {
    let mut run = Run::new(Vec::new());
    let message =
        Body::Message { kind: "peer_message".into(), from: "a".into(), to: "b".into(), digest: 7, bytes: 2, job: None };
    run.put(0, Kind::Sent, "", None, Some(-10 * MS), message.clone());
    run.put(40 * MS, Kind::Received, "", None, None, message.clone());
    run.put(50 * MS, Kind::Received, "", None, None, message);
    let (totals, _) = run.finish();
    assert_eq!((totals.operations[0].name.as_str(), totals.operations[0].count), ("deliver", 1));
    assert_eq!(totals.operations[0].model, Model::Planned);
    assert!(close(totals.operations[0].response.max_ns, 50 * MS), "from when its sender had planned it");
    assert!(close(totals.operations[0].service.max_ns, 40 * MS));
}

#[test]
fn a_fan_out_and_a_stale_status_have_rows_of_their_own() {
    let mut run = Run::new(Vec::new());
    let message = |to: &str| {
        let (from, to, kind) = ("a".into(), to.into(), "peer_message".into());
        Body::Message { kind, from, to, digest: 7, bytes: 2, job: None }
    };
    for (t_ms, kind, to) in
        [(0, Kind::Sent, "b"), (1, Kind::Sent, "c"), (20, Kind::Received, "c"), (30, Kind::Received, "b")]
    {
        run.put(t_ms * MS, kind, "", None, None, message(to));
    }
    let metadata = std::sync::Arc::new(serde_json::json!({ "properties": { "status": "busy" } }));
    let joins = Body::Register { peer: "ada".into(), room: "r".into(), role: "w".into(), metadata: metadata.clone() };
    run.put(40 * MS, Kind::Invoked, "register", Some(500), None, joins);
    run.put(50 * MS, Kind::Invoked, "update_metadata", Some(501), None, Body::Update { metadata });
    let seen = crate::event::Seen { peer: "ada".into(), status: Some("busy".into()), metadata: 0 };
    let event = Event {
        n: 99,
        t_ns: 80 * MS,
        process: 0,
        user: "clients-1".into(),
        conn: 1,
        kind: Kind::Ok,
        op: "discover".into(),
        op_id: None,
        planned_ns: None,
        said: Default::default(),
        content: Default::default(),
        body: Body::Discovered { peers: vec![seen] },
    };
    run.numbers.observe(&event);
    let (totals, _) = run.finish();
    let of = |name: &str| totals.operations.iter().find(|row| row.name == name).unwrap();
    assert_eq!((of("deliver").count, of("deliver_to_all").count, of("status_seen").count), (2, 1, 1));
    assert!(close(of("deliver_to_all").response.max_ns, 30 * MS));
    assert!(close(of("status_seen").response.max_ns, 30 * MS));
}

#[test]
fn virtual_seconds_are_not_kept() {
    let plan = crate::checks::plan_for_tests::plan(World::Simulated);
    let mut run = Run { numbers: Numbers::new(&plan), plan, n: 0 };
    run.does("discover", None, 0, MS, Kind::Ok);
    let (totals, intervals) = run.finish();
    assert!(totals.seconds.is_empty() && intervals.is_empty() && totals.thresholds.is_empty());
    assert_eq!(totals.succeeded, 1);
}

#[test]
fn the_interval_log_is_read_again_by_a_reader_that_is_not_ours() {
    let mut run = Run::new(Vec::new());
    for i in 0..300 {
        let sent = i * 10 * MS;
        run.does("discover, all", Some(sent - 5 * MS), sent, sent + 4 * MS, Kind::Ok);
    }
    let mut log = LatencyLog::new(Vec::new(), 1_700_000_000.0).unwrap();
    let mut intervals = run.numbers.drain_intervals();
    intervals.extend(run.finish().1);
    intervals.iter().for_each(|interval| log.write(interval).unwrap());
    let bytes = log.finish().unwrap();
    let mut deserializer = hdrhistogram::serialization::Deserializer::new();
    let mut total = 0;
    for entry in IntervalLogIterator::new(&bytes) {
        if let LogEntry::Interval(interval) = entry.unwrap() {
            let tag = interval.tag().unwrap().as_str();
            assert!(["discover__all.response", "discover__all.service"].contains(&tag), "{tag}");
            assert!(interval.start_timestamp().as_secs() >= 1_700_000_000);
            let encoded =
                base64::Engine::decode(&base64::engine::general_purpose::STANDARD, interval.encoded_histogram());
            let histogram: Histogram<u64> = deserializer.deserialize(&mut &encoded.unwrap()[..]).unwrap();
            let expected_ns = if tag.ends_with("response") { 9 * MS } else { 4 * MS };
            assert!(close(Some(histogram.max()), expected_ns));
            total += histogram.len();
        }
    }
    assert_eq!(total, 2 * 300);
}

#[test]
fn percentiles_need_the_documented_number_of_samples() {
    let needed = [0.5, 0.9, 0.99, 0.999, 0.9999].map(latency::samples_needed);
    assert_eq!(needed, [2, 10, 100, 1_000, 10_000]);
}
