//! Checks that a scenario declares: rules over events that match patterns, grouped by what the patterns capture. One file
//! for each rule; all of them work on any service, since they know nothing but the record.
//!
//! - `pattern`: which events match, and what they capture
//! - `spans`: spans that are open, by group
//! - `exclusive`, `answered`, `once`, `ordered`, `seen`: the rules
//! - `recent`: what was seen of the newest groups
//!
//! Neighbours: `scenarios::plan` (the rules as data), `checks` (runs them beside the others). Left out: the language.

mod answered;
mod exclusive;
mod once;
mod ordered;
mod pattern;
mod recent;
mod seen;
mod spans;
#[cfg(test)]
mod tests;

use super::Check;
use super::findings::{Findings, Profile};
use crate::outcome::CheckSummary;
use crate::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::{ChecksPlan, DeclaredCheck, Rule};

/// The check that folds this rule.
pub(super) fn make(check: &DeclaredCheck) -> Box<dyn Check> {
    let presents = Presents { name: check.name.clone(), property: check.about.clone() };
    let by = &check.by;
    match &check.rule {
        Rule::Exclusive(span) => Box::new(exclusive::Exclusive::new(presents, span, by)),
        Rule::Answered { from, to, within_ns, unless } => {
            Box::new(answered::Answered::new(presents, (from, to, unless), *within_ns, by))
        }
        Rule::AtMostOnce(what) => Box::new(once::AtMostOnce::new(presents, what, by)),
        Rule::Ordered(steps) => Box::new(ordered::Ordered::new(presents, steps, by)),
        Rule::Never { what, during } => Box::new(seen::Never::new(presents, what, during.as_ref(), by)),
        Rule::Sometimes { what, during, times, different } => {
            let often = seen::Often { times: *times, different: different.as_deref() };
            Box::new(seen::Sometimes::new(presents, what, during.as_ref(), often, by))
        }
    }
}

/// Names of the plan's `sometimes` that were seen in none of the seeds.
pub fn unmet<'p>(plan: &'p ChecksPlan, summaries: &[CheckSummary]) -> Vec<&'p str> {
    let is_met = |name: &str| summaries.iter().any(|it| it.check.name == name && it.check.verdict == Verdict::Holds);
    let sometimes = plan.declared.iter().filter(|check| check.is_sometimes());
    sometimes.map(|check| check.name.as_str()).filter(|name| !is_met(name)).collect()
}

/// How a declared check presents itself.
struct Presents {
    name: String,
    property: String,
}

impl Presents {
    fn verdict(&self, findings: Findings, judged_what: &str, idle: &str) -> CheckVerdict {
        findings.verdict(Profile { name: &self.name, property: &self.property, judged_what, idle })
    }
}
