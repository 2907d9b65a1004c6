//! `at_most_once`: an event of one group is seen once or not at all.

use super::super::cast::Cast;
use super::super::findings::{Findings, users};
use super::super::moment::Moment;
use super::super::{Check, RunEnd};
use super::Presents;
use super::pattern::{Match, Matcher};
use super::recent::Recent;
use crate::verdict::{CheckVerdict, Evidence};
use rehearsal_scenarios::plan::EventPattern;

pub(super) struct AtMostOnce {
    presents: Presents,
    what: Matcher,
    by: Vec<String>,
    seen: Recent<Match>,
    findings: Findings,
}

impl AtMostOnce {
    pub fn new(presents: Presents, what: &EventPattern, by: &[String]) -> AtMostOnce {
        let (what, by) = (Matcher::new(what, by), by.to_vec());
        AtMostOnce { presents, what, by, seen: Recent::default(), findings: Findings::default() }
    }
}

impl Check for AtMostOnce {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        for again in self.what.matches(moment, cast) {
            let Some(group) = again.group(&self.by) else { continue };
            self.findings.judge();
            match self.seen.get_mut(&group) {
                None => self.seen.insert(&group, again),
                Some(first) => {
                    self.findings.broken(Evidence {
                        sentence: format!("{}, and again {}", first.told(), again.told()),
                        from_ns: first.t_ns,
                        until_ns: again.t_ns,
                        users: users([cast.name(first.user), cast.name(again.user)]),
                        events: vec![first.n, again.n],
                    });
                }
            }
        }
    }

    fn finish(self: Box<Self>, _: RunEnd, _: &Cast) -> CheckVerdict {
        self.presents.verdict(self.findings, "events", "no such event was seen")
    }
}
