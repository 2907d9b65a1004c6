//! `exclusive`: spans of one group never overlap.

use super::super::cast::Cast;
use super::super::findings::{Findings, seconds, users};
use super::super::moment::Moment;
use super::super::{Check, RunEnd};
use super::Presents;
use super::pattern::Match;
use super::spans::Spans;
use crate::verdict::{CheckVerdict, Evidence};
use rehearsal_scenarios::plan::Span;

pub(super) struct Exclusive {
    presents: Presents,
    spans: Spans,
    /// Overlaps of two open spans.
    overlaps: Vec<Overlap>,
    findings: Findings,
}

/// Two spans that are open together: their openings, and where the evidence lies.
struct Overlap {
    first: Match,
    second: Match,
    evidence: usize,
}

impl Exclusive {
    pub fn new(presents: Presents, span: &Span, by: &[String]) -> Exclusive {
        Exclusive { presents, spans: Spans::new(span, by), overlaps: Vec::new(), findings: Findings::default() }
    }

    fn opened(&mut self, second: &Match, first: &Match, cast: &Cast) {
        let evidence = self.findings.broken(Evidence {
            sentence: String::new(),
            from_ns: second.t_ns,
            until_ns: second.t_ns,
            users: users([cast.name(first.user), cast.name(second.user)]),
            events: vec![first.n, second.n],
        });
        if let Some(evidence) = evidence {
            self.overlaps.push(Overlap { first: first.clone(), second: second.clone(), evidence });
        }
    }

    /// Completes the overlaps that end with this span, or all of them.
    fn complete(&mut self, ended: Option<&Match>, until_ns: i64) {
        let ends = |it: &mut Overlap| ended.is_none_or(|ended| [it.first.n, it.second.n].contains(&ended.n));
        for overlap in self.overlaps.extract_if(.., ends) {
            let Overlap { first, second, evidence } = overlap;
            let together = seconds(until_ns.saturating_sub(second.t_ns));
            let evidence = self.findings.evidence_mut(evidence);
            evidence.until_ns = until_ns;
            evidence.sentence = format!("{}, and {}: together for {together}", first.told(), second.told());
        }
    }
}

impl Check for Exclusive {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        let turn = self.spans.observe(moment, cast);
        turn.closed.iter().for_each(|closed| self.complete(Some(closed), moment.event.t_ns));
        if let Some((second, open)) = turn.opened {
            self.findings.judge();
            if let Some(first) = open.first() {
                self.opened(&second, first, cast);
            }
        }
    }

    fn finish(mut self: Box<Self>, end: RunEnd, _: &Cast) -> CheckVerdict {
        self.complete(None, end.t_ns);
        self.presents.verdict(self.findings, "spans", "no such span was opened")
    }
}
