//! `ordered`: in each group, no event of a step comes before one of the step in front of it. Steps may repeat.

use super::super::cast::Cast;
use super::super::findings::{Findings, users};
use super::super::moment::Moment;
use super::super::{Check, RunEnd};
use super::Presents;
use super::pattern::Matcher;
use super::recent::Recent;
use crate::verdict::{CheckVerdict, Evidence};
use rehearsal_scenarios::plan::EventPattern;

pub(super) struct Ordered {
    presents: Presents,
    steps: Vec<Matcher>,
    by: Vec<String>,
    /// How many steps each group has come to, from the first one on.
    reached: Recent<usize>,
    findings: Findings,
}

impl Ordered {
    pub fn new(presents: Presents, steps: &[EventPattern], by: &[String]) -> Ordered {
        let (steps, by) = (Matcher::all(steps, by), by.to_vec());
        Ordered { presents, steps, by, reached: Recent::default(), findings: Findings::default() }
    }
}

impl Check for Ordered {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        for (index, step) in self.steps.iter().enumerate() {
            for event in step.matches(moment, cast) {
                let Some(group) = event.group(&self.by) else { continue };
                let reached = self.reached.get_mut(&group).map_or(0, |reached| *reached);
                if index > 0 {
                    self.findings.judge();
                }
                if index > reached {
                    let (missing, of) = (reached + 1, self.steps.len());
                    self.findings.broken(Evidence {
                        sentence: format!("{}, before step {missing} of {of} was seen", event.told()),
                        from_ns: event.t_ns,
                        until_ns: event.t_ns,
                        users: users([cast.name(event.user)]),
                        events: vec![event.n],
                    });
                    continue;
                }
                match self.reached.get_mut(&group) {
                    Some(reached) => *reached = (*reached).max(index + 1),
                    None => self.reached.insert(&group, index + 1),
                }
            }
        }
    }

    fn finish(self: Box<Self>, _: RunEnd, _: &Cast) -> CheckVerdict {
        self.presents.verdict(self.findings, "events", "none of the later steps was seen")
    }
}
