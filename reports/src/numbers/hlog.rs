//! `latency.hlog`: an HdrHistogram interval log with V2 compressed histograms, which the usual viewers of such logs read. Two
//! lines for each operation and second, tagged `discover.response` (from the planned time) and `discover.service` (from
//! sending). Values are nanoseconds; time stamps are seconds since 1970.

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

    /// Adds one time of one operation's second.
    pub fn write(&mut self, interval: &Interval) -> io::Result<()> {
        self.bytes.clear();
        self.serializer.serialize(&interval.histogram, &mut self.bytes).map_err(io::Error::other)?;
        writeln!(
            self.out,
            "Tag={}.{},{:.3},1.000,{:.3},{}",
            tag(&interval.operation),
            interval.time.name(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::latency;
    use crate::numbers::seconds::Time;
    use std::io::Read;

    /// ZigZag LEB128 as the format describes it: a count as it is, a run of zeros as a negative number.
    fn put(number: i64, into: &mut Vec<u8>) {
        let mut rest = ((number << 1) ^ (number >> 63)) as u64;
        while rest >= 0x80 {
            into.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        into.push(rest as u8);
    }

    #[test]
    fn a_log_is_byte_for_byte_what_the_description_of_the_format_says() {
        let mut histogram = latency::histogram();
        // Values are kept in units of 512 ns, the largest power of two within the shortest one of 1,000.
        histogram.record_n(512_000, 3).unwrap();
        histogram.record(1_024_000).unwrap();
        let interval = Interval { second: 7, operation: "discover".into(), time: Time::Service, histogram };
        let mut log = LatencyLog::new(Vec::new(), 1_700_000_000.25).unwrap();
        log.write(&interval).unwrap();
        let text = String::from_utf8(log.finish().unwrap()).unwrap();
        let (head, encoded) = text.trim_end().rsplit_once(',').unwrap();
        assert_eq!(
            head,
            "#[Histogram log format version 1.3]\n\
             #[StartTime: 1700000000.250 (seconds since epoch)]\n\
             #[MaxValueDivisor: 1000000.000]\n\
             \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n\
             Tag=discover.service,1700000007.250,1.000,1.025"
        );
        let bytes = STANDARD.decode(encoded).unwrap();
        let (cookie, rest) = bytes.split_at(4);
        assert_eq!(cookie, 0x1c84_9314_u32.to_be_bytes(), "V2, compressed");
        let (length, compressed) = rest.split_at(4);
        assert_eq!(length, (compressed.len() as u32).to_be_bytes());
        let mut found = Vec::new();
        flate2::read::ZlibDecoder::new(compressed).read_to_end(&mut found).unwrap();

        let mut counts = Vec::new();
        [-1_000, 3, -999, 1].into_iter().for_each(|number| put(number, &mut counts));
        let mut expected = 0x1c84_9313_u32.to_be_bytes().to_vec();
        expected.extend((counts.len() as u32).to_be_bytes());
        expected.extend(0_u32.to_be_bytes()); // normalizing index offset
        expected.extend(3_u32.to_be_bytes()); // significant digits
        expected.extend(1_000_u64.to_be_bytes()); // lowest value
        expected.extend(3_600_000_000_000_u64.to_be_bytes()); // highest value
        expected.extend(1.0_f64.to_be_bytes()); // conversion ratio
        expected.extend(counts);
        assert_eq!(found, expected);
    }
}
