//! Rules that end a live run, second by second: each must be broken without a break for as long as it says. Pure: whoever plays
//! pushes what the second showed. Neighbours: `numbers::limits` (what is counted), `scenarios::plan::AbortRule` (the rules).

use crate::numbers::limits::{Counted, Limit, Tally};
use crate::render::units::span;
use rehearsal_scenarios::plan::{AbortRule, Beyond, Plan, Watched};
use std::collections::BTreeMap;

/// Metrics by the name of what they were fetched from, then by their own.
pub type Metrics = BTreeMap<String, BTreeMap<String, f64>>;

/// What a second showed besides operations.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// What `/health` said last; `no answer` counts as a word too.
    pub health: Option<String>,
    /// Metrics of everything under `[observe]`.
    pub metrics: Metrics,
}

/// A rule that ends the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aborted {
    /// The rule, as the author wrote it.
    pub rule: String,
    /// What was found.
    pub found: String,
}

/// Judges all rules of a plan.
pub struct AbortRules {
    rules: Vec<Standing>,
}

struct Standing {
    rule: AbortRule,
    /// Since when it is broken, in nanoseconds of plan time.
    since_ns: Option<i64>,
}

impl AbortRules {
    /// All rules of the plan, none of them broken.
    pub fn new(plan: &Plan) -> AbortRules {
        let standing = |rule: &AbortRule| Standing { rule: rule.clone(), since_ns: None };
        AbortRules { rules: plan.live.abort.iter().map(standing).collect() }
    }

    /// What must be counted for the rules, one limit for each.
    pub fn limits(plan: &Plan) -> Vec<Limit> {
        let limit = |rule: &AbortRule| {
            let (operation, limit_ns) = match (&rule.watched, &rule.beyond) {
                (Watched::Percentile(operation, _), Beyond::Above(limit)) => (Some(operation), *limit as u64),
                (Watched::Errors(operation), _) => (operation.as_ref(), u64::MAX),
                _ => (None, u64::MAX),
            };
            let operation = operation.map(|operation| operation.as_str().into());
            Limit { operation, limit_ns, period: Counted::Played }
        };
        plan.live.abort.iter().map(limit).collect()
    }

    /// Takes what was seen since the last call, at `now_ns`; tallies are in the order of the limits. The first rule that has
    /// been broken for long enough, if one has.
    pub fn second(&mut self, from_ns: i64, now_ns: i64, tallies: &[Tally], around: &Surroundings) -> Option<Aborted> {
        let mut aborted = None;
        for (standing, tally) in self.rules.iter_mut().zip(tallies) {
            // Where nothing was to be seen, it stays as it was.
            let Some((is_broken, found)) = look(&standing.rule, *tally, around) else { continue };
            if !is_broken {
                standing.since_ns = None;
                continue;
            }
            let since_ns = *standing.since_ns.get_or_insert(from_ns);
            let lasted_ns = u64::try_from(now_ns.saturating_sub(since_ns)).unwrap_or(0);
            if lasted_ns >= standing.rule.for_ns && aborted.is_none() {
                let found = format!("{found}, for {}", span(lasted_ns));
                aborted = Some(Aborted { rule: standing.rule.text.clone(), found });
            }
        }
        aborted
    }
}

/// Whether a rule is broken in this second, and what was found; nothing if there was nothing to see.
fn look(rule: &AbortRule, tally: Tally, around: &Surroundings) -> Option<(bool, String)> {
    match (&rule.watched, &rule.beyond) {
        (Watched::Errors(_), Beyond::Above(limit)) => {
            let share = (tally.ended() > 0).then(|| tally.errors as f64 / tally.ended() as f64)?;
            Some((share > *limit, format!("{:.1} % failed", share * 100.0)))
        }
        (Watched::Percentile(_, quantile), Beyond::Above(limit)) => {
            // The percentile is above the limit when more than the rest is.
            let share = (tally.answers > 0).then(|| tally.beyond as f64 / tally.answers as f64)?;
            let found = format!("{:.1} % took longer than {}", share * 100.0, span(*limit as u64));
            Some((share > 1.0 - quantile, found))
        }
        (Watched::Health, Beyond::Not(good)) => {
            let health = around.health.as_ref()?;
            Some((health != good, format!("health is `{health}`")))
        }
        (Watched::Metric(of, name), beyond) => {
            let value = *around.metrics.get(of)?.get(name)?;
            let is_broken = match beyond {
                Beyond::Above(limit) => value > *limit,
                Beyond::Below(limit) => value < *limit,
                Beyond::Not(_) => return None,
            };
            Some((is_broken, format!("{of} {name} is {value}")))
        }
        (Watched::Errors(_) | Watched::Percentile(..) | Watched::Health, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::plan_for_tests::plan;
    use rehearsal_scenarios::plan::World;

    const SECOND: i64 = 1_000_000_000;

    fn rules(watched: Watched, beyond: Beyond, for_s: u64) -> AbortRules {
        let mut plan = plan(World::Live);
        plan.live.abort = vec![AbortRule { text: "the rule".into(), watched, beyond, for_ns: for_s * 1_000_000_000 }];
        AbortRules::new(&plan)
    }

    /// In which second the rule ends the run.
    fn ended_at(rules: &mut AbortRules, seconds: &[(Tally, Surroundings)]) -> Option<usize> {
        seconds.iter().enumerate().position(|(nth, (tally, around))| {
            let from_ns = nth as i64 * SECOND;
            rules.second(from_ns, from_ns + SECOND, &[*tally], around).is_some()
        })
    }

    fn ended(answers: u64, beyond: u64, errors: u64) -> (Tally, Surroundings) {
        (Tally { answers, beyond, errors, sum_ns: 0 }, Surroundings::default())
    }

    #[test]
    fn errors_end_a_run_when_they_last_and_not_when_they_stop_in_between() {
        let bad = ended(90, 0, 10);
        let good = ended(100, 0, 0);
        let of = || rules(Watched::Errors(None), Beyond::Above(0.05), 3);
        assert_eq!(ended_at(&mut of(), &[good.clone(), bad.clone(), bad.clone(), bad.clone()]), Some(3));
        let broken_up = [bad.clone(), bad.clone(), good, bad.clone(), bad];
        assert_eq!(ended_at(&mut of(), &broken_up), None);
    }

    #[test]
    fn exactly_the_limit_is_no_reason_to_end() {
        let mut rules = rules(Watched::Errors(None), Beyond::Above(0.1), 1);
        assert_eq!(ended_at(&mut rules, &[ended(90, 0, 10)]), None);
    }

    #[test]
    fn a_percentile_is_above_its_limit_when_more_than_the_rest_is() {
        let of = || rules(Watched::Percentile("discover".into(), 0.99), Beyond::Above(2e9), 1);
        assert_eq!(ended_at(&mut of(), &[ended(1_000, 9, 0)]), None);
        assert_eq!(ended_at(&mut of(), &[ended(1_000, 11, 0)]), Some(0));
    }

    #[test]
    fn a_second_in_which_nothing_ended_changes_nothing() {
        let mut rules = rules(Watched::Errors(None), Beyond::Above(0.05), 3);
        let nothing = ended(0, 0, 0);
        assert_eq!(ended_at(&mut rules, &[ended(0, 0, 9), nothing.clone(), nothing, ended(0, 0, 9)]), Some(3));
    }

    #[test]
    fn health_and_metrics_end_a_run_by_what_they_say() {
        let around = |health: &str, slots: f64| {
            let metrics = [("server-a".to_owned(), [("free_slots".to_owned(), slots)].into())].into();
            (Tally::default(), Surroundings { health: Some(health.into()), metrics })
        };
        let seconds = [around("healthy", 5.0), around("degraded", 2.0), around("degraded", 2.0)];
        let mut health = rules(Watched::Health, Beyond::Not("healthy".into()), 2);
        assert_eq!(ended_at(&mut health, &seconds), Some(2));
        let watched = || Watched::Metric("server-a".into(), "free_slots".into());
        assert_eq!(ended_at(&mut rules(watched(), Beyond::Below(3.0), 1), &seconds), Some(1));
        assert_eq!(ended_at(&mut rules(watched(), Beyond::Above(9.0), 1), &seconds), None);
        let missing = Watched::Metric("server-b".into(), "free_slots".into());
        assert_eq!(ended_at(&mut rules(missing, Beyond::Below(3.0), 1), &seconds), None, "a metric that is not there");
    }
}
