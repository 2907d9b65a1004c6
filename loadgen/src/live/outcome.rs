//! What comes of a live run: the recorder's findings, with remarks about everything that a reader should know.
//! Neighbours: `driver` (how it ended), `recorder` (what was found), `reports::outcome` (the shape).

use super::faults;
use super::files::{self, read_events};
use super::guard;
use super::options::LiveOptions;
use super::preflight::Preflight;
use super::recorder::Recorded;
use crate::cleanup::LeftBehind;
use rehearsal_reports::abort::Aborted;
use rehearsal_reports::judge::overall;
use rehearsal_reports::outcome::{CheckSummary, Outcome, Overall, Seeds, Story};
use rehearsal_reports::render::units;
use rehearsal_reports::story::story;
use rehearsal_reports::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::{Plan, Profile};
use std::path::Path;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It came to its planned end.
    Complete,
    /// Somebody interrupted it.
    Interrupted,
    /// Rooms or identities could not be made.
    NotPrepared(String),
    /// It was ready after the planned start, or not within the time that it has to prepare.
    TooLate(String),
    /// Nothing succeeded for so long that the target was left alone.
    NothingSucceeded,
    /// Most operations did not reach the target any more, also after it was left alone for a while.
    BrokenOff,
    /// A rule of the scenario ended it.
    Aborted(Aborted),
}

impl Ending {
    /// Why the target counts as unreachable, if it does.
    pub fn unreachable(&self, recorded: &Recorded) -> Option<String> {
        let pulse = recorded.pulse;
        match self {
            Ending::NotPrepared(reason) => Some(format!("the target stopped serving while the run prepared: {reason}")),
            Ending::Interrupted | Ending::TooLate(_) => None,
            Ending::NothingSucceeded | Ending::BrokenOff | Ending::Complete | Ending::Aborted(_)
                if pulse.succeeded == 0 && pulse.errors > 0 =>
            {
                Some(format!("nothing ever succeeded: all {} operations failed", pulse.operations()))
            }
            Ending::NothingSucceeded | Ending::BrokenOff | Ending::Complete | Ending::Aborted(_) => None,
        }
    }
}

/// What a run says that was ended before its time.
pub const INTERRUPTED: &str = "the run was interrupted; its record ends there";

/// Events that are read again for a story; a violation further behind is shown without one.
const STORY_EVENTS_MAX: usize = 2_000_000;

/// Puts the outcome together.
pub fn outcome(
    plan: &Plan,
    options: &LiveOptions,
    record: &Path,
    recorded: Recorded,
    preflight: &Preflight,
    left_behind: &LeftBehind,
    ending: &Ending,
) -> Outcome {
    let (verdict, expected, reasons) = overall(&recorded.verdicts, &plan.expect);
    let is_broken = verdict == Overall::Broken;
    let mut notes = guard::notes(plan);
    notes.extend(faults::notes::notes(plan, &recorded.struck));
    notes.extend(remarks(&recorded, preflight, left_behind, ending));
    if !expected {
        notes.extend(reasons);
    }
    let summary = |check| CheckSummary::of_one_seed(check, plan.seed, &plan.expect);
    Outcome {
        targets: options.targets(),
        seeds: Seeds::of_one(plan.seed, is_broken, 0),
        verdict,
        expected,
        story: is_broken.then(|| tell(record, &recorded.verdicts)).flatten(),
        checks: recorded.verdicts.into_iter().map(summary).collect(),
        thresholds: recorded.numbers.thresholds,
        operations: recorded.numbers.operations,
        seconds: recorded.numbers.seconds,
        errors: recorded.numbers.errors,
        generator: Some(recorded.generator),
        record: Some(record.display().to_string()),
        repeat: is_broken.then(|| format!("rehearsal {}", options.arguments.join(" "))),
        notes,
        interrupted: *ending == Ending::Interrupted,
        aborted: match ending {
            Ending::Aborted(aborted) => Some(aborted.rule.clone()),
            Ending::BrokenOff => Some("circuit breaker".to_owned()),
            _ => None,
        },
        observed: recorded.observed,
        duration_ns: recorded.end_ns,
        ..Outcome::not_played(plan)
    }
}

fn tell(record: &Path, verdicts: &[CheckVerdict]) -> Option<Story> {
    let broken = verdicts.iter().find(|check| matches!(check.verdict, Verdict::Broken { .. }))?;
    story(broken, &read_events(record, STORY_EVENTS_MAX), false)
}

fn remarks(recorded: &Recorded, preflight: &Preflight, left: &LeftBehind, ending: &Ending) -> Vec<String> {
    let mut remarks = Vec::new();
    match preflight.profile {
        Some(Profile::Documented) => remarks.push("the server answers as documented".to_owned()),
        Some(Profile::Deployed) => remarks.push("the server answers as deployed ones do, quirks included".to_owned()),
        None => {}
    }
    remarks.extend(preflight.remarks.iter().cloned());
    remarks.extend(recorded.numbers.outages.iter().map(ToString::to_string));
    remarks.extend(recorded.numbers.unmatched.note());
    match ending {
        Ending::Complete => {}
        Ending::Aborted(Aborted { rule, found }) => {
            remarks.push(format!("ended by the rule `{rule}`: {found}"));
        }
        Ending::Interrupted => remarks.push(INTERRUPTED.to_owned()),
        Ending::NotPrepared(reason) => remarks.push(format!("nothing was played: {reason}")),
        // The generator's own reasons tell it, and the breaker does.
        Ending::TooLate(_) | Ending::BrokenOff => {}
        Ending::NothingSucceeded => remarks.push("nothing succeeded for 10 s, so the target was left alone".to_owned()),
    }
    if recorded.numbers.strangers > 0 {
        let strangers = units::counted(recorded.numbers.strangers, "strangers");
        remarks.push(format!("discovery showed {strangers}: peers that this run did not register, and sent nothing"));
    }
    remarks.extend(
        recorded
            .unanswered
            .iter()
            .map(|(name, count)| format!("`{name}` did not answer {count} times when its metrics were asked for")),
    );
    if !left.is_nothing() {
        remarks.push(format!(
            "left behind on the target: {} rooms, {} identities; `rehearsal cleanup` removes them later",
            left.rooms.len(),
            left.identities.len()
        ));
    }
    if let Some(error) = &recorded.write_error {
        remarks.push(format!("the record is not whole, writing {} failed: {error}", files::EVENTS));
    }
    remarks
}
