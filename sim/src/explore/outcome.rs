//! One outcome of many seeds: verdicts, what did not come to its end, and the story of the lowest broken seed.
//! Neighbours: `reports` says what an outcome is and shows it. Left out: records, and how to repeat a seed, which only the
//! caller knows.

use super::Exploration;
use crate::engine::EngineKind;
use crate::seed::SeedRun;
use rehearsal_reports::checks::declared::unmet;
use rehearsal_reports::judge::overall;
use rehearsal_reports::outcome::{CheckSummary, Outcome, Story};
use rehearsal_reports::story::story;
use rehearsal_reports::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::Plan;

/// How many seeds that did not come to their end are told in full.
const FAILURES_SHOWN_MAX: usize = 3;

/// What an exploration came to. `plan` is that of its first seed.
pub fn outcome_of(plan: &Plan, exploration: &Exploration, engine: EngineKind) -> Outcome {
    let verdicts: Vec<_> = exploration.checks.iter().map(|summary| summary.check.clone()).collect();
    let (verdict, expected, reasons) = overall(&verdicts, &plan.expect);
    let ended = exploration.failures.is_empty();
    let mut notes: Vec<String> = if expected { Vec::new() } else { reasons };
    notes.extend(exploration.failures.iter().take(FAILURES_SHOWN_MAX).map(ToString::to_string));
    if exploration.failures.len() > FAILURES_SHOWN_MAX {
        notes.push(format!(
            "and {} more seeds did not come to their end",
            exploration.failures.len() - FAILURES_SHOWN_MAX
        ));
    }
    if let Some(seed) = exploration.not_deterministic {
        notes.push(format!(
            "seed {seed} played differently when it was played again: the simulation was not deterministic"
        ));
    }
    let unmet: Vec<String> = unmet(&plan.checks, &exploration.checks).into_iter().map(str::to_owned).collect();
    notes.extend(unmet.iter().map(|name| format!("no seed showed what `{name}` is to see at least once")));
    let idle = exploration.coverage.faults.iter().filter(|fault| fault.seeds == 0 && exploration.seeds.count > 0);
    notes.extend(idle.map(|fault| {
        format!("fault `{}` struck in no seed: what it waits for did not come, or all was over", fault.name)
    }));
    notes.extend(exploration.unmatched.note());
    let story_run = told_run(&exploration.checks, &exploration.kept);
    Outcome {
        seeds: exploration.seeds.clone(),
        verdict,
        expected: expected && ended,
        checks: exploration.checks.clone(),
        unmet,
        coverage: (exploration.seeds.count > 1).then(|| exploration.coverage.clone()),
        drawn: story_run.map(|run| run.plan.drawn.clone()).unwrap_or_default(),
        story: story_run.and_then(story_of),
        notes,
        duration_ns: (exploration.virtual_ns / exploration.seeds.count.max(1)) as i64,
        engine: Some(engine.name().to_owned()),
        ..Outcome::not_played(plan)
    }
}

/// The lowest broken seed, of those kept.
fn told_run<'r>(checks: &[CheckSummary], kept: &'r [SeedRun]) -> Option<&'r SeedRun> {
    let lowest = checks.iter().filter_map(|check| check.lowest_broken_seed).min()?;
    kept.iter().find(|run| run.plan.seed == lowest)
}

/// The story of a seed's first broken check.
pub fn story_of(run: &SeedRun) -> Option<Story> {
    let broken = run.verdicts.iter().find(|check| matches!(check.verdict, Verdict::Broken { .. }))?;
    story(broken, &run.events, true)
}

/// The story of this check, if the seed breaks it.
pub fn story_of_check(run: &SeedRun, name: &str) -> Option<Story> {
    let is_it = |check: &&CheckVerdict| check.name == name && matches!(check.verdict, Verdict::Broken { .. });
    story(run.verdicts.iter().find(is_it)?, &run.events, true)
}
