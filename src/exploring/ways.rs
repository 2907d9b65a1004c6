//! The ways in which seeds fail, in the order in which a reader wants them: what is unexpected and new first, then what was
//! kept before, then what the scenario expects. A kept failure never hides a new one: it neither is the one that is told
//! nor takes the time to make the other smaller.

use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::render::units::share;
use rehearsal_reports::verdict::Verdict;
use rehearsal_sim::explore::{END_OF_RUN, Exploration, FailureGroup, Fingerprint, story_of_check};
use std::collections::BTreeMap;

/// Failures that were kept, with the names of their files.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<Fingerprint, String>);

impl Known {
    /// A kept failure was played: this is how it fails.
    pub fn add(&mut self, name: &str, exploration: &Exploration) {
        for group in &exploration.groups {
            self.0.entry(group.fingerprint.clone()).or_insert_with(|| name.to_owned());
        }
    }
}

/// A way to fail.
pub struct Way<'a> {
    pub group: &'a FailureGroup,
    /// Under which name it was kept, if it was.
    pub kept_as: Option<&'a str>,
}

impl Way<'_> {
    /// `4 of 100 seeds (4 %), the lowest is 7: worker_runs_one_job_at_a_time: …`. A kept failure of the same look may be another
    /// scenario's, with another cause.
    pub fn words(&self, seeds: u64) -> String {
        let FailureGroup { fingerprint, lowest_seed, seeds: failing, .. } = self.group;
        let share = share(*failing as f64 / seeds.max(1) as f64);
        let kept = self.kept_as.map_or_else(String::new, |name| format!(" (looks like {name}, which was kept)"));
        format!("{failing} of {seeds} seeds ({share}), the lowest is {lowest_seed}: {fingerprint}{kept}")
    }
}

/// All of them in their order.
pub fn ordered<'a>(exploration: &'a Exploration, known: &'a Known) -> Vec<Way<'a>> {
    let way = |group: &'a FailureGroup| Way { group, kept_as: known.0.get(&group.fingerprint).map(String::as_str) };
    let mut ways: Vec<Way<'a>> = exploration.groups.iter().map(way).collect();
    ways.sort_by_key(|way| (way.group.is_expected, way.kept_as.is_some(), way.group.lowest_seed));
    ways
}

/// Tells the first way in place of the lowest broken seed, if that one fails in another way. The seed that is told now.
pub fn tell_first(ways: &[Way<'_>], exploration: &Exploration, outcome: &mut Outcome) -> Option<u64> {
    let group = ways.first()?.group;
    let run = exploration.kept.iter().find(|run| run.plan.seed == group.lowest_seed)?;
    let name = &group.fingerprint.check;
    if *name == END_OF_RUN {
        return Some(group.lowest_seed);
    }
    let verdict = run.verdicts.iter().find(|check| check.name == *name)?;
    let summary = outcome.checks.iter_mut().find(|summary| summary.check.name == *name)?;
    if summary.lowest_broken_seed != Some(group.lowest_seed) && matches!(verdict.verdict, Verdict::Broken { .. }) {
        (summary.check.verdict, summary.check.violations) = (verdict.verdict.clone(), verdict.violations);
    }
    outcome.story = story_of_check(run, name);
    outcome.drawn.clone_from(&run.plan.drawn);
    Some(group.lowest_seed)
}
