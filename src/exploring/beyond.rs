//! Seeds after a fixed set, while there is time left. How many they are depends on the machine, so what they find is a
//! warning: it is kept, confirmed and told, and changes neither verdict nor exit code.

use super::{Exploring, TimeBox, confirm, ways};
use crate::exit::Failure;
use crate::simulated::{self, not_deterministic, repeat};
use crate::source::Source;
use rehearsal_reports::outcome::Outcome;
use rehearsal_scenarios::Scenario;
use rehearsal_sim::explore::{Exploration, ExploreOptions, SeedRange};
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Exploring<'_> {
    /// Goes on after the fixed seeds.
    pub(super) fn go_beyond(
        &self,
        source: &Source,
        scenario: &Scenario,
        fixed: &Exploration,
        time: &mut TimeBox,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let left = time.left().unwrap_or_default();
        let next = fixed.seeds.first.checked_add(fixed.seeds.count);
        let is_over = self.interrupted.load(Ordering::Relaxed) || left == Duration::ZERO;
        let Some(first) = next.filter(|_| !is_over) else { return Ok(()) };
        // One record for each way to fail is enough for a warning.
        let options = ExploreOptions { seeds: seeds(first, left), keep_per_check: 1, ..self.options };
        let found = time.exploring(|| self.explore(source, scenario, options, None));
        if let Some(difference) = &found.difference {
            return Err(not_deterministic(format!("{}: {difference}", source.shown)));
        }
        time.confirming(|| confirm(source, &found, self.how()))?;
        let is_new = |way: &ways::Way<'_>| {
            let was_found = fixed.groups.iter().any(|group| group.fingerprint == way.group.fingerprint);
            !way.group.is_expected && !was_found
        };
        for way in ways::ordered(&found, self.known).into_iter().filter(is_new) {
            let seed = way.group.lowest_seed;
            if let Some(run) = found.kept.iter().find(|run| run.plan.seed == seed) {
                time.confirming(|| simulated::keep(source, run.plan.clone(), self.runs, self.how()))?;
            }
            let repeat = repeat(source, seed, self.how());
            outcome.warnings.push(format!("beyond the fixed seeds, {}; {repeat}", way.words(found.seeds.count)));
        }
        let (count, last) = (found.seeds.count, first.saturating_add(found.seeds.count.saturating_sub(1)));
        let news = if outcome.warnings.is_empty() { "found nothing new" } else { "found what the warnings say" };
        outcome.notes.push(format!("{count} further seeds from {first} to {last}, as the time allowed, {news}"));
        Ok(())
    }
}

/// All the time that is left: nothing comes after it but confirming.
fn seeds(first: u64, left: Duration) -> SeedRange {
    let SeedRange::For { duration, .. } = TimeBox::seeds(left, first) else { return TimeBox::seeds(left, first) };
    SeedRange::For { first, duration, once_found: duration }
}
