//! How deep JSON may be nested: one limit for everything that comes in, payloads included, although the server never looks
//! into those: whoever receives them must be able to. Neighbours: `client_message`, the HTTP interface.

use super::error_code::{ErrorCode, Refusal};

/// JSON must be nested less deep than this: what most readers take, and the library that this crate reads it with.
pub const JSON_DEPTH_MAX: usize = 128;

/// Refuses what is nested too deep. Whether it is JSON at all is for the parser to say.
///
/// # Errors
/// INVALID_MESSAGE with the limit.
pub fn depth_fits(json: &[u8]) -> Result<(), Refusal> {
    // Nearly every message has fewer brackets than the limit, and counting them is cheap.
    let brackets = json.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if brackets < JSON_DEPTH_MAX || deepest(json) < JSON_DEPTH_MAX {
        return Ok(());
    }
    Err(ErrorCode::InvalidMessage.because(format!("JSON must be nested less than {JSON_DEPTH_MAX} levels deep")))
}

/// The most brackets that are open at once, those within texts apart.
fn deepest(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_text(&mut bytes),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// To the end of a text whose first quote is behind us.
fn skip_text<'a>(bytes: &mut impl Iterator<Item = &'a u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn the_limit_is_what_the_library_still_reads() {
        for levels in [1, JSON_DEPTH_MAX - 1, JSON_DEPTH_MAX, 10 * JSON_DEPTH_MAX] {
            let read = serde_json::from_str::<serde_json::Value>(&nested(levels)).is_ok();
            assert_eq!(depth_fits(nested(levels).as_bytes()).is_ok(), read, "{levels}");
        }
    }

    #[test]
    fn brackets_within_texts_and_beside_each_other_do_not_add_up() {
        let text = format!(r#"{{"a":"{}\"[","b":{}}}"#, "[".repeat(500), "[[]],".repeat(500));
        assert_eq!(deepest(text.as_bytes()), 3);
        assert!(depth_fits(text.as_bytes()).is_ok());
    }
}
