//! Messages that match: objects match partially (every key of the pattern must be there and match), everything else must
//! be equal. Neighbours: `template` fills a pattern first; `flow::verbs` waits for what matches.

use serde_json::Value;

/// Whether the message contains the pattern.
pub fn matches(pattern: &Value, message: &Value) -> bool {
    match (pattern, message) {
        (Value::Object(pattern), Value::Object(message)) => {
            pattern.iter().all(|(key, wanted)| message.get(key).is_some_and(|found| matches(wanted, found)))
        }
        (Value::Array(pattern), Value::Array(message)) => {
            pattern.len() == message.len() && pattern.iter().zip(message).all(|(wanted, found)| matches(wanted, found))
        }
        // Servers write 1 or 1.0 as they like.
        (Value::Number(pattern), Value::Number(message)) => pattern == message || pattern.as_f64() == message.as_f64(),
        _ => pattern == message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_match_partially_at_every_depth() {
        let message = json!({ "type": "peer_message", "payload": { "accepted": true, "job_id": "a" } });
        assert!(matches(&json!({ "payload": { "accepted": true } }), &message));
        assert!(!matches(&json!({ "payload": { "accepted": false } }), &message));
        assert!(!matches(&json!({ "payload": { "reason": "busy" } }), &message));
    }

    #[test]
    fn lists_match_item_by_item_and_numbers_by_value() {
        assert!(matches(&json!([{ "a": 1 }, 2]), &json!([{ "a": 1.0, "b": 0 }, 2])));
        assert!(!matches(&json!([1]), &json!([1, 2])));
        assert!(!matches(&json!(null), &json!(0)));
    }
}
