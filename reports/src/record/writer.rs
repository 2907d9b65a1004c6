//! Writes events: one JSON object a line, zstd around it. Each flush ends a block, so that a run that is killed leaves a file
//! that is readable up to there. The same events, flushed at the same places, give the same bytes.

use super::line::write_line;
use super::told::in_words;
use crate::event::Event;
use std::io::{self, Write};
use xxhash_rust::xxh3::Xxh3;
use zstd::stream::write::Encoder;

/// Compression must keep up beside a live load: this fast level still makes events 8 to 13 times smaller (level 1 does 13
/// to 20 times), and a generator core spends a tenth less on each operation.
const LEVEL: i32 = -3;

/// Lines are compressed so many bytes at a time: the compressor costs something each time it is called.
const BATCH_BYTES: usize = 64 << 10;

/// Writes `events.jsonl.zst`.
pub struct EventWriter<W: Write> {
    encoder: Encoder<'static, W>,
    /// Not compressed yet.
    lines: Vec<u8>,
    /// Of the lines that are.
    hash: Xxh3,
}

impl<W: Write> EventWriter<W> {
    /// A writer over an empty file.
    pub fn new(out: W) -> io::Result<Self> {
        Ok(EventWriter {
            encoder: Encoder::new(out, LEVEL)?,
            lines: Vec::with_capacity(BATCH_BYTES),
            hash: Xxh3::new(),
        })
    }

    /// Writes an event.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        write_line(&mut self.lines, event)?;
        if self.lines.len() >= BATCH_BYTES { self.compress() } else { Ok(()) }
    }

    fn compress(&mut self) -> io::Result<()> {
        self.hash.update(&self.lines);
        self.encoder.write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
    }

    /// Makes everything written so far readable by others.
    pub fn flush(&mut self) -> io::Result<()> {
        self.compress()?;
        self.encoder.flush()
    }

    /// What is written to.
    pub fn get_ref(&self) -> &W {
        self.encoder.get_ref()
    }

    /// The hash of all lines so far, which a reader of the whole file finds again.
    pub fn hash(&self) -> String {
        let mut hash = self.hash.clone();
        hash.update(&self.lines);
        in_words(hash.digest())
    }

    /// Ends the file: its reader can tell that nothing is missing.
    pub fn finish(mut self) -> io::Result<W> {
        self.compress()?;
        let mut out = self.encoder.finish()?;
        out.flush()?;
        Ok(out)
    }
}
