//! Reads events as a stream: a file that was cut off gives its readable events and says so at the end; rubbish and edits
//! are told with their line. Neighbours: `writer`, `judge_record`.

use super::RecordError;
use super::told::in_words;
use crate::event::Event;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use xxhash_rust::xxh3::Xxh3;
use zstd::stream::read::Decoder;

/// No event is longer; a longer line is rubbish and must not fill the memory.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// How a file of events ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileEnd {
    /// It was finished by its writer: nothing is missing.
    Finished,
    /// It was cut off: the run was killed, or the file was not copied whole.
    Truncated,
}

/// Reads `events.jsonl.zst`: an iterator over its events.
pub struct EventReader<R: Read> {
    lines: BufReader<Decoder<'static, BufReader<R>>>,
    line: Vec<u8>,
    number: u64,
    hash: Xxh3,
    end: Option<FileEnd>,
}

impl<R: Read> EventReader<R> {
    /// A reader over a file.
    pub fn new(file: R) -> Result<Self, RecordError> {
        let lines = BufReader::new(Decoder::new(file)?);
        Ok(EventReader { lines, line: Vec::new(), number: 0, hash: Xxh3::new(), end: None })
    }

    /// How the file ended, once the iterator has: `None` before that, and after an error.
    pub fn end(&self) -> Option<FileEnd> {
        self.end
    }

    /// The hash of the lines that were read.
    pub fn hash(&self) -> String {
        in_words(self.hash.digest())
    }

    fn read_event(&mut self) -> Result<Option<Event>, RecordError> {
        self.line.clear();
        let read = (&mut self.lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line);
        match read {
            Ok(0) => Ok(self.ended(FileEnd::Finished)),
            Ok(_) if self.line.last() == Some(&b'\n') => self.parse().map(Some),
            Ok(length) if length as u64 == LINE_BYTES_MAX => Err(self.bad("is longer than any event".to_owned())),
            Ok(_) => Ok(self.ended(FileEnd::Truncated)),
            // A zstd stream that ends in the middle of a frame.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(self.ended(FileEnd::Truncated)),
            Err(error) => {
                let why = format!("after line {}: {error}", self.number);
                Err(RecordError::Unreadable { file: "events", why })
            }
        }
    }

    fn parse(&mut self) -> Result<Event, RecordError> {
        self.hash.update(&self.line);
        let expected = self.number;
        self.number += 1;
        let event: Event =
            serde_json::from_slice(&self.line).map_err(|error| self.bad(format!("is no event: {error}")))?;
        if event.n != expected {
            return Err(self.bad(format!("has event number {} where {expected} belongs", event.n)));
        }
        Ok(event)
    }

    fn bad(&self, why: String) -> RecordError {
        RecordError::BadLine { line: self.number.max(1), why }
    }

    fn ended(&mut self, end: FileEnd) -> Option<Event> {
        self.end = Some(end);
        None
    }
}

impl<R: Read> Iterator for EventReader<R> {
    type Item = Result<Event, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.end.is_some() {
            return None;
        }
        self.read_event().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::super::EventWriter;
    use super::*;
    use crate::event::{Body, Kind};

    fn event(n: u64) -> Event {
        Event {
            n,
            t_ns: n as i64 * 1_000,
            process: 0,
            user: "clients-0".into(),
            conn: 1,
            kind: Kind::Received,
            op: "".into(),
            op_id: None,
            planned_ns: None,
            said: Default::default(),
            content: Default::default(),
            body: Body::Message {
                kind: "peer_message".into(),
                from: "a".into(),
                to: "b".into(),
                digest: u64::MAX - n,
                bytes: 17,
                job: None,
            },
        }
    }

    fn file(count: u64) -> Vec<u8> {
        let mut writer = EventWriter::new(Vec::new()).unwrap();
        (0..count).for_each(|n| writer.write(&event(n)).unwrap());
        writer.finish().unwrap()
    }

    fn compressed(text: &str) -> Vec<u8> {
        zstd::encode_all(text.as_bytes(), 1).unwrap()
    }

    fn first_error(file: &[u8]) -> String {
        EventReader::new(file).and_then(|reader| reader.collect::<Result<Vec<_>, _>>()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let file = file(1_000);
        let mut reader = EventReader::new(&file[..]).unwrap();
        let events: Vec<Event> = reader.by_ref().map(Result::unwrap).collect();
        assert_eq!(events, (0..1_000).map(event).collect::<Vec<_>>());
        assert_eq!(reader.end(), Some(FileEnd::Finished));
    }

    #[test]
    fn the_same_events_give_the_same_bytes() {
        assert_eq!(file(500), file(500));
    }

    #[test]
    fn a_killed_run_is_readable_up_to_its_last_flush() {
        let mut writer = EventWriter::new(Vec::new()).unwrap();
        (0..300).for_each(|n| writer.write(&event(n)).unwrap());
        writer.flush().unwrap();
        let flushed = writer.get_ref().clone();
        (300..600).for_each(|n| writer.write(&event(n)).unwrap());
        drop(writer);
        let mut reader = EventReader::new(&flushed[..]).unwrap();
        assert_eq!(reader.by_ref().filter(Result::is_ok).count(), 300);
        assert_eq!(reader.end(), Some(FileEnd::Truncated));
    }

    #[test]
    fn a_file_cut_off_anywhere_gives_its_readable_events() {
        let file = file(5_000);
        for cut in [0, 1, 4, 9, file.len() / 3, file.len() - 1] {
            let mut reader = EventReader::new(&file[..cut]).unwrap();
            let events: Vec<Event> = reader.by_ref().map(Result::unwrap).collect();
            assert!(events.iter().zip(0..).all(|(read, n)| *read == event(n)));
            assert_eq!(reader.end(), Some(FileEnd::Truncated), "cut at {cut}");
        }
    }

    #[test]
    fn rubbish_is_told_with_its_line() {
        let good = serde_json::to_string(&event(0)).unwrap();
        let error = first_error(&compressed(&format!("{good}\n{{\"n\": what}}\n")));
        assert!(error.starts_with("line 2 of the events is no event: "), "{error}");
    }

    #[test]
    fn a_removed_line_is_noticed() {
        let lines = [0, 1, 3].map(|n| serde_json::to_string(&event(n)).unwrap() + "\n");
        let error = first_error(&compressed(&lines.concat()));
        assert!(error.starts_with("line 3 of the events has event number 3 where 2 belongs"), "{error}");
    }

    #[test]
    fn something_that_is_not_compressed_is_told() {
        let error = first_error(b"{\"n\":0,\"t_ns\":0,\"user\":\"a\",\"kind\":\"ok\"}\n");
        assert!(error.starts_with("the events cannot be read: "), "{error}");
    }
}
