//! What a check has found so far: how much it judged, the first violations as evidence, and what it could not decide.
//! Neighbours: every check owns one; `verdict` is what comes out.

use crate::event::Name;
use crate::verdict::{CheckVerdict, Evidence, Verdict};

/// How a check presents itself.
#[derive(Clone, Copy, Debug)]
pub struct Profile<'a> {
    /// Its name.
    pub name: &'a str,
    /// The property as a sentence.
    pub property: &'a str,
    /// What it judges, in the plural.
    pub judged_what: &'a str,
    /// Why it has nothing to say when nothing exercised it, as a sentence.
    pub idle: &'a str,
}

/// What was found so far.
#[derive(Default)]
pub struct Findings {
    judged: u64,
    violations: u64,
    evidence: Vec<Evidence>,
    doubt: Option<String>,
}

impl Findings {
    /// One more operation was judged.
    pub fn judge(&mut self) {
        self.judged += 1;
    }

    /// The property is broken. Returns where the evidence lies, if it is among those that are kept.
    pub fn broken(&mut self, evidence: Evidence) -> Option<usize> {
        self.violations += 1;
        (self.evidence.len() < Verdict::EVIDENCE_MAX).then(|| {
            self.evidence.push(evidence);
            self.evidence.len() - 1
        })
    }

    /// Evidence that is kept, to complete it.
    pub fn evidence_mut(&mut self, index: usize) -> &mut Evidence {
        &mut self.evidence[index]
    }

    /// It cannot be said, for this reason; the first reason counts.
    pub fn doubt(&mut self, reason: impl FnOnce() -> String) {
        if self.doubt.is_none() {
            self.doubt = Some(reason());
        }
    }

    /// The verdict: broken counts more than unknown, unknown more than holds.
    pub fn verdict(mut self, profile: Profile<'_>) -> CheckVerdict {
        self.evidence.sort_by_key(|evidence| evidence.events.last().copied());
        let verdict = if self.violations > 0 {
            Verdict::Broken { evidence: self.evidence }
        } else if let Some(reason) = self.doubt {
            Verdict::Unknown { reason }
        } else if self.judged == 0 {
            Verdict::NotJudged { reason: profile.idle.to_owned() }
        } else {
            Verdict::Holds
        };
        CheckVerdict {
            name: profile.name.to_owned(),
            property: profile.property.to_owned(),
            verdict,
            judged: self.judged,
            judged_what: profile.judged_what.to_owned(),
            violations: self.violations,
        }
    }
}

/// An offset for a sentence: `15.214 s`.
pub fn seconds(ns: i64) -> String {
    format!("{:.3} s", ns as f64 / 1e9)
}

/// Users without repetition, in the given order.
pub fn users<'n>(names: impl IntoIterator<Item = &'n Name>) -> Vec<Name> {
    let mut users: Vec<Name> = Vec::new();
    for name in names {
        if !users.contains(name) {
            users.push(name.clone());
        }
    }
    users
}
