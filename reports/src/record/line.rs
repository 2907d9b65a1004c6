//! An event as a line of `events.jsonl`, written field by field: the same bytes as its `Serialize` with less work, since a
//! generator writes a line for every event of a load. Neighbours: `event` says what the fields mean, `writer` compresses lines.

use crate::event::{Body, Event};
use serde::Serialize;

/// Adds the line of an event.
///
/// # Errors
/// None that an event can cause: all of them can be written.
pub fn write_line(out: &mut Vec<u8>, event: &Event) -> serde_json::Result<()> {
    // Taken apart, so that a field that is added does not go missing here.
    let Event { n, t_ns, process, user, conn, kind, op, op_id, planned_ns, said, content, body } = event;
    put(out, "{\"n\":", n)?;
    put(out, ",\"t_ns\":", t_ns)?;
    put_unless(*process == 0, out, ",\"process\":", process)?;
    put_text(out, ",\"user\":", user)?;
    put_unless(*conn == 0, out, ",\"conn\":", conn)?;
    put_plain(out, ",\"kind\":", kind.word());
    if !op.is_empty() {
        put_text(out, ",\"op\":", op)?;
    }
    put_unless(op_id.is_none(), out, ",\"op_id\":", op_id)?;
    put_unless(planned_ns.is_none(), out, ",\"planned_ns\":", planned_ns)?;
    put_unless(said.is_empty(), out, ",\"said\":", said)?;
    put_unless(content.is_empty(), out, ",\"content\":", content)?;
    match body {
        Body::Empty => {}
        Body::Other { kind } => {
            put_text(out, ",\"body\":{\"is\":\"other\",\"type\":", kind)?;
            out.push(b'}');
        }
        told => put(out, ",\"body\":", told)?,
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn put(out: &mut Vec<u8>, key: &str, value: &impl Serialize) -> serde_json::Result<()> {
    out.extend_from_slice(key.as_bytes());
    serde_json::to_writer(out, value)
}

/// Names hardly ever hold what JSON escapes.
fn put_text(out: &mut Vec<u8>, key: &str, text: &str) -> serde_json::Result<()> {
    if !is_plain(text.as_bytes()) {
        return put(out, key, &text);
    }
    put_plain(out, key, text);
    Ok(())
}

fn put_plain(out: &mut Vec<u8>, key: &str, text: &str) {
    out.reserve(key.len() + text.len() + 2);
    out.extend_from_slice(key.as_bytes());
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Whether JSON writes these bytes of a text as they are: no control character, quotation mark or backslash among them. Looks at
/// eight at a time.
fn is_plain(text: &[u8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x8080_8080_8080_8080;
    // The top bit of each byte that is less than `most`, which is at most 128; of one that follows such a byte perhaps as well.
    let less = |bytes: u64, most: u8| bytes.wrapping_sub(EACH * u64::from(most)) & !bytes & TOP;
    let is_escaped = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    let (eights, rest) = text.as_chunks::<8>();
    let is_plain_eight = |eight: &[u8; 8]| {
        let bytes = u64::from_le_bytes(*eight);
        let quotes = bytes ^ EACH * u64::from(b'"');
        let backslashes = bytes ^ EACH * u64::from(b'\\');
        less(bytes, b' ') | less(quotes, 1) | less(backslashes, 1) == 0
    };
    eights.iter().all(is_plain_eight) && !rest.iter().copied().any(is_escaped)
}

fn put_unless(is_absent: bool, out: &mut Vec<u8>, key: &str, value: &impl Serialize) -> serde_json::Result<()> {
    if is_absent { Ok(()) } else { put(out, key, value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Content, Kind, Said};
    use serde_json::json;

    fn check(event: &Event) {
        let mut line = Vec::new();
        write_line(&mut line, event).unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), format!("{}\n", serde_json::to_string(event).unwrap()));
    }

    #[test]
    fn a_text_is_plain_as_long_as_no_byte_at_any_place_is_escaped() {
        for length in [0, 1, 7, 8, 9, 16, 19] {
            let plain = vec![b'a'; length];
            assert!(is_plain(&plain));
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let text = [&plain[..at], &[byte], &plain[at + 1..]].concat();
                    let is_escaped = byte < 0x20 || byte == b'"' || byte == b'\\';
                    assert_eq!(is_plain(&text), !is_escaped, "{byte} at {at} of {length}");
                }
            }
        }
        assert!(is_plain("ä – 漢字 \u{7f}".as_bytes()));
    }

    #[test]
    fn a_line_has_the_fields_that_the_event_has() {
        let bare = Event {
            n: 0,
            t_ns: -7,
            process: 0,
            user: "run".into(),
            conn: 0,
            kind: Kind::Began,
            op: "".into(),
            op_id: None,
            planned_ns: None,
            said: Said::default(),
            content: Content::default(),
            body: Body::Empty,
        };
        check(&bare);
        check(&Event {
            process: 3,
            conn: 1,
            op: "say \"hello\"\n".into(),
            kind: Kind::Received,
            op_id: Some(0),
            planned_ns: Some(-1),
            said: [("/payload/job".into(), json!("j1")), ("/n".into(), json!(null))].into(),
            content: Content::of(&json!({ "type": "echo" })),
            body: Body::Other { kind: "echo".into() },
            ..bare.clone()
        });
        let kinds = [Kind::Invoked, Kind::Ok, Kind::Failed, Kind::Unknown, Kind::Sent, Kind::Received];
        let kinds = kinds.into_iter().chain([Kind::Opened, Kind::Closed, Kind::Began, Kind::Ended, Kind::Fault]);
        kinds.for_each(|kind| check(&Event { kind, ..bare.clone() }));
        let told = [
            Body::Other { kind: "\\".into() },
            Body::Connection { target: "127.0.0.1:1".into() },
            Body::Discover { filters: json!({ "tag": "gpu" }).into() },
        ];
        told.into_iter().for_each(|body| check(&Event { body, ..bare.clone() }));
    }
}
