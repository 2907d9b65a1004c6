//! Judging a record again: the checks of its plan over its events, as if the run were going on. Neighbours: `reader`, and the
//! judge and the numbers that a live run folds.

use super::{EventReader, FileEnd, RecordError, Told};
use crate::checks::RunEnd;
use crate::event::Event;
use crate::judge::Judge;
use crate::numbers::seconds::Interval;
use crate::numbers::{Numbers, Totals};
use crate::verdict::CheckVerdict;
use rehearsal_scenarios::plan::Plan;
use std::io::Read;

/// What an old record says.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// By check.
    pub verdicts: Vec<CheckVerdict>,
    /// Latency and errors.
    pub totals: Totals,
    /// How many events were read.
    pub events: u64,
    /// Whether the file was whole.
    pub file: FileEnd,
    /// How many events the run wrote, where that is another number: the record was edited.
    pub written: Option<u64>,
    /// Whether there are as many events as the run wrote, but others.
    pub edited: bool,
    /// Plan time of the last event; incomplete if the file was cut off.
    pub end: RunEnd,
}

/// Judges the events of a record by the checks and thresholds of its plan (the header's scenario, seed and world give it), and by
/// what its run told.
pub fn judge_record<R: Read>(plan: &Plan, mut events: EventReader<R>, told: &Told) -> Result<Judged, RecordError> {
    let mut folding = Folding::new(plan);
    for event in events.by_ref() {
        folding.observe(&event?);
    }
    let end = events.end().unwrap_or(FileEnd::Truncated);
    let (judged, _) = folding.finish(plan, end, told);
    let is_as_many = end == FileEnd::Finished && judged.written.is_none();
    let edited = is_as_many && told.events_hash.as_ref().is_some_and(|hash| *hash != events.hash());
    Ok(Judged { edited, ..judged })
}

/// Checks and numbers over events that come from anywhere.
pub struct Folding {
    judge: Judge,
    numbers: Numbers,
    events: u64,
    t_ns: i64,
}

impl Folding {
    /// By the checks and thresholds of this plan.
    pub fn new(plan: &Plan) -> Folding {
        Folding { judge: Judge::new(plan), numbers: Numbers::new(plan), events: 0, t_ns: 0 }
    }

    /// Takes the next event into account.
    pub fn observe(&mut self, event: &Event) {
        self.judge.observe(event);
        self.numbers.observe(event);
        self.events += 1;
        self.t_ns = event.t_ns;
    }

    /// Histograms of the seconds that ended since the last call; live only.
    pub fn drain_intervals(&mut self) -> Vec<Interval> {
        self.numbers.drain_intervals()
    }

    /// What comes of it, and the intervals that were not drained before.
    pub fn finish(self, plan: &Plan, file: FileEnd, told: &Told) -> (Judged, Vec<Interval>) {
        let Folding { judge, numbers, events, t_ns } = self;
        let written = told.events.filter(|written| file == FileEnd::Finished && *written != events);
        let end = RunEnd { t_ns, complete: told.complete && file == FileEnd::Finished && written.is_none() };
        let (totals, intervals) = numbers.finish(plan, end);
        (Judged { verdicts: judge.finish(end), totals, events, file, written, edited: false, end }, intervals)
    }
}

#[cfg(test)]
mod tests {
    use super::super::EventWriter;
    use super::*;
    use crate::checks::history_for_tests::History;
    use crate::checks::plan_for_tests::plan;
    use rehearsal_scenarios::plan::World;

    fn two_jobs_at_once() -> Vec<u8> {
        let mut history = History::new();
        history.at(-1.0).made("run", "create_room", "room", "r");
        history.at(0.0).joins("workers-0", 1, "r").joins("clients-0", 1, "r");
        history.at(1.0).begins("workers-0", "clients-0-j1", "clients-0");
        history.at(2.0).begins("workers-0", "clients-0-j2", "clients-0");
        history.at(3.0).ends("workers-0", "clients-0-j1", "clients-0");
        history.at(4.0).ends("workers-0", "clients-0-j2", "clients-0");
        history.at(5.0).made("run", "delete_room", "room", "r");
        let mut writer = EventWriter::new(Vec::new()).unwrap();
        for event in &history.events {
            writer.write(event).unwrap();
            writer.flush().unwrap();
        }
        writer.finish().unwrap()
    }

    /// The file without its last events, and how many it had with them.
    fn packed_without(last: usize, file: &[u8]) -> (Vec<u8>, u64) {
        let all: Vec<_> = EventReader::new(file).unwrap().map(Result::unwrap).collect();
        let mut writer = EventWriter::new(Vec::new()).unwrap();
        all[..all.len() - last].iter().for_each(|event| writer.write(event).unwrap());
        (writer.finish().unwrap(), all.len() as u64)
    }

    fn words(judged: &Judged) -> Vec<(&str, &str)> {
        judged.verdicts.iter().map(|verdict| (verdict.name.as_str(), verdict.verdict.word())).collect()
    }

    fn judge(file: &[u8]) -> Judged {
        judge_record(&plan(World::Simulated), EventReader::new(file).unwrap(), &Told::default()).unwrap()
    }

    #[test]
    fn an_old_record_is_judged_as_its_run_was() {
        let judged = judge(&two_jobs_at_once());
        assert_eq!(judged.file, FileEnd::Finished);
        assert!(words(&judged).contains(&("worker_runs_one_job_at_a_time", "broken")));
        assert!(words(&judged).contains(&("nothing_is_left_behind", "holds")));
        assert_eq!(judged.verdicts.len(), crate::checks::NAMES.len() - crate::checks::ON_REQUEST.len());
        assert_eq!((judged.end.t_ns, judged.totals.succeeded), (5_000_000_000, 4));
    }

    #[test]
    fn a_record_that_was_cut_off_keeps_its_violations_and_leaves_the_end_open() {
        let file = two_jobs_at_once();
        let judged = judge(&file[..file.len() * 9 / 10]);
        assert_eq!(judged.file, FileEnd::Truncated);
        assert!(words(&judged).contains(&("worker_runs_one_job_at_a_time", "broken")));
        assert!(words(&judged).contains(&("nothing_is_left_behind", "unknown")));
    }

    #[test]
    fn a_record_that_was_packed_again_without_its_last_events_has_no_end() {
        let file = two_jobs_at_once();
        let (cut, written) = packed_without(3, &file);
        let judge = |file: &[u8], written| {
            let told = Told { events: Some(written), ..Told::default() };
            judge_record(&plan(World::Simulated), EventReader::new(file).unwrap(), &told).unwrap()
        };
        assert_eq!((judge(&file, written).written, judge(&cut, written).written), (None, Some(written)));
        assert!(judge(&file, written).end.complete && !judge(&cut, written).end.complete);
        assert!(words(&judge(&cut, written)).contains(&("nothing_is_left_behind", "unknown")));
    }

    #[test]
    fn what_was_open_when_a_run_was_broken_off_stays_open() {
        // Its room was not deleted any more.
        let (file, _) = packed_without(2, &two_jobs_at_once());
        for (complete, left) in [(true, "broken"), (false, "unknown")] {
            let told = Told { complete, ..Told::default() };
            let judged = judge_record(&plan(World::Simulated), EventReader::new(&file[..]).unwrap(), &told).unwrap();
            assert!(words(&judged).contains(&("worker_runs_one_job_at_a_time", "broken")));
            assert!(words(&judged).contains(&("nothing_is_left_behind", left)), "{:?}", words(&judged));
        }
    }

    #[test]
    fn an_edited_event_is_noticed_and_a_file_that_was_only_packed_again_is_not() {
        let file = two_jobs_at_once();
        let mut events: Vec<_> = EventReader::new(&file[..]).unwrap().map(Result::unwrap).collect();
        let pack = |events: &[Event]| {
            let mut writer = EventWriter::new(Vec::new()).unwrap();
            events.iter().for_each(|event| writer.write(event).unwrap());
            let told = Told::new(events.len() as u64, writer.hash(), b"", true);
            (writer.finish().unwrap(), told)
        };
        let (packed, told) = pack(&events);
        events[3].t_ns += 1;
        let (edited, _) = pack(&events);
        let judge =
            |file: &[u8]| judge_record(&plan(World::Simulated), EventReader::new(file).unwrap(), &told).unwrap().edited;
        assert!(packed != file, "flushed at other places");
        assert_eq!([judge(&packed), judge(&file), judge(&edited)], [false, false, true]);
        assert!(!judge(&file[..file.len() - 9]), "what is cut off is told as that");
    }

    #[test]
    fn judging_twice_says_the_same() {
        let file = two_jobs_at_once();
        assert_eq!(judge(&file), judge(&file));
    }

    #[test]
    fn a_check_that_the_file_names_and_nothing_exercised_is_unknown() {
        let mut plan = plan(World::Simulated);
        plan.checks.named = vec!["reservation_always_ends".into()];
        plan.checks.skipped.insert("departed_peers_disappear".into(), "nobody departs".into());
        let file = two_jobs_at_once();
        let judged = judge_record(&plan, EventReader::new(&file[..]).unwrap(), &Told::default()).unwrap();
        assert!(words(&judged).contains(&("reservation_always_ends", "unknown")));
        assert!(words(&judged).iter().all(|(name, _)| *name != "departed_peers_disappear"));
    }
}
