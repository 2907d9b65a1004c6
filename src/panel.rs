//! The live view of a run, as lines for a terminal that are drawn again each second: where the plan stands, users, the rate that is
//! reached and the one that is planned, latency by operation, errors by class, how the generator does, and metrics of the target
//! and of what is observed. Pure. Neighbours: `progress` draws it; `live::line` is the same in one line, where there is no
//! terminal.

use rehearsal_loadgen::live::progress::{Progress, RunStage};
use rehearsal_reports::outcome::SecondOfOperation;
use rehearsal_reports::render::units::{bytes, counted, rate, span, span_or_none, thousands, trimmed};
use rehearsal_reports::render::words::validity_word;
use std::cmp::Reverse;

/// Most rows of one kind: a terminal is small.
const ROWS_MAX: usize = 6;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The word for a stage.
pub fn stage_word(stage: RunStage) -> &'static str {
    match stage {
        RunStage::Preflight => "preflight",
        RunStage::Prepare { .. } => "prepare",
        RunStage::Waiting => "waiting",
        RunStage::Ramp => "ramp",
        RunStage::WarmUp => "warm-up",
        RunStage::Measure => "measure",
        RunStage::Settle => "settle",
        RunStage::CleanUp => "clean up",
    }
}

/// The panel.
pub fn panel(now: &Progress) -> String {
    let mut rows: Vec<(&str, String)> = vec![("phase", phase(now)), ("users", users(now)), ("rate", rates(now))];
    let mut operations: Vec<_> = now.operations_now.iter().collect();
    operations.sort_by_key(|(_, operation)| Reverse(operation.count));
    let width = operations.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.extend(operations.iter().take(ROWS_MAX).map(|(name, it)| ("latency", operation(name, width, it))));
    rows.push(("errors", errors(now)));
    rows.push(("generator", generator(now)));
    rows.extend(now.metrics.iter().take(ROWS_MAX).map(|(of, metrics)| {
        let numbers = metrics.iter().filter(|(name, _)| *name != "timestamp").take(ROWS_MAX);
        let numbers: Vec<String> = numbers.map(|(name, value)| format!("{name} {}", trimmed(*value, 2))).collect();
        (of.as_str(), numbers.join("  "))
    }));
    let mut last = "";
    let lines = rows.into_iter().map(|(label, text)| {
        // What several rows are about stands once.
        let shown = if label == last { "" } else { label };
        last = label;
        format!("{shown:11}{text}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn phase(now: &Progress) -> String {
    match now.stage {
        RunStage::Prepare { made, of } => format!("prepare: {made} of {of} rooms and identities"),
        stage => format!("{}, {} of {}", stage_word(stage), clock(now.t_ns.max(0)), clock(now.end_ns)),
    }
}

fn users(now: &Progress) -> String {
    format!("{} of {}", thousands(now.users), thousands(now.users_planned as u64))
}

fn rates(now: &Progress) -> String {
    let planned = now.rate_planned.map_or_else(|| "nothing".to_owned(), rate);
    format!("{} reached, {planned} planned", rate(now.rate as f64))
}

fn operation(name: &str, width: usize, it: &SecondOfOperation) -> String {
    let errors = if it.errors == 0 { String::new() } else { format!("  {}", counted(it.errors, "errors")) };
    let (p50, p99) = (span_or_none(it.p50_ns), span_or_none(it.p99_ns.or(it.max_ns)));
    format!("{name:width$}  {:>8}  p50 {p50:>8}  p99 {p99:>8}{errors}", rate(it.count as f64))
}

fn errors(now: &Progress) -> String {
    if now.error_classes.is_empty() {
        return "none".to_owned();
    }
    let mut classes: Vec<_> = now.error_classes.iter().collect();
    classes.sort_by_key(|(_, count)| Reverse(**count));
    let shown: Vec<String> = classes.iter().take(ROWS_MAX).map(|(class, count)| format!("{class} {count}")).collect();
    shown.join("  ")
}

fn generator(now: &Progress) -> String {
    format!(
        "{}  lag {}  {} cores  {}",
        validity_word(now.generator),
        span(now.lag_max_ns),
        trimmed(now.cpu_cores, 2),
        bytes(now.rss_bytes)
    )
}

fn clock(t_ns: i64) -> String {
    let seconds = t_ns / NANOS_PER_SECOND;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_loadgen::live::holding_back::Restraint;
    use rehearsal_reports::outcome::Validity;

    fn second(count: u64, errors: u64, p99_ms: u64) -> SecondOfOperation {
        let ns = |ms: u64| Some(ms * 1_000_000);
        SecondOfOperation { count, errors, p50_ns: ns(p99_ms / 4), p99_ns: ns(p99_ms), max_ns: ns(p99_ms * 2) }
    }

    fn progress(stage: RunStage) -> Progress {
        let metrics = [("active_rooms".into(), 100.0), ("timestamp".into(), 9.0), ("total_messages".into(), 5_211.0)];
        Progress {
            stage,
            restraint: Restraint::None,
            t_ns: 432 * NANOS_PER_SECOND,
            end_ns: 600 * NANOS_PER_SECOND,
            users: 2_498,
            users_planned: 2_500,
            rate: 218,
            rate_planned: Some(220.0),
            operations_now: [("discover".into(), second(198, 2, 40)), ("request_job".into(), second(20, 0, 120))]
                .into(),
            p50_ns: Some(10_000_000),
            p99_ns: Some(40_000_000),
            errors: 21,
            error_classes: [("ROOM_FULL".into(), 7), ("timed_out".into(), 14)].into(),
            operations: 94_000,
            generator: Validity::Suspect,
            lag_max_ns: 900_000,
            cpu_cores: 0.84,
            rss_bytes: 143 << 20,
            metrics: [("target".into(), metrics.into())].into(),
        }
    }

    #[test]
    fn the_panel_shows_all_that_a_run_does() {
        insta::assert_snapshot!(panel(&progress(RunStage::Measure)), @r"
        phase      measure, 7:12 of 10:00
        users      2,498 of 2,500
        rate       218/s reached, 220/s planned
        latency    discover        198/s  p50  10.0 ms  p99  40.0 ms  2 errors
                   request_job    20.0/s  p50  30.0 ms  p99   120 ms
        errors     timed_out 14  ROOM_FULL 7
        generator  suspect  lag 900 µs  0.84 cores  143 MiB
        target     active_rooms 100  total_messages 5211
        ");
    }

    #[test]
    fn preparing_is_shown_by_what_is_made() {
        let shown = panel(&progress(RunStage::Prepare { made: 50, of: 200 }));
        assert!(shown.starts_with("phase      prepare: 50 of 200 rooms and identities\n"), "{shown}");
    }
}
