//! A realistic report: the flagship naive and simulated, hardened and simulated, and live. All format tests render it.

use crate::race::naive_race;
use rehearsal_reports::outcome::*;
use rehearsal_reports::render::Report;
use rehearsal_reports::story::story;
use rehearsal_reports::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{Expectation, Measure, Phases, World};
use std::collections::BTreeMap;

const SECOND_NS: u64 = 1_000_000_000;

/// All three outcomes.
pub fn report() -> Report {
    Report {
        title: "Two clients race for one worker".to_owned(),
        command: "rehearsal".to_owned(),
        version: "0.1.0+4f2c1d9".to_owned(),
        machine: "2 cores, Linux, load 0.42".to_owned(),
        outcomes: vec![naive(), hardened(), live()],
        closing: Some("exit 4: 1 threshold of two_clients_race_for_one_worker cannot be judged".to_owned()),
        html: Some("runs/flagship/report.html".to_owned()),
    }
}

fn simulated(scenario: &str, about: &str) -> Outcome {
    Outcome {
        scenario: scenario.to_owned(),
        about: about.to_owned(),
        parameters: BTreeMap::new(),
        world: World::Simulated,
        engine: Some("turmoil".to_owned()),
        targets: Vec::new(),
        seeds: Seeds { first: 1, count: 100, broken: 0, first_broken: None, hash: 0x0123_4567_89ab_cdef },
        verdict: Overall::Holds,
        expectation: Expectation::Holds,
        expected: true,
        checks: Vec::new(),
        unmet: Vec::new(),
        unmet_fails: false,
        coverage: None,
        drawn: Vec::new(),
        time: None,
        thresholds: Vec::new(),
        operations: Vec::new(),
        seconds: Vec::new(),
        errors: BTreeMap::new(),
        generator: None,
        story: None,
        record: None,
        page: None,
        repeat: None,
        warnings: Vec::new(),
        notes: Vec::new(),
        interrupted: false,
        aborted: None,
        observed: Vec::new(),
        duration_ns: 60 * SECOND_NS as i64,
        phases: Phases { measure_ns: 50 * SECOND_NS, settle_ns: 10 * SECOND_NS, ..Phases::default() },
    }
}

/// The naive worker breaks, as its scenario says.
pub fn naive() -> Outcome {
    let (broken, events) = naive_race();
    let told = story(&broken, &events, true);
    let broken = CheckSummary { check: broken, broken_seeds: 37, lowest_broken_seed: Some(4), expected_broken: true };
    let mut checks = holding_checks(100);
    checks.insert(1, broken);
    Outcome {
        seeds: Seeds { first: 1, count: 100, broken: 37, first_broken: Some(4), hash: 0xfeed_0000_0000_0001 },
        verdict: Overall::Broken,
        expectation: Expectation::Broken(vec!["worker_runs_one_job_at_a_time".to_owned()]),
        checks,
        story: told,
        record: Some("runs/two_clients_race_naive_worker/seed-4".to_owned()),
        page: Some("runs/two_clients_race_naive_worker/seed-4/playback.html".to_owned()),
        repeat: Some("rehearsal replay two_clients_race_naive_worker --seed 4".to_owned()),
        ..simulated(
            "two_clients_race_naive_worker",
            "a worker that answers before it says it is taken, and refuses nobody",
        )
    }
}

/// The hardened worker holds.
pub fn hardened() -> Outcome {
    let mut checks = holding_checks(100);
    checks.insert(0, holds("worker_runs_one_job_at_a_time", "a worker runs one job at a time", 200, "jobs"));
    Outcome {
        checks,
        ..simulated("two_clients_race_for_one_worker", "two clients find the same worker; it must never run two jobs")
    }
}

/// The hardened worker, live: all thresholds but the one with too few samples are met.
pub fn live() -> Outcome {
    let mut checks = holding_checks(1);
    checks.insert(0, holds("worker_runs_one_job_at_a_time", "a worker runs one job at a time", 11_982, "jobs"));
    Outcome {
        world: World::Live,
        engine: None,
        targets: vec!["ws://127.0.0.1:40511".to_owned(), "http://127.0.0.1:40511".to_owned()],
        seeds: Seeds { first: 1, count: 1, broken: 0, first_broken: None, hash: 0 },
        checks,
        thresholds: thresholds(),
        operations: vec![
            operation("connect", Model::Closed, 250, 2, 1.4),
            operation("discover", Model::Planned, 119_204, 24, 4.0),
            operation("job to running", Model::Planned, 612, 0, 62.0),
        ],
        seconds: (-5..65).map(second).collect(),
        errors: [("timed_out".to_owned(), 26), ("PEER_NOT_FOUND".to_owned(), 5)].into(),
        generator: Some(Generator {
            validity: Validity::Suspect,
            reasons: vec!["the machine was busy before the run began (load 1.90 on 2 cores)".to_owned()],
            cpu_cores_max: 0.41,
            rss_bytes_max: 38 << 20,
            lag_p99_ns: 1_240_000,
            lag_max_ns: 8_900_000,
            machine_load: 1.9,
        }),
        record: Some("runs/two_clients_race_for_one_worker/2026-11-20T19-00-00".to_owned()),
        notes: vec!["left behind nothing (250 identities, 1 room removed)".to_owned()],
        duration_ns: 65 * SECOND_NS as i64,
        phases: Phases {
            ramp_ns: 5 * SECOND_NS,
            warmup_ns: 5 * SECOND_NS,
            measure_ns: 50 * SECOND_NS,
            settle_ns: 5 * SECOND_NS,
            ..Phases::default()
        },
        ..simulated("two_clients_race_for_one_worker", "two clients find the same worker; it must never run two jobs")
    }
}

fn holds(name: &str, property: &str, judged: u64, what: &str) -> CheckSummary {
    CheckSummary {
        check: CheckVerdict {
            name: name.to_owned(),
            property: property.to_owned(),
            verdict: Verdict::Holds,
            judged,
            judged_what: what.to_owned(),
            violations: 0,
        },
        broken_seeds: 0,
        lowest_broken_seed: None,
        expected_broken: false,
    }
}

fn holding_checks(seeds: u64) -> Vec<CheckSummary> {
    let mut nobody_reserves = holds("reservation_always_ends", "a reservation always ends", 0, "reservations");
    nobody_reserves.check.verdict = Verdict::NotJudged { reason: "nobody in this scenario reserves".to_owned() };
    vec![
        holds("acknowledged_status_is_seen", "an acknowledged status is seen", 4 * seeds, "discoveries"),
        nobody_reserves,
        holds("nobody_speaks_for_another", "nobody speaks for another", 12 * seeds, "messages"),
    ]
}

fn thresholds() -> Vec<ThresholdVerdict> {
    let percentile = Measure::Percentile;
    let threshold = |name: &str, measure, limit, measured, verdict, samples, remark: Option<&str>| ThresholdVerdict {
        name: name.to_owned(),
        limit,
        measured,
        measure,
        verdict,
        samples,
        remark: remark.map(str::to_owned),
    };
    vec![
        threshold("discover p99 < 100ms", percentile(0.99), 1e8, Some(43.1e6), Met::Met, 119_204, None),
        threshold("discover errors < 0.1%", Measure::Errors, 0.001, Some(0.0002), Met::Met, 119_204, None),
        threshold("discover rate > 2500/s", Measure::Rate, 2_500.0, Some(2_384.1), Met::Missed, 119_204, None),
        threshold(
            "job to running p99.9 < 1s",
            percentile(0.999),
            1e9,
            None,
            Met::Unknown,
            612,
            Some("612 samples, needs 1,000"),
        ),
    ]
}

/// A latency distribution with a plausible tail around a median.
fn operation(name: &str, model: Model, count: u64, errors: u64, p50_ms: f64) -> OperationNumbers {
    let at = |factor: f64| (p50_ms * factor * 1e6) as u64;
    let enough = |samples: u64, factor: f64| (count >= samples).then(|| at(factor));
    let latency = |scale: f64| Latency {
        min_ns: Some(at(0.3 * scale)),
        mean_ns: Some(at(1.3 * scale)),
        p50_ns: Some(at(scale)),
        p90_ns: Some(at(2.6 * scale)),
        p99_ns: enough(100, 10.8 * scale),
        p999_ns: enough(1_000, 21.0 * scale),
        max_ns: Some(at(40.0 * scale)),
    };
    let curve = (0..=60).map(|step| {
        let percentile = 100.0 * (1.0 - 10f64.powf(-f64::from(step) / 12.0));
        (percentile, at(0.3 + 0.7 * f64::from(step).powf(1.35) / 12.0))
    });
    let last = 100.0 * (1.0 - 1.0 / count as f64);
    OperationNumbers {
        name: name.to_owned(),
        model,
        period: if model == Model::Closed { Period::Before } else { Period::Measure },
        count,
        errors,
        error_classes: match errors {
            0 => BTreeMap::new(),
            _ => [("timed_out".to_owned(), errors)].into(),
        },
        response: latency(1.0),
        service: latency(0.9),
        curve: curve.filter(|(percentile, _)| *percentile <= last).collect(),
    }
}

fn second(second: i64) -> Second {
    let draw = |name: &str| Draw::of_seed(second as u64).named(name).unit();
    let ramped = (second.clamp(0, 10) as f64) / 10.0;
    let stall = if (38..41).contains(&second) { 6.0 } else { 1.0 };
    let mut operations = BTreeMap::new();
    if second < 0 {
        operations.insert(
            "connect".to_owned(),
            SecondOfOperation { count: 50, errors: 0, p50_ns: Some(1_400_000), p99_ns: None, max_ns: Some(6_000_000) },
        );
    } else if second < 60 {
        let (count, errors) = ((2_400.0 * ramped * (0.97 + 0.06 * draw("count"))) as u64, u64::from(stall > 1.0) * 7);
        let p50_ns = (4e6 * stall * (0.9 + 0.2 * draw("p50"))) as u64;
        let p99_ns = (4e7 * stall * (0.7 + 0.6 * draw("p99"))) as u64;
        let p99 = (count >= 100).then_some(p99_ns);
        let max_ns = Some(p99_ns * 2);
        operations.insert(
            "discover".to_owned(),
            SecondOfOperation { count, errors, p50_ns: Some(p50_ns), p99_ns: p99, max_ns },
        );
        let jobs = SecondOfOperation { count: 12, errors: 0, p50_ns: Some(p50_ns * 15), p99_ns: None, max_ns };
        operations.insert("job to running".to_owned(), jobs);
    }
    Second { second, users: (250.0 * ramped) as u64, operations, lag_max_ns: (stall * 1.2e6) as u64 }
}
