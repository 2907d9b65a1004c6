//! The bytes of a scenario file: what is no text is refused here, and byte offsets become lines and columns.
//! Neighbours: `tree` parses the text, `diagnostics` shows excerpts. Left out: files; the caller has read them.

use crate::diagnostics::Fault;
use std::ops::Range;

/// Largest scenario file, in bytes. The largest that people write by hand is a thousand times smaller.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;

/// Longest part of a line that an excerpt shows, in characters.
const EXCERPT_WIDTH_MAX: usize = 110;

/// The text of a scenario file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'s> {
    /// The text; empty if the bytes are none.
    pub text: &'s str,
    /// Where line and column of a fault in bytes that are no text are counted.
    bytes: &'s [u8],
}

/// A source line with the place to underline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// The line, or the part of it around the place.
    pub text: String,
    /// Characters before the place.
    pub skip: usize,
    /// Characters to underline; at least 1.
    pub width: usize,
}

impl<'s> Source<'s> {
    /// The text in these bytes, and what speaks against reading it at all.
    pub fn new(bytes: &'s [u8]) -> (Source<'s>, Option<Fault>) {
        let refused = |fault| (Source { text: "", bytes }, Some(fault));
        if bytes.len() > SOURCE_BYTES_MAX {
            return refused(
                Fault::new(&(0..0), "the file is too large for a scenario")
                    .found(format!("{} bytes", bytes.len()))
                    .expected(format!("at most {SOURCE_BYTES_MAX} bytes"))
                    .hint("is this a scenario file, or did a record or a log end up here?"),
            );
        }
        match std::str::from_utf8(bytes) {
            Err(error) => {
                let at = error.valid_up_to();
                refused(
                    Fault::new(&(at..at + 1), "the file is not text in UTF-8")
                        .found(format!("byte 0x{:02x} at offset {at}", bytes[at]))
                        .expected("UTF-8 text")
                        .hint("save the file as UTF-8; a binary file cannot be a scenario"),
                )
            }
            Ok(text) if text.trim().is_empty() => {
                refused(Fault::new(&(0..0), "the file is empty").expected("`format = 1` and two groups of users").hint(
                    "the smallest scenario is `format = 1`, `[users.workers]` and `[users.clients]`; \
                     everything else has a default",
                ))
            }
            Ok(text) => (Source { text, bytes }, None),
        }
    }

    /// Line and column of a byte offset, both from 1, the column in characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.bytes[..offset.min(self.bytes.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
    }

    /// The line that holds the start of this span; none when the bytes are no text.
    pub fn excerpt(&self, span: &Range<usize>) -> Option<Excerpt> {
        if self.text.is_empty() {
            return None;
        }
        let start = floor_char(self.text, span.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let end = floor_char(self.text, span.end).clamp(start, line_end);
        let before = self.text[line_start..start].chars().count();
        let width = self.text[start..end].chars().count().max(1);
        let first = (before + width.min(EXCERPT_WIDTH_MAX / 2)).saturating_sub(EXCERPT_WIDTH_MAX);
        let text = self.text[line_start..line_end].chars().skip(first).take(EXCERPT_WIDTH_MAX).map(printable).collect();
        let skip = before - first;
        Some(Excerpt { text, skip, width: width.min(EXCERPT_WIDTH_MAX - skip.min(EXCERPT_WIDTH_MAX - 1)) })
    }
}

/// Control characters of a file must not reach a terminal.
pub(crate) fn printable(character: char) -> char {
    match character {
        '\t' | '\r' => ' ',
        control if control.is_control() => '\u{fffd}',
        other => other,
    }
}

fn floor_char(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
