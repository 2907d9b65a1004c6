//! The judge: folds all checks of a plan over the events of one run and says whether the verdict is the expected one.
//! Neighbours: `checks` (the properties), `seeds` (the verdicts of many runs as one), `outcome` (where verdicts end up).

use crate::checks::cast::Cast;
use crate::checks::standstills::Standstills;
use crate::checks::{self, Check, RunEnd};
use crate::event::Event;
use crate::outcome::Overall;
use crate::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::{Expectation, Expected, Plan};

/// Folds all checks of a plan over events, one at a time, while the run goes on or afterwards.
pub struct Judge {
    cast: Cast,
    checks: Vec<Box<dyn Check>>,
    named: Vec<String>,
    standstills: Standstills,
}

impl Judge {
    /// A judge with the checks and bounds of this plan.
    pub fn new(plan: &Plan) -> Self {
        let (checks, named) = (checks::all(plan), plan.checks.named.clone());
        Judge { cast: Cast::new(), checks, named, standstills: Standstills::new(&plan.checks) }
    }

    /// Takes the next event into account. Events come in the order of their numbers.
    pub fn observe(&mut self, event: &Event) {
        self.standstills.observe(event);
        let moment = self.cast.observe(event);
        for check in &mut self.checks {
            check.observe(&moment, &self.cast);
        }
    }

    /// The verdicts, in the order of [`checks::NAMES`]. A check that the file names and that nothing exercised is unknown, and
    /// so is a missed bound that a standstill of the generator explains.
    pub fn finish(self, end: RunEnd) -> Vec<CheckVerdict> {
        let Judge { cast, checks, named, standstills } = self;
        let verdicts = checks.into_iter().map(|check| standstills.excuse(check.finish(end, &cast)));
        verdicts.map(|verdict| if named.contains(&verdict.name) { insist(verdict) } else { verdict }).collect()
    }
}

/// Whoever names a check wants it judged.
fn insist(mut verdict: CheckVerdict) -> CheckVerdict {
    if let Verdict::NotJudged { reason } = verdict.verdict {
        let reason = format!("the scenario asks for it, but nothing in this run exercised it: {reason}");
        verdict.verdict = Verdict::Unknown { reason };
    }
    verdict
}

/// The overall verdict, whether it is the expected one, and why, as sentences: what is broken or unknown, and what was
/// expected to break and holds.
pub fn overall(verdicts: &[CheckVerdict], expectation: &Expectation) -> (Overall, bool, Vec<String>) {
    let overall = overall_verdict(verdicts);
    let mut reasons = Vec::new();
    let mut broken = Vec::new();
    for check in verdicts {
        match &check.verdict {
            Verdict::Broken { evidence } => {
                broken.push(check.name.as_str());
                let first = evidence.first().map_or("", |evidence| evidence.sentence.as_str());
                reasons.push(format!("broken: {} ({first})", check.property));
            }
            Verdict::Unknown { reason } => reasons.push(format!("unknown: {} ({reason})", check.property)),
            Verdict::Holds | Verdict::NotJudged { .. } => {}
        }
    }
    if overall == Overall::Unknown && reasons.is_empty() {
        reasons.push("unknown: nothing in this run exercised any check of the system".to_owned());
    }
    let surprises = broken.iter().filter(|name| expectation.of_check(name) == Expected::Holds);
    let surprises: Vec<_> = surprises.map(|name| format!("not expected to be broken: {name}")).collect();
    let missing = expectation.must_break().filter(|names| {
        let is_meant = |name: &&str| names.is_empty() || names.iter().any(|meant| meant == name);
        !broken.iter().any(is_meant)
    });
    let expected = overall != Overall::Unknown && surprises.is_empty() && missing.is_none();
    if *expectation != Expectation::Holds {
        reasons.extend(surprises);
    }
    if let Some(names) = missing.filter(|names| !names.is_empty()) {
        reasons.push(format!("expected to be broken, and is not: {}", names.join(", ")));
    }
    (overall, expected, reasons)
}

/// That a run has cleaned up says nothing about the system: where that alone holds, as after a run that could not be
/// prepared, nothing was judged.
fn overall_verdict(verdicts: &[CheckVerdict]) -> Overall {
    let has = |word: &str| verdicts.iter().any(|check| check.verdict.word() == word);
    let is_about_the_system = |check: &CheckVerdict| check.name != checks::CLEANED_UP;
    let something_holds = verdicts.iter().any(|it| it.verdict == Verdict::Holds && is_about_the_system(it));
    if has("broken") {
        Overall::Broken
    } else if has("unknown") || (has("not_judged") && !something_holds) {
        Overall::Unknown
    } else {
        Overall::Holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Evidence;

    fn check(name: &str, verdict: Verdict) -> CheckVerdict {
        CheckVerdict {
            name: name.into(),
            property: format!("{name} is kept"),
            verdict,
            judged: 1,
            judged_what: "jobs".into(),
            violations: 0,
        }
    }

    fn broken() -> Verdict {
        let sentence = "it was seen".to_owned();
        Verdict::Broken {
            evidence: vec![Evidence { sentence, from_ns: 0, until_ns: 1, users: Vec::new(), events: vec![0] }],
        }
    }

    fn not_judged() -> Verdict {
        Verdict::NotJudged { reason: "nobody came".into() }
    }

    #[test]
    fn what_nothing_exercised_does_not_count_beside_what_holds() {
        let verdicts = [check("a", Verdict::Holds), check("b", not_judged())];
        assert_eq!(overall(&verdicts, &Expectation::Holds), (Overall::Holds, true, Vec::new()));
    }

    #[test]
    fn nothing_exercised_at_all_is_unknown() {
        let (verdict, expected, reasons) = overall(&[check("b", not_judged())], &Expectation::Holds);
        assert_eq!((verdict, expected, reasons.len()), (Overall::Unknown, false, 1));
    }

    #[test]
    fn a_run_that_was_not_prepared_and_cleaned_up_is_unknown() {
        let verdicts = [check("a", not_judged()), check(checks::CLEANED_UP, Verdict::Holds)];
        for expectation in [Expectation::Holds, Expectation::Either] {
            let (verdict, expected, reasons) = overall(&verdicts, &expectation);
            assert_eq!((verdict, expected, reasons.len()), (Overall::Unknown, false, 1));
        }
    }

    #[test]
    fn an_expected_break_is_expected_and_any_other_is_not() {
        let expectation = Expectation::Broken(vec!["a".into()]);
        let verdicts = [check("a", broken()), check("b", Verdict::Holds)];
        assert!(overall(&verdicts, &expectation).1);
        let verdicts = [check("a", broken()), check("b", broken())];
        let (_, expected, reasons) = overall(&verdicts, &expectation);
        assert!(!expected && reasons.contains(&"not expected to be broken: b".to_owned()));
    }

    #[test]
    fn a_break_that_was_expected_and_does_not_come_is_told() {
        let (verdict, expected, reasons) =
            overall(&[check("a", Verdict::Holds)], &Expectation::Broken(vec!["a".into()]));
        assert_eq!((verdict, expected), (Overall::Holds, false));
        assert_eq!(reasons, ["expected to be broken, and is not: a"]);
    }

    #[test]
    fn of_a_check_that_may_be_either_both_are_fine_and_every_other_must_hold() {
        let holds_or = |verdict: Verdict| [check("a", verdict), check("b", Verdict::Holds), check("c", Verdict::Holds)];
        let either = Expectation::Checks { broken: Vec::new(), either: vec!["a".into()] };
        assert_eq!(overall(&holds_or(Verdict::Holds), &either), (Overall::Holds, true, Vec::new()));
        let (verdict, expected, reasons) = overall(&holds_or(broken()), &either);
        assert_eq!((verdict, expected, reasons.len()), (Overall::Broken, true, 1), "{reasons:?}");
        let both = [check("a", broken()), check("b", broken())];
        assert!(!overall(&both, &either).1);
        let mixed = Expectation::Checks { broken: vec!["b".into()], either: vec!["a".into()] };
        assert!(overall(&both, &mixed).1);
        assert!(!overall(&holds_or(broken()), &mixed).1, "what may break does not stand for what must");
    }

    #[test]
    fn broken_counts_more_than_unknown() {
        let verdicts = [check("a", Verdict::Unknown { reason: "cut off".into() }), check("b", broken())];
        assert_eq!(overall(&verdicts, &Expectation::Either).0, Overall::Broken);
    }
}
