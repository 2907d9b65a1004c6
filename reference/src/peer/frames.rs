//! Where the frames of a WebSocket end in the bytes that a server sends, behind the head of its HTTP response.
//!
//! Neighbours: `inlet` counts with it what the WebSocket has read. Left out: what frames say, and whether they may say it,
//! which tungstenite judges.

/// The longest header of a frame.
const HEADER_BYTES_MAX: usize = 14;

/// How far a stream of frames has come.
#[derive(Debug)]
pub(super) struct Frames {
    place: Place,
    /// A frame has come that goes on in another.
    is_within_message: bool,
    longest: u64,
}

#[derive(Debug)]
enum Place {
    /// In the head of the HTTP response, which ends with an empty line.
    Head { has_begun: bool, is_line_empty: bool },
    /// In the header of a frame, of which so many bytes have come.
    Header { bytes: [u8; HEADER_BYTES_MAX], count: usize },
    /// So many bytes of a frame are to come.
    Payload { left: u64 },
}

impl Place {
    const BETWEEN: Place = Place::Header { bytes: [0; HEADER_BYTES_MAX], count: 0 };
}

impl Frames {
    /// Before the first byte of the response.
    pub(super) fn behind_a_head() -> Frames {
        let place = Place::Head { has_begun: false, is_line_empty: true };
        Frames { place, is_within_message: false, longest: 0 }
    }

    /// Whether every message that has begun has ended.
    pub(super) fn is_between_messages(&self) -> bool {
        matches!(self.place, Place::Header { count: 0, .. }) && !self.is_within_message
    }

    /// How many bytes the longest frame carries of which something has come.
    pub(super) fn longest(&self) -> u64 {
        self.longest
    }

    /// The longest frame is looked for anew from here on.
    pub(super) fn forget_longest(&mut self) {
        self.longest = 0;
    }

    /// These bytes come next.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while let [first, rest @ ..] = bytes {
            bytes = match &mut self.place {
                Place::Payload { left } => {
                    let skipped = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= skipped as u64;
                    if *left == 0 {
                        self.place = Place::BETWEEN;
                    }
                    &bytes[skipped..]
                }
                Place::Header { bytes: header, count } => {
                    header[*count] = *first;
                    *count += 1;
                    if *count == header_length(header, *count) {
                        let header = *header;
                        self.begin_payload(&header);
                    }
                    rest
                }
                Place::Head { .. } => {
                    self.pass_head(*first);
                    rest
                }
            };
        }
    }

    /// Ends lines where httparse does: at a line feed, with a carriage return or without, and empty lines may come first.
    fn pass_head(&mut self, byte: u8) {
        let Place::Head { has_begun, is_line_empty } = &mut self.place else { return };
        match byte {
            b'\n' if *has_begun && *is_line_empty => self.place = Place::BETWEEN,
            b'\n' => *is_line_empty = true,
            b'\r' => {}
            _ => (*has_begun, *is_line_empty) = (true, false),
        }
    }

    fn begin_payload(&mut self, header: &[u8; HEADER_BYTES_MAX]) {
        let is_data = header[0] & 0x0f < 8;
        if is_data {
            self.is_within_message = header[0] & 0x80 == 0;
        }
        let left = payload_length(header);
        self.longest = self.longest.max(left);
        self.place = if left == 0 { Place::BETWEEN } else { Place::Payload { left } };
    }
}

/// How long a header is of which so many bytes are known.
fn header_length(bytes: &[u8; HEADER_BYTES_MAX], known: usize) -> usize {
    if known < 2 {
        return 2;
    }
    let length = match bytes[1] & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask = if bytes[1] & 0x80 == 0 { 0 } else { 4 };
    2 + length + mask
}

fn payload_length(header: &[u8; HEADER_BYTES_MAX]) -> u64 {
    let [_, short, b2, b3, b4, b5, b6, b7, b8, b9, ..] = *header;
    match short & 0x7f {
        126 => u16::from_be_bytes([b2, b3]).into(),
        127 => u64::from_be_bytes([b2, b3, b4, b5, b6, b7, b8, b9]),
        length => length.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

    /// After which of the bytes behind the head every message has ended.
    fn ends(bytes: &[u8]) -> Vec<usize> {
        let mut frames = Frames::behind_a_head();
        frames.pass(HEAD);
        let mut ends = Vec::new();
        for (index, byte) in bytes.iter().enumerate() {
            frames.pass(&[*byte]);
            ends.extend(frames.is_between_messages().then_some(index + 1));
        }
        let mut at_once = Frames::behind_a_head();
        at_once.pass(&[HEAD, bytes].concat());
        assert_eq!(at_once.is_between_messages(), frames.is_between_messages());
        assert_eq!(at_once.longest(), frames.longest());
        ends
    }

    #[test]
    fn a_head_ends_with_its_first_empty_line_whatever_ends_its_lines() {
        for head in ["\r\n\r\nHTTP/1.1 101 S\r\nA: b\r\n\r\n", "HTTP/1.1 101 S\nA: b\n\n", "HTTP/1.1 101 S\r\n\n"] {
            let mut frames = Frames::behind_a_head();
            frames.pass(&head.as_bytes()[..head.len() - 1]);
            assert!(!frames.is_between_messages(), "{head:?}");
            frames.pass(b"\n");
            assert!(frames.is_between_messages(), "{head:?}");
        }
    }

    #[test]
    fn frames_of_every_length_end_with_their_last_byte() {
        let of = |header: &[u8], length: usize| [header, &vec![b'\n'; length]].concat();
        assert_eq!(ends(&of(&[0x81, 0], 0)), [2]);
        assert_eq!(ends(&of(&[0x81, 125], 125)), [127]);
        assert_eq!(ends(&of(&[0x82, 126, 1, 0], 256)), [260]);
        assert_eq!(ends(&of(&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0], 65_536)), [65_546]);
        assert_eq!(ends(&of(&[0x81, 0x82, 1, 2, 3, 4], 2)), [8], "with a mask");
    }

    #[test]
    fn a_message_in_pieces_ends_with_its_last_piece_and_a_ping_between_them_ends_nothing() {
        let pieces = [[0x01, 1, b'a'], [0x89, 1, b'p'], [0x00, 1, b'b'], [0x80, 1, b'c'], [0x81, 1, b'd']];
        assert_eq!(ends(&pieces.concat()), [12, 15]);
    }
}
