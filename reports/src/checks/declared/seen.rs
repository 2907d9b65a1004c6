//! `never` and `sometimes`: an event that must not be seen, or must be seen in at least one of the seeds; both perhaps only
//! while a span is open.

use super::super::cast::Cast;
use super::super::findings::{Findings, users};
use super::super::moment::Moment;
use super::super::{Check, RunEnd};
use super::Presents;
use super::pattern::{Match, Matcher};
use super::recent::Recent;
use super::spans::Spans;
use crate::event::Name;
use crate::verdict::{CheckVerdict, Evidence};
use rehearsal_scenarios::plan::{EventPattern, Span};

/// Events that match, while such a span is open.
struct Watch {
    what: Matcher,
    during: Option<Spans>,
}

impl Watch {
    fn new(what: &EventPattern, during: Option<&Span>, by: &[String]) -> Watch {
        Watch { what: Matcher::new(what, by), during: during.map(|span| Spans::new(span, by)) }
    }

    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) -> Vec<Match> {
        let mut seen = self.what.matches(moment, cast);
        if let Some(during) = &mut self.during {
            // Looked at before and after, so that an event which opens or closes the span lies within it.
            let before: Vec<bool> = seen.iter().map(|event| during.is_open(event)).collect();
            during.observe(moment, cast);
            let mut before = before.into_iter();
            seen.retain(|event| before.next() == Some(true) || during.is_open(event));
        }
        seen
    }
}

pub(super) struct Never {
    presents: Presents,
    watch: Watch,
    findings: Findings,
}

impl Never {
    pub fn new(presents: Presents, what: &EventPattern, during: Option<&Span>, by: &[String]) -> Never {
        Never { presents, watch: Watch::new(what, during, by), findings: Findings::default() }
    }
}

impl Check for Never {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        if self.watch.what.is_candidate(moment) {
            self.findings.judge();
        }
        for event in self.watch.observe(moment, cast) {
            self.findings.broken(Evidence {
                sentence: event.told(),
                from_ns: event.t_ns,
                until_ns: event.t_ns,
                users: users([cast.name(event.user)]),
                events: vec![event.n],
            });
        }
    }

    fn finish(self: Box<Self>, _: RunEnd, _: &Cast) -> CheckVerdict {
        self.presents.verdict(self.findings, "events", "nothing of this kind was seen, neither right nor wrong")
    }
}

/// How often something must be seen.
#[derive(Clone, Copy)]
pub(super) struct Often<'a> {
    /// So many times in one group.
    pub times: u64,
    /// With another value of this capture each time.
    pub different: Option<&'a str>,
}

pub(super) struct Sometimes {
    presents: Presents,
    watch: Watch,
    by: Vec<String>,
    times: usize,
    different: Option<String>,
    /// What was seen in each group: another value each time, or empty ones.
    seen: Recent<Vec<Name>>,
    findings: Findings,
}

impl Sometimes {
    pub fn new(
        presents: Presents,
        what: &EventPattern,
        during: Option<&Span>,
        often: Often<'_>,
        by: &[String],
    ) -> Sometimes {
        let mut watch = Watch::new(what, during, by);
        watch.what = watch.what.keeping(often.different);
        Sometimes {
            presents,
            watch,
            by: by.to_vec(),
            times: usize::try_from(often.times).unwrap_or(usize::MAX),
            different: often.different.map(str::to_owned),
            seen: Recent::default(),
            findings: Findings::default(),
        }
    }

    fn count(&mut self, event: &Match) {
        let Some(group) = event.group(&self.by) else { return };
        let value = match &self.different {
            Some(different) => event.get(different).cloned(),
            None => Some(Name::default()),
        };
        let Some(value) = value else { return };
        if self.seen.get_mut(&group).is_none() {
            self.seen.insert(&group, Vec::new());
        }
        let Some(values) = self.seen.get_mut(&group) else { return };
        let is_new = self.different.is_none() || !values.contains(&value);
        if is_new && values.len() < self.times {
            values.push(value);
            if values.len() == self.times {
                self.findings.judge();
            }
        }
    }
}

impl Check for Sometimes {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        for event in self.watch.observe(moment, cast) {
            self.count(&event);
        }
    }

    fn finish(self: Box<Self>, _: RunEnd, _: &Cast) -> CheckVerdict {
        self.presents.verdict(self.findings, "sightings", "it was not seen")
    }
}
