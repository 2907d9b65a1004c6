//! `latency.hlog`: an HdrHistogram interval log with V2 compressed histograms, one line for each operation and second, which
//! the usual viewers of such logs read. Values are nanoseconds; time stamps are seconds since 1970.

use super::seconds::Interval;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use std::io::{self, Write};

/// The unit of a line's readable maximum: milliseconds.
const MAX_DIVISOR: f64 = 1e6;

/// Writes the log.
pub struct LatencyLog<W: Write> {
    out: W,
    started_unix_s: f64,
    serializer: V2DeflateSerializer,
    bytes: Vec<u8>,
}

impl<W: Write> LatencyLog<W> {
    /// Begins the log of a run whose time 0 was at this wall clock, in seconds since 1970.
    pub fn new(mut out: W, started_unix_s: f64) -> io::Result<Self> {
        writeln!(out, "#[Histogram log format version 1.3]")?;
        writeln!(out, "#[StartTime: {started_unix_s:.3} (seconds since epoch)]")?;
        writeln!(out, "#[MaxValueDivisor: {MAX_DIVISOR:.3}]")?;
        writeln!(out, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"")?;
        Ok(LatencyLog { out, started_unix_s, serializer: V2DeflateSerializer::new(), bytes: Vec::new() })
    }

    /// Adds one operation's second.
    pub fn write(&mut self, interval: &Interval) -> io::Result<()> {
        self.bytes.clear();
        self.serializer.serialize(&interval.histogram, &mut self.bytes).map_err(io::Error::other)?;
        writeln!(
            self.out,
            "Tag={},{:.3},1.000,{:.3},{}",
            tag(&interval.operation),
            (self.started_unix_s + interval.second as f64).max(0.0),
            interval.histogram.max() as f64 / MAX_DIVISOR,
            STANDARD.encode(&self.bytes)
        )
    }

    /// Hands what was written on.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Ends the log.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A scenario may name its steps with characters that have a meaning in the log.
fn tag(operation: &str) -> String {
    operation.chars().map(|c| if c == ',' || c.is_whitespace() || c.is_control() { '_' } else { c }).collect()
}
