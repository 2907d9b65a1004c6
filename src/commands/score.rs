//! `rehearsal score`: does the harness find what it is there to find? Every known defect of the reference system, from one or
//! many first seeds, in a scenario that forces it and, where it is a race, in a hunt that does not; each failure made
//! smaller; a canary that always breaks; and systems without a defect, in which no check may break. Exit 0 if all are found
//! and there was no false alarm.

use super::runtime;
use crate::cli::{Format, Score};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::progress::{Progress, Verbosity};
use crate::simulated;
use crate::source::{self, Source};
use rehearsal_reference::defects::Defect;
use rehearsal_reports::judge::overall;
use rehearsal_scenarios::plan::{Behaviour, Expectation, Plan, World};
use rehearsal_scenarios::{Scenario, library};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::explore::{Exploration, ExploreOptions, FailureGroup, SeedRange, explore};
use rehearsal_sim::shrink::{PlanSize, ShrinkOptions, shrink};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A scenario in which a check must break: if it does not, nothing that holds means anything.
const CANARY: &str = r#"
format = 1
about = "a check that cannot hold"
expect = { broken = ["nobody_registers"] }

[users.workers]
role = "worker"

[users.clients]
role = "client"

[check.nobody_registers]
about = "nobody ever registers"
never = { event = "ok", op = "register" }
"#;

/// Plans with more users than this are load, not search.
const CONTROL_USERS_MAX: usize = 64;

/// What one defect came to in one scenario.
struct Row {
    name: &'static str,
    /// The check that found it, from the first start.
    check: Option<String>,
    /// What came of each start; none if it was not found.
    starts: Vec<Option<Found>>,
}

/// A defect that was found.
#[derive(Clone, Copy)]
struct Found {
    /// Seeds until then.
    seeds: u64,
    took: Duration,
    /// What was left of it, if it was made smaller.
    size: Option<PlanSize>,
}

/// What systems without a defect came to.
#[derive(Default)]
struct Control {
    seeds: u64,
    /// Scenario, seed and what was broken.
    alarms: Vec<String>,
}

/// Plays the catalogue and prints the score.
pub fn run(arguments: &Score) -> Result<Exit, Failure> {
    let interrupted = runtime::interrupt_flag()?;
    let progress = Progress::start("score", 0, Verbosity::of(arguments.quiet));
    let mut rows = vec![row("canary", &canary(), arguments, &interrupted)?];
    for defect in Defect::ALL {
        progress.at(rows.len() as u64, defect.name());
        let source = source::find(&format!("defect_{}", defect.name()), &Default::default())?;
        rows.push(row(defect.name(), &source, arguments, &interrupted)?);
    }
    for name in library::hunts() {
        progress.at(rows.len() as u64, name);
        rows.push(row(name, &source::find(name, &Default::default())?, arguments, &interrupted)?);
    }
    progress.at(rows.len() as u64, "systems without a defect");
    let control = control(arguments.control, &interrupted)?;
    progress.finish();
    if interrupted.load(Ordering::Relaxed) {
        return Ok(Exit::Interrupted);
    }
    let exit =
        if rows.iter().all(Row::is_found) && control.alarms.is_empty() { Exit::Expected } else { Exit::Unexpected };
    match arguments.format {
        Format::Text => output::print_to_stdout(&text(&rows, &control)),
        Format::Json => print_json(&rows, &control),
    }
    output::print_closing(exit, arguments.format);
    Ok(exit)
}

fn canary() -> Source {
    let name = "canary".to_owned();
    Source::whole(name.clone(), name, CANARY.as_bytes().to_vec())
}

/// Looks for a defect from every start; the first failure is made smaller.
fn row(name: &'static str, source: &Source, arguments: &Score, interrupted: &AtomicBool) -> Result<Row, Failure> {
    let scenario = source.scenario(None)?;
    simulated::refuse_unplayable(source, &scenario, 1, EngineKind::default())?;
    let mut row = Row { name, check: None, starts: Vec::new() };
    for start in 0..arguments.starts {
        let first = 1 + start * arguments.seeds;
        let options = ExploreOptions {
            seeds: SeedRange::Count { first, count: arguments.seeds },
            stop_at_first: true,
            ..ExploreOptions::default()
        };
        let (found, took) = timed(|| play(&|seed| scenario.plan(seed, World::Simulated), &options, interrupted));
        let expected = is_as_expected(&found, scenario.expectation(World::Simulated));
        let seed = found.seeds.first_broken.filter(|_| expected);
        let group = found.groups.first().filter(|_| seed.is_some());
        let size = group.and_then(|group| smaller(&scenario, group, arguments.shrink_for));
        row.starts.push(seed.map(|seed| Found { seeds: seed - first + 1, took, size }));
        row.check = row.check.or_else(|| group.map(|group| group.fingerprint.check.clone()));
    }
    Ok(row)
}

fn play(plan_of: &(dyn Fn(u64) -> Plan + Sync), options: &ExploreOptions, interrupted: &AtomicBool) -> Exploration {
    explore(plan_of, options, &mut |_| match interrupted.load(Ordering::Relaxed) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    })
}

fn is_as_expected(found: &Exploration, expect: &Expectation) -> bool {
    let verdicts: Vec<_> = found.checks.iter().map(|summary| summary.check.clone()).collect();
    overall(&verdicts, expect).1 && found.failures.is_empty() && found.not_deterministic.is_none()
}

fn smaller(scenario: &Scenario, group: &FailureGroup, time_max: Duration) -> Option<PlanSize> {
    if time_max.is_zero() {
        return None;
    }
    let plan = Arc::new(scenario.plan(group.lowest_seed, World::Simulated));
    let shrunk = shrink(&plan, &group.fingerprint, ShrinkOptions { time_max, ..ShrinkOptions::default() });
    shrunk.map(|shrunk| shrunk.after)
}

/// Whether the scenario is there for a defect, so that it holds without one.
fn is_of_a_defect(name: &str) -> bool {
    name.starts_with("defect_") || name.starts_with("hunt_")
}

/// Systems without a defect, as many seeds of each scenario.
fn control(seeds: u64, interrupted: &AtomicBool) -> Result<Control, Failure> {
    let engine = EngineKind::default();
    let mut healthy = Vec::new();
    for name in library::names().chain(library::hunts()) {
        for source in source::find_all(&[name.to_owned()], &Default::default())? {
            let scenario = source.scenario(None)?;
            let plan = scenario.plan(1, World::Simulated);
            let is_healthy = *scenario.expectation(World::Simulated) == Expectation::Holds || is_of_a_defect(name);
            if is_healthy && plan.users.len() <= CONTROL_USERS_MAX && engine.refuses(&plan).is_none() {
                healthy.push(scenario);
            }
        }
    }
    let mut control = Control::default();
    for (place, scenario) in (0..).zip(&healthy) {
        // As evenly as it goes, and as many in all as were asked for.
        let count = (seeds * (place + 1)) / healthy.len() as u64 - (seeds * place) / healthy.len() as u64;
        if count == 0 || interrupted.load(Ordering::Relaxed) {
            continue;
        }
        let options = ExploreOptions { seeds: SeedRange::Count { first: 1, count }, ..ExploreOptions::default() };
        let played = play(&|seed| without_defects(scenario.plan(seed, World::Simulated)), &options, interrupted);
        control.seeds += played.seeds.count;
        control.alarms.extend(
            played
                .groups
                .iter()
                .map(|group| format!("{} seed {}: {}", scenario.name(), group.lowest_seed, group.fingerprint)),
        );
    }
    Ok(control)
}

/// The same plan for a system that has no known flaw.
fn without_defects(mut plan: Plan) -> Plan {
    plan.system.defects.clear();
    for user in &mut plan.users {
        match &mut user.behaviour {
            Behaviour::Worker(worker) => worker.defects.clear(),
            Behaviour::Client(client) => client.defects.clear(),
            Behaviour::Flow(_) => {}
        }
    }
    plan.expect = Expectation::Holds;
    plan
}

#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long it takes to find something is real time"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = std::time::Instant::now();
    let done = work();
    (done, began.elapsed())
}

impl Row {
    fn is_found(&self) -> bool {
        self.starts.iter().all(Option::is_some)
    }

    /// Median and worst of the starts that found it.
    fn spread<T: Ord + Copy>(&self, of: impl Fn(&Found) -> Option<T>) -> Option<Spread<T>> {
        let mut all: Vec<T> = self.starts.iter().flatten().filter_map(of).collect();
        all.sort_unstable();
        Some(Spread { median: *all.get(all.len() / 2)?, worst: *all.last()? })
    }

    fn seeds(&self) -> Option<Spread<u64>> {
        self.spread(|found| Some(found.seeds))
    }

    fn millis(&self) -> Option<Spread<u64>> {
        self.spread(|found| u64::try_from(found.took.as_millis()).ok())
    }

    fn faults(&self) -> Option<Spread<u64>> {
        self.spread(|found| Some(found.size?.faults))
    }

    fn operations(&self) -> Option<Spread<u64>> {
        self.spread(|found| Some(found.size?.operations))
    }
}

/// What many starts came to.
#[derive(Clone, Copy)]
struct Spread<T> {
    median: T,
    worst: T,
}

/// One number if all are the same.
fn words(spread: Option<Spread<u64>>, unit: &str) -> String {
    match spread {
        None => "—".to_owned(),
        Some(Spread { median, worst }) if median == worst => format!("{median}{unit}"),
        Some(Spread { median, worst }) => format!("{median}{unit}, worst {worst}{unit}"),
    }
}

fn text(rows: &[Row], control: &Control) -> String {
    let head = ["defect", "found by", "seeds", "time", "faults left", "operations left"];
    let mut table = vec![head.map(str::to_owned)];
    for row in rows {
        table.push([
            row.name.to_owned(),
            if row.is_found() { row.check.clone().unwrap_or_default() } else { "NOT FOUND".to_owned() },
            words(row.seeds(), ""),
            words(row.millis(), " ms"),
            words(row.faults(), ""),
            words(row.operations(), ""),
        ]);
    }
    let width = |column: usize| table.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..table[0].len()).map(width).collect();
    let mut text = String::new();
    for line in &table {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text += &format!("\n{} seeds of systems without a defect: {} false alarms\n", control.seeds, control.alarms.len());
    for alarm in &control.alarms {
        text += &format!("  {alarm}\n");
    }
    text
}

fn print_json(rows: &[Row], control: &Control) {
    for row in rows {
        let median = |spread: Option<Spread<u64>>| spread.map(|it| it.median);
        let worst = |spread: Option<Spread<u64>>| spread.map(|it| it.worst);
        output::print_line(&serde_json::json!({
            "format": 1,
            "defect": row.name,
            "found": row.is_found(),
            "check": row.check,
            "starts": row.starts.len(),
            "seeds_median": median(row.seeds()),
            "seeds_max": worst(row.seeds()),
            "ms_median": median(row.millis()),
            "ms_max": worst(row.millis()),
            "faults_left": median(row.faults()),
            "faults_left_max": worst(row.faults()),
            "operations_left": median(row.operations()),
            "operations_left_max": worst(row.operations()),
        }));
    }
    output::print_line(&serde_json::json!({
        "format": 1, "control_seeds": control.seeds, "false_alarms": control.alarms,
    }));
}
