//! Reads a record's folder and judges it again, whatever verdict it holds. Used by `check` and `report`.

use crate::exit::{Exit, Failure};
use crate::output;
use crate::simulated::{REPLAY_HERE, is_pinned};
use crate::source::Source;
use rehearsal_reports::event::Event;
use rehearsal_reports::judge::overall;
use rehearsal_reports::outcome::{CheckSummary, Outcome, Seeds};
use rehearsal_reports::record::judging::{Judged, judge_record};
use rehearsal_reports::record::{EventReader, FileEnd, Header, MergedPart, PLAYBACK, RecordError, VerdictFile, clocks};
use rehearsal_reports::render::words::overall_word;
use rehearsal_reports::story::story;
use rehearsal_reports::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::{Plan, World};
use std::fs::File;
use std::path::Path;

/// Events that are read again for a story; a violation further behind is shown without one.
pub const STORY_EVENTS_MAX: usize = 2_000_000;

/// The outcome of a record, judged again, and its exit code.
pub fn rejudge(folder: &Path) -> Result<(Outcome, Exit), Failure> {
    let header_file = header_file(folder)?;
    let header = Header::from_bytes(&header_file).map_err(|error| unreadable(&error))?;
    let source = Source::of_record(&header, folder.join("header.json").display().to_string());
    let plan = plan_of(&header, &source)?;
    let said = verdict(folder);
    let told = said.as_ref().ok().and_then(|said| Some(said.as_ref()?.told.clone())).unwrap_or_default();
    let mut judged = judge_record(&plan, events(folder)?, &told).map_err(|error| unreadable(&error))?;
    judged.verdicts = doubt(folder, &plan, &header.merged, judged.verdicts)?;
    let edited = edited(told.contradicts_header(&header_file), judged.edited);
    let mut outcome = outcome(folder, &plan, &header, judged, said)?;
    outcome.notes.extend(edited);
    let exit = output::exit_of(&outcome);
    Ok((outcome, exit))
}

/// The events of a record that can be read; of a very long one the first.
pub fn events_of(folder: &Path) -> Result<Vec<Event>, Failure> {
    header(folder)?;
    let events: Result<Vec<Event>, RecordError> = events(folder)?.take(STORY_EVENTS_MAX).collect();
    events.map_err(|error| unreadable(&error))
}

/// The plan of a record, and its outcome, judged again.
pub fn plan_and_outcome(folder: &Path) -> Result<(Plan, Outcome), Failure> {
    let header = header(folder)?;
    let source = Source::of_record(&header, folder.join("header.json").display().to_string());
    let plan = plan_of(&header, &source)?;
    let (outcome, _) = rejudge(folder)?;
    Ok((plan, outcome))
}

/// What the page of a record shows: its outcome, judged again, its events, and the command that plays it again. Of a very
/// long record the first events.
pub fn run_of(folder: &Path) -> Result<(Outcome, Vec<Event>, Option<String>), Failure> {
    let header = header(folder)?;
    let source = Source::of_record(&header, folder.join("header.json").display().to_string());
    let (outcome, _) = rejudge(folder)?;
    let repeat = if is_pinned(&source) { Some(REPLAY_HERE.to_owned()) } else { outcome.repeat.clone() };
    Ok((outcome, events_of(folder)?, repeat))
}

/// What the run itself said at its end. A run that was killed said nothing, and what cannot be read is not needed: the
/// events are judged all the same.
pub type Said = Result<Option<VerdictFile>, RecordError>;

pub fn verdict(folder: &Path) -> Said {
    match std::fs::read(folder.join("verdict.json")) {
        Ok(bytes) => VerdictFile::from_bytes(&bytes).map(Some),
        Err(_) => Ok(None),
    }
}

/// What was played: the plan, or a segment of it.
fn plan_of(header: &Header, source: &Source) -> Result<Plan, Failure> {
    let plan = source.scenario(None)?.plan(header.seed, header.world);
    match header.segment {
        Some(segment) => plan.segment(segment).map_err(|error| Failure::usage(error.to_string(), "")),
        None => Ok(plan),
    }
}

/// The verdicts without what rests on an order of two processes' events that nobody knows.
pub fn doubt(
    folder: &Path,
    plan: &Plan,
    merged: &[MergedPart],
    verdicts: Vec<CheckVerdict>,
) -> Result<Vec<CheckVerdict>, Failure> {
    let again = || EventReader::new(File::open(folder.join("events.jsonl.zst"))?);
    clocks::doubt(plan, merged, verdicts, again).map_err(|error| unreadable(&error))
}

/// The header of a record.
pub fn header(folder: &Path) -> Result<Header, Failure> {
    Header::from_bytes(&header_file(folder)?).map_err(|error| unreadable(&error))
}

fn header_file(folder: &Path) -> Result<Vec<u8>, Failure> {
    let path = folder.join("header.json");
    std::fs::read(&path).map_err(|error| {
        Failure::usage(
            format!("cannot read {}: {error}", path.display()),
            "name a record's folder, such as runs/latest",
        )
    })
}

/// Its events.
pub fn events(folder: &Path) -> Result<EventReader<File>, Failure> {
    let path = folder.join("events.jsonl.zst");
    let file = File::open(&path).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()), "the record's folder lacks its events")
    })?;
    EventReader::new(file).map_err(|error| unreadable(&error))
}

/// A record that cannot be read; the error brings its hint.
pub fn unreadable(error: &RecordError) -> Failure {
    Failure::usage(error.to_string(), "")
}

/// What is not as the run wrote it, though it can be judged.
fn edited(header: bool, events: bool) -> Option<String> {
    let files = match (header, events) {
        (false, false) => return None,
        (true, false) => "header.json is",
        (false, true) => "events.jsonl.zst is",
        (true, true) => "header.json and events.jsonl.zst are",
    };
    Some(format!(
        "the record was edited: {files} not as its run wrote it, and is judged as it is now; to have what was \
         played, play it again"
    ))
}

fn outcome(folder: &Path, plan: &Plan, header: &Header, judged: Judged, said: Said) -> Result<Outcome, Failure> {
    let (verdict, expected, reasons) = overall(&judged.verdicts, &plan.expect);
    let (first, mut notes) = match said {
        Ok(Some(VerdictFile { outcome: mut first, .. })) => {
            let mut notes = std::mem::take(&mut first.notes);
            let otherwise = otherwise(&first, &judged.verdicts);
            if first.verdict != verdict {
                notes.push(format!(
                    "when it was made, the record was judged otherwise: {}",
                    overall_word(first.verdict)
                ));
                notes.extend(reasons);
            } else if !otherwise.is_empty() {
                notes.push(format!("when it was made, the record was judged otherwise: {}", otherwise.join(", ")));
            }
            (first, notes)
        }
        none => {
            let mut notes = if expected { Vec::new() } else { reasons };
            notes.extend(judged.totals.unmatched.note());
            notes.push(match (none, header.world, header.started_unix_s) {
                (Err(error), ..) => {
                    let why = error.to_string();
                    let why = why.lines().next().unwrap_or_default();
                    format!("{why}; the record was judged again from its events alone")
                }
                (Ok(_), World::Live, None) => "the run was killed before time 0: nothing was played".to_owned(),
                (Ok(_), ..) => "the run did not come to its end: it left no verdict".to_owned(),
            });
            (
                Outcome { targets: header.targets.clone(), engine: header.engine.clone(), ..Outcome::not_played(plan) },
                notes,
            )
        }
    };
    if let Some(written) = judged.written {
        notes.push(format!(
            "the record holds {} events, its run wrote {written}: it was edited or cut, and what was open then stays open",
            judged.events
        ));
    }
    if judged.file == FileEnd::Truncated {
        notes.push(format!("the record was cut off after {} events; what was open then stays open", judged.events));
    }
    let broken = judged.verdicts.iter().find(|check| is_broken(check)).cloned();
    let story = match &broken {
        Some(check) => {
            let read: Vec<_> = events(folder)?.take(STORY_EVENTS_MAX).map_while(Result::ok).collect();
            story(check, &read, plan.world == World::Simulated)
        }
        None => None,
    };
    let checks = judged.verdicts.into_iter().map(|check| CheckSummary::of_one_seed(check, header.seed, &plan.expect));
    Ok(Outcome {
        seeds: Seeds::of_one(header.seed, broken.is_some(), first.seeds.hash),
        verdict,
        expected,
        checks: checks.collect(),
        thresholds: judged.totals.thresholds,
        operations: judged.totals.operations,
        seconds: judged.totals.seconds,
        errors: judged.totals.errors,
        story,
        record: Some(folder.display().to_string()),
        page: Some(folder.join(PLAYBACK)).filter(|page| page.exists()).map(|page| page.display().to_string()),
        notes,
        duration_ns: judged.end.t_ns.max(0),
        ..first
    })
}

/// The checks that said something else when the run ended, with what they said.
fn otherwise(first: &Outcome, now: &[CheckVerdict]) -> Vec<String> {
    let was = |check: &CheckVerdict| {
        let was = first.checks.iter().map(|summary| &summary.check).find(|was| was.name == check.name)?;
        let differs = was.verdict.word() != check.verdict.word();
        differs.then(|| format!("{} ({})", check.name, was.verdict.word().replace('_', " ")))
    };
    now.iter().filter_map(was).collect()
}

fn is_broken(check: &CheckVerdict) -> bool {
    matches!(check.verdict, Verdict::Broken { .. })
}
