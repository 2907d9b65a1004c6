//! What may be said about the order of events that different processes wrote: it is only known where they lie further apart
//! than their clocks may be off. What is broken between users of different processes must therefore be broken whichever way
//! the clocks err; else it is unknown. What users of one process show stands, since they share a clock.
//!
//! Neighbours: `merging` (puts the events into one order), `judging`.

use super::header::MergedPart;
use super::{FileEnd, Folding, RecordError, Told};
use crate::event::{Event, Name};
use crate::verdict::{CheckVerdict, Evidence, Verdict};
use rehearsal_scenarios::plan::Plan;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

/// How far two processes' clocks may be apart, in nanoseconds; none if nobody knows.
fn apart_ns(one: &MergedPart, other: &MergedPart) -> Option<u64> {
    let (one, other) = (one.clock.as_ref()?, other.clock.as_ref()?);
    (one.name == other.name).then(|| one.bound_ns.saturating_add(other.bound_ns))
}

/// The verdicts over a merged history, without what rests on an order that nobody knows. `again` reads the history from its
/// beginning; it is only asked for where something is broken between processes.
pub fn doubt<I>(
    plan: &Plan,
    parts: &[MergedPart],
    mut verdicts: Vec<CheckVerdict>,
    mut again: impl FnMut() -> Result<I, RecordError>,
) -> Result<Vec<CheckVerdict>, RecordError>
where
    I: Iterator<Item = Result<Event, RecordError>>,
{
    let is_broken = |check: &CheckVerdict| matches!(check.verdict, Verdict::Broken { .. });
    if parts.len() < 2 || !verdicts.iter().any(is_broken) {
        return Ok(verdicts);
    }
    let writers = writers(again()?)?;
    let across: Vec<usize> = (0..verdicts.len()).filter(|index| is_across(&verdicts[*index], &writers)).collect();
    if across.is_empty() {
        return Ok(verdicts);
    }
    let pairs =
        parts.iter().enumerate().flat_map(|(index, one)| parts[index + 1..].iter().map(move |other| (one, other)));
    let widest = pairs.map(|(one, other)| apart_ns(one, other)).try_fold(0, |most, apart| Some(apart?.max(most)));
    let Some(widest) = widest else {
        let why = "the clocks of the processes were never compared, so that nobody knows what came first";
        across.iter().for_each(|index| unsettle(&mut verdicts[*index], why));
        return Ok(verdicts);
    };
    let widest = i64::try_from(widest).unwrap_or(i64::MAX);
    let shifts = parts[1..].iter().flat_map(|part| [-widest, widest].map(|by_ns| (part.segment.nth, by_ns)));
    for (process, by_ns) in shifts.filter(|_| widest > 0) {
        let mut folding = Folding::new(plan);
        for event in Shifted::new(again()?, process, by_ns) {
            folding.observe(&event?);
        }
        let (judged, _) = folding.finish(plan, FileEnd::Finished, &Told::default());
        for &index in &across {
            let name = &verdicts[index].name;
            if !judged.verdicts.iter().any(|check| check.name == *name && is_broken(check)) {
                let why =
                    format!("it is not so if the clocks of the processes were {:.3} ms apart", widest as f64 / 1e6);
                unsettle(&mut verdicts[index], &why);
            }
        }
    }
    Ok(verdicts)
}

/// Which process wrote each user's events.
fn writers(events: impl Iterator<Item = Result<Event, RecordError>>) -> Result<BTreeMap<Name, u32>, RecordError> {
    let mut writers = BTreeMap::new();
    for event in events {
        let event = event?;
        writers.entry(event.user).or_insert(event.process);
    }
    Ok(writers)
}

/// Whether no single violation lies within one process.
fn is_across(check: &CheckVerdict, writers: &BTreeMap<Name, u32>) -> bool {
    let Verdict::Broken { evidence } = &check.verdict else { return false };
    let is_within_one = |evidence: &Evidence| {
        let mut processes = evidence.users.iter().filter_map(|user| writers.get(user));
        let first = processes.next();
        processes.all(|process| Some(process) == first)
    };
    !evidence.iter().any(is_within_one)
}

fn unsettle(check: &mut CheckVerdict, why: &str) {
    if let Verdict::Broken { evidence } = &check.verdict {
        let sentence = evidence.first().map_or("", |evidence| evidence.sentence.as_str());
        check.verdict = Verdict::Unknown { reason: format!("{why}: {sentence}") };
        check.violations = 0;
    }
}

/// A history in which one process's clock is set forward or back.
struct Shifted<I> {
    events: I,
    process: u32,
    by_ns: i64,
    /// Events that another one may still come before, by time; of the same time in the order in which they were written.
    held: BinaryHeap<Reverse<(i64, u64)>>,
    bodies: BTreeMap<u64, Event>,
    ready: VecDeque<Event>,
    next_n: u64,
}

impl<I: Iterator<Item = Result<Event, RecordError>>> Shifted<I> {
    fn new(events: I, process: u32, by_ns: i64) -> Shifted<I> {
        let (held, bodies, ready) = (BinaryHeap::new(), BTreeMap::new(), VecDeque::new());
        Shifted { events, process, by_ns, held, bodies, ready, next_n: 0 }
    }

    fn hold(&mut self, mut event: Event) {
        let read_ns = event.t_ns;
        if event.process == self.process {
            event.t_ns = event.t_ns.saturating_add(self.by_ns);
        }
        self.held.push(Reverse((event.t_ns, event.n)));
        self.bodies.insert(event.n, event);
        // Whatever is read from now on is at most so early.
        self.release(read_ns.saturating_sub(self.by_ns.saturating_abs()));
    }

    fn release(&mut self, before_ns: i64) {
        while let Some(Reverse((t_ns, n))) = self.held.peek().copied()
            && t_ns <= before_ns
        {
            self.held.pop();
            if let Some(mut event) = self.bodies.remove(&n) {
                event.n = self.next_n;
                self.next_n += 1;
                self.ready.push_back(event);
            }
        }
    }
}

impl<I: Iterator<Item = Result<Event, RecordError>>> Iterator for Shifted<I> {
    type Item = Result<Event, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            match self.events.next() {
                Some(Ok(event)) => self.hold(event),
                Some(Err(error)) => return Some(Err(error)),
                None if self.held.is_empty() => return None,
                None => self.release(i64::MAX),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_for_tests::{History, seen};
    use crate::checks::plan_for_tests::plan;
    use crate::record::SharedClock;
    use rehearsal_scenarios::plan::{Segment, World};
    use serde_json::json;

    const STATUS: &str = "acknowledged_status_is_seen";
    const ONE_JOB: &str = "worker_runs_one_job_at_a_time";

    fn parts(bounds_ms: [Option<u64>; 2]) -> Vec<MergedPart> {
        let part = |(nth, bound_ms): (u32, Option<u64>)| MergedPart {
            segment: Segment { nth, of: 2 },
            targets: Vec::new(),
            clock: bound_ms.map(|ms| SharedClock { name: "store".into(), bound_ns: ms * 1_000_000 }),
            clock_offset_ns: None,
            machine: None,
        };
        (1..).zip(bounds_ms).map(part).collect()
    }

    /// A worker says that it is busy; a client asks 5 ms after the acknowledgement, and sees it available. The worker then
    /// runs two jobs at once.
    fn history(processes: [u32; 2]) -> Vec<Event> {
        let status = |status: &str| json!({"properties": {"status": status}});
        let mut history = History::new();
        history.at(0.0).joins_with("workers-0", 1, "room", "worker", status("available"));
        history.at(0.5).joins("clients-0", 1, "room");
        history.at(2.0).says_status("workers-0", 1, "busy");
        history.at(2.005).discovers("clients-0", json!({}), &[seen("workers-0", &status("available"))]);
        history.at(3.0).begins("workers-0", "a", "clients-0").begins("workers-0", "b", "clients-0");
        history.at(4.0).ends("workers-0", "a", "clients-0").ends("workers-0", "b", "clients-0");
        for event in &mut history.events {
            event.process = processes[usize::from(&*event.user == "clients-0")];
        }
        history.events
    }

    fn verdict(check: &str, events: &[Event], parts: &[MergedPart]) -> Verdict {
        let plan = plan(World::Live);
        let mut folding = Folding::new(&plan);
        events.iter().for_each(|event| folding.observe(event));
        let (judged, _) = folding.finish(&plan, FileEnd::Finished, &Told::default());
        let verdicts = doubt(&plan, parts, judged.verdicts, || Ok(events.iter().cloned().map(Ok))).unwrap();
        verdicts.into_iter().find(|verdict| verdict.name == check).unwrap().verdict
    }

    #[test]
    fn order_between_processes_counts_outside_of_the_bound_of_their_clocks_only() {
        let events = history([1, 2]);
        assert_eq!(verdict(STATUS, &events, &parts([Some(2), Some(2)])).word(), "broken");
        let Verdict::Unknown { reason } = verdict(STATUS, &events, &parts([Some(3), Some(3)])) else { panic!() };
        assert!(reason.contains("if the clocks of the processes were 6.000 ms apart: clients-0 saw"), "{reason}");
        assert_eq!(verdict(STATUS, &events, &parts([None, Some(3)])).word(), "unknown");
    }

    #[test]
    fn what_one_process_shows_stands_whatever_the_clocks() {
        assert_eq!(verdict(STATUS, &history([1, 1]), &parts([None, None])).word(), "broken");
        assert_eq!(verdict(ONE_JOB, &history([1, 2]), &parts([Some(9), Some(9)])).word(), "broken");
    }

    #[test]
    fn a_shifted_history_has_the_same_events_in_the_order_of_the_new_times() {
        let events = history([1, 2]);
        for by_ns in [-2_000_000_000, -1, 0, 700_000_000, i64::MAX] {
            let shifted: Vec<Event> =
                Shifted::new(events.iter().cloned().map(Ok), 2, by_ns).map(Result::unwrap).collect();
            assert!(shifted.is_sorted_by_key(|event| event.t_ns), "{by_ns}");
            assert!(shifted.iter().zip(0..).all(|(event, n)| event.n == n));
            assert_eq!(shifted.len(), events.len());
        }
    }
}
