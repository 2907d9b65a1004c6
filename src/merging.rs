//! Makes one record of the records of segments: their events in one order, judged by the whole plan, with the numbers of all.
//! Used by `merge` and by runs of several processes. Neighbours: `reports::record::merging` orders events, `clocks` says what
//! their order is worth; `loadgen::live::files` writes. Left out: where the records come from.

use crate::exit::Failure;
use crate::rejudge;
use crate::source::Source;
use rehearsal_loadgen::live::files::{self, Files};
use rehearsal_loadgen::live::{record_dir, utc};
use rehearsal_reports::judge::overall;
use rehearsal_reports::outcome::{CheckSummary, Generator, Outcome, Seeds, Validity};
use rehearsal_reports::record::{EventReader, FileEnd, Folding, Header, MergedPart, Merging, SharedClock, Told};
use rehearsal_reports::story::story;
use rehearsal_reports::verdict::Verdict;
use rehearsal_scenarios::plan::{Plan, Segment};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A record of a segment.
pub struct Part {
    /// Its folder.
    pub folder: PathBuf,
    /// Which part of the plan it is of.
    pub segment: Segment,
    header: Header,
    outcome: Option<Outcome>,
    complete: bool,
    clock_offset_ns: Option<i64>,
}

impl Part {
    /// Reads what is known of it besides its events.
    pub fn read(folder: &Path) -> Result<Part, Failure> {
        let header = rejudge::header(folder)?;
        let Some(segment) = header.segment else {
            return Err(Failure::usage(
                format!("{} is the record of a whole plan", folder.display()),
                "records of segments are merged: those that `rehearsal load … --segment 1/4` leaves",
            ));
        };
        // A run that was killed said nothing, and what cannot be read is not needed.
        let said = rejudge::verdict(folder).ok().flatten();
        let complete = said.as_ref().is_none_or(|said| said.told.complete);
        let outcome = said.map(|said| said.outcome);
        Ok(Part { folder: folder.to_owned(), segment, header, outcome, complete, clock_offset_ns: None })
    }

    /// The same, with what its process found out about its clock in the end.
    pub fn on(mut self, clock: Option<SharedClock>, offset_ns: Option<i64>) -> Part {
        self.header.clock = clock.or(self.header.clock);
        self.clock_offset_ns = offset_ns;
        self
    }

    fn describe(&self) -> MergedPart {
        MergedPart {
            segment: self.segment,
            targets: self.header.targets.clone(),
            clock: self.header.clock.clone(),
            clock_offset_ns: self.clock_offset_ns,
            machine: self.header.machine.clone(),
        }
    }

    fn events(&self) -> Result<EventReader<File>, Failure> {
        rejudge::events(&self.folder)
    }
}

/// Refuses records that are not the segments of one run. All of them must be there.
pub fn check_together(parts: &[Part]) -> Result<(), Failure> {
    let Some(first) = parts.first() else {
        return Err(Failure::usage("no record is named", "name the records of all segments"));
    };
    for part in &parts[1..] {
        let (one, other) = (&first.header, &part.header);
        let differs = [
            ("another scenario", one.scenario != other.scenario || one.text != other.text),
            ("other parameters", one.parameters != other.parameters),
            ("another seed", one.seed != other.seed),
            ("another version of the program", one.versions != other.versions || one.lock_hash != other.lock_hash),
            ("a split into another number of segments", first.segment.of != part.segment.of),
        ];
        if let Some((what, _)) = differs.iter().find(|(_, differs)| *differs) {
            let message = format!("{} has {what} than {}", part.folder.display(), first.folder.display());
            return Err(Failure::usage(message, "the segments of one plan are merged"));
        }
    }
    let mut there = BTreeSet::new();
    if let Some(twice) = parts.iter().find(|part| !there.insert(part.segment.nth)) {
        return Err(Failure::usage(format!("segment {} is named twice", twice.segment), "name each record once"));
    }
    let missing: Vec<String> = Segment::all(first.segment.of)
        .filter(|segment| !there.contains(&segment.nth))
        .map(|segment| segment.to_string())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(
        format!("segments are missing: {}", missing.join(", ")),
        "a part of a plan is not the plan: `rehearsal check RECORD` judges a segment by itself",
    ))
}

/// Merges parts into this folder. `lost` says why further ones are missing, which makes the outcome invalid.
pub fn merge(parts: &[Part], folder: &Path, arguments: Vec<String>, lost: Vec<String>) -> Result<Outcome, Failure> {
    let unwritable = |error: std::io::Error| {
        Failure::usage(format!("cannot write {}: {error}", folder.display()), "check the folder and its permissions")
    };
    let Some(first) = parts.first() else { return Err(Failure::usage("no record is there to be merged", "")) };
    let source = Source::of_record(&first.header, first.folder.join(files::HEADER).display().to_string());
    let plan = source.scenario(None)?.plan(first.header.seed, first.header.world);
    let header = header(parts, arguments);
    let mut merged = Files::create(folder, header.clone()).map_err(unwritable)?;
    if let Some(started) = header.started_unix_s {
        merged.begin(started, &[]);
    }
    let mut events = merging(parts)?;
    let mut folding = Folding::new(&plan);
    for event in events.by_ref() {
        let event = event.map_err(|error| rejudge::unreadable(&error))?;
        folding.observe(&event);
        merged.write(&event);
        merged.latencies(&folding.drain_intervals());
    }
    let end = if lost.is_empty() { events.end() } else { FileEnd::Truncated };
    let told = Told { complete: parts.iter().all(|part| part.complete), ..Told::default() };
    let (mut judged, intervals) = folding.finish(&plan, end, &told);
    merged.latencies(&intervals);
    let (told, error) = merged.finish(judged.events, judged.end.complete);
    if let Some(error) = error {
        return Err(unwritable(std::io::Error::other(error)));
    }
    std::fs::write(folder.join(files::SAMPLES), samples(parts)).map_err(unwritable)?;
    judged.verdicts = rejudge::doubt(folder, &plan, &header.merged, judged.verdicts)?;
    let outcome = outcome(&plan, parts, &header, judged, lost, folder);
    files::write_verdict(folder, &outcome, told).map_err(unwritable)?;
    Ok(outcome)
}

fn merging(parts: &[Part]) -> Result<Merging<File>, Failure> {
    let readers = parts.iter().map(|part| Ok((part.segment.nth, part.events()?)));
    let readers = readers.collect::<Result<Vec<_>, Failure>>()?;
    Merging::new(readers).map_err(|error| rejudge::unreadable(&error))
}

fn header(parts: &[Part], arguments: Vec<String>) -> Header {
    let first = parts[0].header.clone();
    let mut targets: Vec<String> = Vec::new();
    for target in parts.iter().flat_map(|part| &part.header.targets) {
        if !targets.contains(target) {
            targets.push(target.clone());
        }
    }
    let started = parts.iter().filter_map(|part| part.header.started_unix_s).min_by(f64::total_cmp);
    Header {
        targets,
        arguments,
        started_unix_s: started,
        segment: None,
        clock: None,
        merged: parts.iter().map(Part::describe).collect(),
        ..first
    }
}

/// Lines of all, by time, each with who wrote it.
fn samples(parts: &[Part]) -> String {
    let mut lines = Vec::new();
    for part in parts {
        let text = std::fs::read_to_string(part.folder.join(files::SAMPLES)).unwrap_or_default();
        // The last line of a killed run may be cut off.
        for mut sample in text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
            sample["process"] = part.segment.nth.into();
            lines.push((sample["t_ns"].as_i64().unwrap_or(0), sample));
        }
    }
    lines.sort_by_key(|(t_ns, _)| *t_ns);
    lines.into_iter().map(|(_, sample)| format!("{sample}\n")).collect()
}

fn outcome(
    plan: &Plan,
    parts: &[Part],
    header: &Header,
    judged: rehearsal_reports::record::Judged,
    lost: Vec<String>,
    folder: &Path,
) -> Outcome {
    let (verdict, expected, reasons) = overall(&judged.verdicts, &plan.expect);
    let broken = judged.verdicts.iter().find(|check| matches!(check.verdict, Verdict::Broken { .. })).cloned();
    let mut notes = notes(parts, header);
    if !expected {
        notes.extend(reasons);
    }
    let summary = |check| CheckSummary::of_one_seed(check, plan.seed, &plan.expect);
    Outcome {
        targets: header.targets.clone(),
        seeds: Seeds::of_one(plan.seed, broken.is_some(), 0),
        verdict,
        expected,
        story: broken.and_then(|check| story(&check, &files::read_events(folder, rejudge::STORY_EVENTS_MAX), false)),
        checks: judged.verdicts.into_iter().map(summary).collect(),
        thresholds: judged.totals.thresholds,
        operations: judged.totals.operations,
        seconds: judged.totals.seconds,
        errors: judged.totals.errors,
        generator: Some(generator(parts, lost)),
        record: Some(folder.display().to_string()),
        notes,
        interrupted: parts.iter().filter_map(|part| part.outcome.as_ref()).any(|outcome| outcome.interrupted),
        duration_ns: judged.end.t_ns.max(0),
        ..Outcome::not_played(plan)
    }
}

/// What all say, once; what only some say, with who says it; and how their clocks compare.
fn notes(parts: &[Part], header: &Header) -> Vec<String> {
    let of_part = |part: &Part| part.outcome.as_ref().map_or(Vec::new(), |outcome| outcome.notes.clone());
    let mut notes: Vec<String> = Vec::new();
    let all: Vec<Vec<String>> = parts.iter().map(of_part).collect();
    for (part, own) in parts.iter().zip(&all) {
        for note in own {
            let is_shared = all.iter().all(|other| other.contains(note));
            let note = if is_shared { note.clone() } else { format!("segment {}: {note}", part.segment) };
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        if part.outcome.is_none() {
            notes.push(format!("segment {}: the run did not come to its end", part.segment));
        }
    }
    notes.extend(clocks_in_words(&header.merged));
    notes
}

fn clocks_in_words(parts: &[MergedPart]) -> Option<String> {
    let known: Option<Vec<&SharedClock>> = parts.iter().map(|part| part.clock.as_ref()).collect();
    let Some(known) = known.filter(|known| known.iter().all(|clock| clock.name == known[0].name)) else {
        return Some(
            "the clocks of the segments were never compared, so that no order is claimed between them".to_owned(),
        );
    };
    let bound_ns = known.iter().map(|clock| clock.bound_ns).max().filter(|bound_ns| *bound_ns > 0)?;
    let offsets: Vec<String> = parts
        .iter()
        .filter_map(|part| Some(format!("{} {:+.3} ms", part.segment, part.clock_offset_ns? as f64 / 1e6)))
        .collect();
    Some(format!(
        "clocks were off by {}, known to ±{:.3} ms; what came first is only claimed outside of that",
        offsets.join(", "),
        bound_ns as f64 / 1e6
    ))
}

/// As good as the worst of them; what they used adds up where it does.
fn generator(parts: &[Part], lost: Vec<String>) -> Generator {
    let mut sum = Generator {
        validity: if lost.is_empty() { Validity::Valid } else { Validity::Invalid },
        reasons: lost,
        cpu_cores_max: 0.0,
        rss_bytes_max: 0,
        lag_p99_ns: 0,
        lag_max_ns: 0,
        machine_load: 0.0,
    };
    for part in parts {
        let Some(own) = part.outcome.as_ref().and_then(|outcome| outcome.generator.as_ref()) else {
            sum.validity = Validity::Invalid;
            sum.reasons.push(format!("segment {} left no verdict", part.segment));
            continue;
        };
        sum.validity = match (sum.validity, own.validity) {
            (Validity::Invalid, _) | (_, Validity::Invalid) => Validity::Invalid,
            (Validity::Valid, Validity::Valid) => Validity::Valid,
            _ => Validity::Suspect,
        };
        sum.reasons.extend(own.reasons.iter().map(|reason| format!("segment {}: {reason}", part.segment)));
        sum.cpu_cores_max += own.cpu_cores_max;
        sum.rss_bytes_max += own.rss_bytes_max;
        sum.lag_p99_ns = sum.lag_p99_ns.max(own.lag_p99_ns);
        sum.lag_max_ns = sum.lag_max_ns.max(own.lag_max_ns);
        sum.machine_load = sum.machine_load.max(own.machine_load);
    }
    sum
}

/// A new folder for a merged record.
pub fn create(runs: &Path, parts: &[Part]) -> Result<PathBuf, Failure> {
    let Some(first) = parts.first() else {
        return Err(Failure::usage("no record is named", "name the records of all segments"));
    };
    let started = first.header.started_unix_s.unwrap_or_default().max(0.0);
    let name = format!("{}-merged", utc(Duration::from_secs_f64(started)));
    let created = record_dir::create_below(runs, &first.header.scenario, &name);
    created.map_err(|error| {
        Failure::usage(
            format!("the record cannot be written below {}: {error}", runs.display()),
            "--out DIR names another folder",
        )
    })
}
