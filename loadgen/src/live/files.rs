//! The files of a record while they are written. What cannot be written is told once and does not stop the run: its checks
//! and numbers go on in memory. Neighbours: `recorder` feeds it; the formats are `reports::record`'s.

use super::samples::Sample;
use rehearsal_reports::event::Event;
use rehearsal_reports::numbers::hlog::LatencyLog;
use rehearsal_reports::numbers::seconds::Interval;
use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::record::{EventReader, EventWriter, Header, Told, VerdictFile};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Names of the files in a record's folder.
pub const HEADER: &str = "header.json";
/// Events, one object a line, compressed.
pub const EVENTS: &str = "events.jsonl.zst";
/// Generator and target, once a second.
pub const SAMPLES: &str = "samples.jsonl";
/// What came of it.
pub const VERDICT: &str = "verdict.json";
/// Latencies by operation and interval.
pub const LATENCY: &str = "latency.hlog";

/// The open files of a record.
pub struct Files {
    folder: PathBuf,
    header: Header,
    events: EventWriter<File>,
    samples: BufWriter<File>,
    latency: Option<LatencyLog<BufWriter<File>>>,
    error: Option<String>,
}

impl Files {
    /// Writes the header and opens the others.
    pub fn create(folder: &Path, header: Header) -> io::Result<Files> {
        std::fs::write(folder.join(HEADER), header.to_bytes())?;
        let events = EventWriter::new(File::create(folder.join(EVENTS))?)?;
        let samples = BufWriter::new(File::create(folder.join(SAMPLES))?);
        Ok(Files { folder: folder.to_owned(), header, events, samples, latency: None, error: None })
    }

    /// Time 0 has come: the header says when, the events so far get their times, and the latency log begins.
    pub fn begin(&mut self, started_unix_s: f64, prepared: &[Event]) {
        self.header.started_unix_s = Some(started_unix_s);
        let header = self.header.to_bytes();
        let written = self.replace(HEADER, |fresh| std::fs::write(fresh, header));
        self.keep_error(written);
        match self.replace(EVENTS, |fresh| write_all(fresh, prepared)) {
            Ok(events) => self.events = events,
            Err(error) => self.keep_error(Err(error)),
        }
        let log = File::create(self.folder.join(LATENCY));
        match log.and_then(|file| LatencyLog::new(BufWriter::new(file), started_unix_s)) {
            Ok(log) => self.latency = Some(log),
            Err(error) => self.keep_error(Err(error)),
        }
    }

    /// Written beside and moved over, so that a kill in between leaves one of the two whole.
    fn replace<T>(&self, name: &str, write: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
        let fresh = self.folder.join(format!(".{name}"));
        let written = write(&fresh)?;
        std::fs::rename(&fresh, self.folder.join(name))?;
        Ok(written)
    }

    /// Adds seconds of operations.
    pub fn latencies(&mut self, intervals: &[Interval]) {
        let Some(log) = &mut self.latency else { return };
        let written = intervals.iter().try_for_each(|interval| log.write(interval)).and_then(|()| log.flush());
        self.keep_error(written);
    }

    /// Adds an event.
    pub fn write(&mut self, event: &Event) {
        if self.error.is_none() {
            let written = self.events.write(event);
            self.keep_error(written);
        }
    }

    /// Adds a sample.
    pub fn sample(&mut self, sample: &Sample) {
        let written = serde_json::to_writer(&mut self.samples, sample).map_err(io::Error::from);
        let written = written.and_then(|()| self.samples.write_all(b"\n"));
        self.keep_error(written);
    }

    /// Makes everything readable by others.
    pub fn flush(&mut self) {
        if self.error.is_none() {
            let flushed = self.events.flush().and_then(|()| self.samples.flush());
            self.keep_error(flushed);
        }
    }

    /// Ends the files of a run that came to its end or not, and was to write so many events. What it has to tell of them,
    /// and why they are not whole.
    pub fn finish(mut self, events: u64, complete: bool) -> (Told, Option<String>) {
        let told = Told::new(events, self.events.hash(), &self.header.to_bytes(), complete);
        let flushed = self.samples.flush();
        self.keep_error(flushed);
        if let Err(error) = self.events.finish() {
            self.error.get_or_insert(error.to_string());
        }
        (told, self.error)
    }

    fn keep_error(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.error.get_or_insert_with(|| error.to_string());
        }
    }
}

/// A new file of events that goes on after these.
fn write_all(path: &Path, events: &[Event]) -> io::Result<EventWriter<File>> {
    let mut writer = EventWriter::new(File::create(path)?)?;
    events.iter().try_for_each(|event| writer.write(event))?;
    writer.flush()?;
    Ok(writer)
}

/// Writes `verdict.json` of a run that tells so of its record.
pub fn write_verdict(folder: &Path, outcome: &Outcome, told: Told) -> io::Result<()> {
    std::fs::write(folder.join(VERDICT), VerdictFile::new(outcome.clone(), told).to_bytes())
}

/// Reads the events of a record again, for the story of a violation; at most `count` of them, and what can be read.
pub fn read_events(folder: &Path, count: usize) -> Vec<Event> {
    let path: PathBuf = folder.join(EVENTS);
    let Ok(file) = File::open(path) else { return Vec::new() };
    let Ok(reader) = EventReader::new(file) else { return Vec::new() };
    reader.map_while(Result::ok).take(count).collect()
}
