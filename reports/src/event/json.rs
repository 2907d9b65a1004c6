//! JSON as `serde_json` writes it, byte for byte, with less work: a run hashes every message and a generator writes a line for
//! every event. Neighbours: `event` hashes with it, `record::line` writes lines.

use serde::Serialize;
use serde_json::Value;

/// Adds a value.
pub(crate) fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_other(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (nth, item) in items.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                write_value(out, item);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (nth, (key, field)) in fields.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                write_text(out, key);
                out.push(b':');
                write_value(out, field);
            }
            out.push(b'}');
        }
    }
}

/// Adds a text. Hardly any holds what JSON escapes.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    if is_plain(text.as_bytes()) { write_plain(out, text) } else { write_other(out, text) }
}

/// Adds a text that holds nothing that JSON escapes.
pub(crate) fn write_plain(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn write_other(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Numbers and texts can always be written, and so can a vector.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok());
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
        let quotes = bytes ^ (EACH * u64::from(b'"'));
        let backslashes = bytes ^ (EACH * u64::from(b'\\'));
        less(bytes, b' ') | less(quotes, 1) | less(backslashes, 1) == 0
    };
    eights.iter().all(is_plain_eight) && !rest.iter().copied().any(is_escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{digest, digest_of_written};
    use serde_json::json;

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
    fn values_have_the_bytes_and_the_hash_of_what_serde_json_writes() {
        let values = [
            json!(null),
            json!([true, false, 0, -1, u64::MAX, i64::MIN, 0.1, 1e300, -0.0, 1.0]),
            json!({}),
            json!([]),
            json!({ "b": [], "a": { "ключ": "\u{1}\"\\/\u{7f}\u{2028}😀" }, "": [[{ "x\n": 1 }], "plain text of some length"] }),
        ];
        for value in values {
            let mut out = Vec::new();
            write_value(&mut out, &value);
            let written = serde_json::to_string(&value).unwrap();
            assert_eq!(digest_of_written(&written), digest(&value));
            assert_eq!(String::from_utf8(out).unwrap(), written);
        }
    }
}
