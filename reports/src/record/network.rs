//! `network.jsonl.zst`: packets, draws and turns of tasks of a simulated seed, one object a line below a line that says what
//! they are of. For people who look into a seed, and for tools of theirs: no check opens it. docs/network-log.md describes
//! it. Neighbours: `sim::netlog` tells, `writer` compresses events alike.

use super::{FORMAT, RecordError};
use crate::event::Name;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use zstd::stream::read::Decoder;
use zstd::stream::write::Encoder;

/// Fast, since a seed tells tens of thousands of turns.
const LEVEL: i32 = 1;

/// After so many lines they are made readable by others: a run that is killed loses no more than these.
const LINES_BETWEEN_FLUSHES: u64 = 4_096;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkHeader {
    /// The version of the record's formats.
    pub format: u32,
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The engine that played it.
    pub engine: String,
}

impl NetworkHeader {
    /// The first line for a seed of a scenario.
    pub fn new(scenario: &str, seed: u64, engine: &str) -> Self {
        NetworkHeader { format: FORMAT, scenario: scenario.to_owned(), seed, engine: engine.to_owned() }
    }
}

/// Something that happened in the simulation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Virtual time since the world was built, in nanoseconds; `time0` says where the plan's time 0 is.
    pub t_ns: u64,
    /// The host concerned; empty for the engine itself.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub host: Name,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum What {
    /// A packet left the host.
    Packet {
        /// For this host.
        to: Name,
        /// `syn`, its `answer`, `data`, `fin`, `reset` or `datagram`.
        says: Name,
        /// What it carries.
        bytes: u64,
        /// When it arrives unless a fault comes between; never if none.
        due_ns: Option<u64>,
    },
    /// A program on the host drew randomness from the machine.
    Draw {
        /// The draw's number on this incarnation of the host, from 1.
        number: u64,
        /// How much.
        bytes: u64,
    },
    /// A task of the host has its turn.
    Task {
        /// Who spawned it.
        origin: Name,
        /// The task's number on this incarnation of the host, from 0.
        task: u64,
        /// How often it had its turn before.
        poll: u64,
    },
    /// The plan's time 0.
    Time0,
}

/// Writes the file.
pub struct NetworkWriter<W: Write> {
    encoder: Encoder<'static, W>,
    line: Vec<u8>,
    lines: u64,
}

impl<W: Write> NetworkWriter<W> {
    /// A writer over an empty file, with its first line.
    ///
    /// # Errors
    /// What writing says.
    pub fn new(out: W, header: &NetworkHeader) -> io::Result<Self> {
        let mut writer = NetworkWriter { encoder: Encoder::new(out, LEVEL)?, line: Vec::with_capacity(256), lines: 0 };
        writer.write_line(header)?;
        writer.encoder.flush()?;
        Ok(writer)
    }

    /// Writes what happened.
    ///
    /// # Errors
    /// What writing says.
    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        self.write_line(entry)?;
        self.lines += 1;
        if self.lines.is_multiple_of(LINES_BETWEEN_FLUSHES) { self.encoder.flush() } else { Ok(()) }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// What writing says.
    pub fn finish(self) -> io::Result<W> {
        let mut out = self.encoder.finish()?;
        out.flush()?;
        Ok(out)
    }

    fn write_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        self.encoder.write_all(&self.line)
    }
}

/// Reads the file: its first line, then what happened, up to the end or to where a killed run was cut off.
pub struct NetworkReader<R: Read> {
    lines: BufReader<Decoder<'static, BufReader<R>>>,
    line: Vec<u8>,
    header: NetworkHeader,
}

impl<R: Read> NetworkReader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// If there is none, or it is of a newer format.
    pub fn new(file: R) -> Result<Self, RecordError> {
        let mut lines = BufReader::new(Decoder::new(file)?);
        let mut line = Vec::new();
        let header: Option<NetworkHeader> = read_line(&mut lines, &mut line)?;
        let header = header.ok_or_else(|| unreadable("it has no first line"))?;
        if header.format > FORMAT {
            return Err(RecordError::Newer { file: FILE, found: header.format.into() });
        }
        Ok(NetworkReader { lines, line, header })
    }

    /// The first line.
    pub fn header(&self) -> &NetworkHeader {
        &self.header
    }
}

impl<R: Read> Iterator for NetworkReader<R> {
    type Item = Result<Entry, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        read_line(&mut self.lines, &mut self.line).transpose()
    }
}

const FILE: &str = "network log";

/// The next line; none at the end, or where the file was cut off.
fn read_line<T: DeserializeOwned>(lines: &mut impl BufRead, line: &mut Vec<u8>) -> Result<Option<T>, RecordError> {
    line.clear();
    match lines.read_until(b'\n', line) {
        Ok(_) if line.last() != Some(&b'\n') => Ok(None),
        Ok(_) => serde_json::from_slice(line).map(Some).map_err(|error| unreadable(&error.to_string())),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(unreadable(&error.to_string())),
    }
}

fn unreadable(why: &str) -> RecordError {
    RecordError::Unreadable { file: FILE, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u64) -> Entry {
        let what = match n % 4 {
            0 => What::Packet { to: "server-0".into(), says: "data".into(), bytes: n, due_ns: (n > 4).then_some(n) },
            1 => What::Draw { number: n, bytes: 16 },
            2 => What::Task { origin: "connection".into(), task: n, poll: 0 },
            _ => What::Time0,
        };
        Entry { t_ns: n * 1_000, host: if n.is_multiple_of(3) { "".into() } else { "clients-0".into() }, what }
    }

    fn written(count: u64) -> NetworkWriter<Vec<u8>> {
        let mut writer = NetworkWriter::new(Vec::new(), &NetworkHeader::new("race", 4, "event")).unwrap();
        (0..count).for_each(|n| writer.write(&entry(n)).unwrap());
        writer
    }

    #[test]
    fn what_was_written_is_read_again() {
        let bytes = written(100).finish().unwrap();
        let mut reader = NetworkReader::new(&bytes[..]).unwrap();
        assert_eq!(reader.header(), &NetworkHeader::new("race", 4, "event"));
        let read: Vec<Entry> = reader.by_ref().map(Result::unwrap).collect();
        assert_eq!(read, (0..100).map(entry).collect::<Vec<_>>());
    }

    #[test]
    fn a_file_of_a_killed_run_is_readable_up_to_its_last_flush() {
        // Nobody finishes it.
        let writer = written(LINES_BETWEEN_FLUSHES + 10);
        let read: Vec<_> = NetworkReader::new(&writer.encoder.get_ref()[..]).unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len() as u64, LINES_BETWEEN_FLUSHES);
        let only_begun = written(0);
        assert_eq!(NetworkReader::new(&only_begun.encoder.get_ref()[..]).unwrap().count(), 0);
    }

    #[test]
    fn a_newer_file_and_rubbish_are_told() {
        let newer = NetworkHeader { format: FORMAT + 1, ..NetworkHeader::new("race", 4, "event") };
        let bytes = NetworkWriter::new(Vec::new(), &newer).unwrap().finish().unwrap();
        let error = NetworkReader::new(&bytes[..]).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("network log has format 2"), "{error}");
        assert!(NetworkReader::new(&b"rubbish"[..]).is_err());
    }
}
