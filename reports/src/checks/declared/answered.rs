//! `answered`: what is asked is answered within the bound, or before the run ends where there is none. What the run's end
//! cuts short, and what an event makes needless, is not judged.

use super::super::cast::Cast;
use super::super::findings::{Findings, seconds, users};
use super::super::moment::Moment;
use super::super::{Check, RunEnd};
use super::Presents;
use super::pattern::{Match, Matcher};
use super::spans::take;
use crate::verdict::{CheckVerdict, Evidence};
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::plan::EventPattern;
use std::collections::{BTreeMap, VecDeque};

pub(super) struct Answered {
    presents: Presents,
    from: Matcher,
    to: Vec<Matcher>,
    unless: Vec<Matcher>,
    by: Vec<String>,
    within_ns: Option<i64>,
    /// What waits for its answer, by group, oldest first.
    open: BTreeMap<String, Vec<Match>>,
    /// Everything that was asked, oldest first: time, group and event. What is no longer open is passed over.
    asked: VecDeque<(i64, String, u64)>,
    findings: Findings,
}

impl Answered {
    pub fn new(
        presents: Presents,
        (from, to, unless): (&EventPattern, &[EventPattern], &[EventPattern]),
        within_ns: Option<Nanos>,
        by: &[String],
    ) -> Answered {
        Answered {
            presents,
            from: Matcher::new(from, by),
            to: Matcher::all(to, by),
            unless: Matcher::all(unless, by),
            by: by.to_vec(),
            within_ns: within_ns.map(|within_ns| i64::try_from(within_ns).unwrap_or(i64::MAX)),
            open: BTreeMap::new(),
            asked: VecDeque::new(),
            findings: Findings::default(),
        }
    }

    /// What should have been answered before now.
    fn overdue(&mut self, within_ns: i64, now_ns: i64, cast: &Cast) {
        while let Some((asked_ns, _, _)) = self.asked.front()
            && now_ns.saturating_sub(*asked_ns) > within_ns
        {
            let Some((_, group, n)) = self.asked.pop_front() else { return };
            let Some(open) = self.open.get_mut(&group) else { continue };
            let Some(index) = open.iter().position(|it| it.n == n) else { continue };
            let late = open.remove(index);
            if open.is_empty() {
                self.open.remove(&group);
            }
            let sentence = format!("{}, and nothing answered within {}", late.told(), seconds(within_ns));
            self.broken(&late, late.t_ns.saturating_add(within_ns), sentence, cast);
        }
    }

    fn broken(&mut self, late: &Match, until_ns: i64, sentence: String, cast: &Cast) {
        self.findings.judge();
        let users = users([cast.name(late.user)]);
        self.findings.broken(Evidence { sentence, from_ns: late.t_ns, until_ns, users, events: vec![late.n] });
    }
}

impl Check for Answered {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        if let Some(within_ns) = self.within_ns {
            self.overdue(within_ns, moment.event.t_ns, cast);
        }
        for needless in self.unless.iter().flat_map(|it| it.matches(moment, cast)).collect::<Vec<_>>() {
            take(&mut self.open, needless.group(&self.by), &needless);
        }
        for answer in self.to.iter().flat_map(|it| it.matches(moment, cast)).collect::<Vec<_>>() {
            let answered = take(&mut self.open, answer.group(&self.by), &answer);
            answered.iter().for_each(|_| self.findings.judge());
        }
        for asked in self.from.matches(moment, cast) {
            let Some(group) = asked.group(&self.by) else { continue };
            if self.within_ns.is_some() {
                self.asked.push_back((asked.t_ns, group.clone(), asked.n));
            }
            self.open.entry(group).or_default().push(asked);
        }
    }

    fn finish(mut self: Box<Self>, end: RunEnd, cast: &Cast) -> CheckVerdict {
        if let Some(within_ns) = self.within_ns {
            self.overdue(within_ns, end.t_ns, cast);
        } else {
            for late in std::mem::take(&mut self.open).into_values().flatten() {
                if end.complete {
                    let sentence = format!("{}, and nothing answered before the run ended", late.told());
                    self.broken(&late, end.t_ns, sentence, cast);
                } else {
                    self.findings
                        .doubt(|| format!("{}, and the run was cut off before it could be answered", late.told()));
                }
            }
        }
        self.presents.verdict(self.findings, "questions", "nothing was asked that had the time to be answered")
    }
}
