//! The documented merge of metadata (API document: tags are united, properties override key by key, everything that is not
//! mentioned stays), as a judge reads it. Neighbours: `word` keeps what peers said, `filters` reads it.

use serde_json::{Map, Value};

/// What metadata says about the status.
pub fn status(metadata: &Value) -> Option<&str> {
    metadata.get("properties")?.get("status")?.as_str()
}

/// Whether a change adds tags: the order of a union is nobody's promise, so neither is its hash.
pub fn adds_tags(base: &Value, change: &Value) -> bool {
    let has = |tag: &Value| base.get("tags").and_then(Value::as_array).is_some_and(|tags| tags.contains(tag));
    change.get("tags").and_then(Value::as_array).is_some_and(|tags| tags.iter().any(|tag| !has(tag)))
}

/// The metadata after a change.
pub fn merged(base: &Value, change: &Value) -> Value {
    let mut merged = base.as_object().cloned().unwrap_or_default();
    if let Some(tags) = change.get("tags").and_then(Value::as_array) {
        let united = entry(&mut merged, "tags", Value::Array(Vec::new()));
        if let Value::Array(united) = united {
            for tag in tags {
                if !united.contains(tag) {
                    united.push(tag.clone());
                }
            }
        }
    }
    if let Some(Value::Object(properties)) = change.get("properties") {
        let all = entry(&mut merged, "properties", Value::Object(Map::new()));
        if let Value::Object(all) = all {
            all.extend(properties.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
    }
    Value::Object(merged)
}

/// Where two metadata differ, as words; none if they are the same. Tags have no order, and an empty list or object is as
/// good as none. `mentioned` is the change: its keys besides tags and properties have no documented rule.
pub fn difference(expected: &Value, found: &Value, mentioned: &Value) -> Option<String> {
    if expected == found {
        return None;
    }
    if tags(expected) != tags(found) {
        return Some(format!("tags {} instead of {}", shown(found.get("tags")), shown(expected.get("tags"))));
    }
    let empty = Map::new();
    let properties = |of: &'_ Value| of.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(words) = first_difference(&properties(expected), &properties(found), |_| false) {
        return Some(format!("property {words}"));
    }
    let other = |of: &'_ Value| of.as_object().unwrap_or(&empty).clone();
    let has_rule = |key: &str| key == "tags" || key == "properties" || mentioned.get(key).is_some();
    first_difference(&other(expected), &other(found), has_rule)
}

fn first_difference(
    expected: &Map<String, Value>,
    found: &Map<String, Value>,
    is_judged_elsewhere: impl Fn(&str) -> bool,
) -> Option<String> {
    let key = expected.keys().chain(found.keys()).find(|key| {
        let (expected, found) = (expected.get(*key), found.get(*key));
        expected != found && !is_judged_elsewhere(key)
    })?;
    Some(format!("{key} {} instead of {}", shown(found.get(key)), shown(expected.get(key))))
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "missing".to_owned(), Value::to_string)
}

fn tags(metadata: &Value) -> Vec<String> {
    let mut tags: Vec<String> =
        metadata.get("tags").and_then(Value::as_array).into_iter().flatten().map(Value::to_string).collect();
    tags.sort();
    tags.dedup();
    tags
}

/// The entry of this key; one of another type, or none, is replaced.
fn entry<'m>(map: &'m mut Map<String, Value>, key: &str, empty: Value) -> &'m mut Value {
    let entry = map.entry(key).or_insert(Value::Null);
    if std::mem::discriminant(entry) != std::mem::discriminant(&empty) {
        *entry = empty;
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tags_are_united_and_properties_override_key_by_key() {
        let base = json!({"tags": ["a"], "properties": {"x": 1, "y": 2}, "other": true});
        let change = json!({"tags": ["b", "a"], "properties": {"y": 3}});
        let expected = json!({"tags": ["a", "b"], "properties": {"x": 1, "y": 3}, "other": true});
        assert_eq!(merged(&base, &change), expected);
        assert!(adds_tags(&base, &change) && !adds_tags(&base, &json!({"tags": ["a"]})));
    }

    #[test]
    fn a_lost_key_is_a_difference_and_the_order_of_tags_is_none() {
        let expected = json!({"tags": ["a", "b"], "properties": {"x": 1, "status": "busy"}});
        let reordered = json!({"tags": ["b", "a"], "properties": {"x": 1, "status": "busy"}});
        assert_eq!(difference(&expected, &reordered, &json!({})), None);
        let lost = json!({"tags": ["a", "b"], "properties": {"status": "busy"}});
        assert_eq!(difference(&expected, &lost, &json!({})).as_deref(), Some("property x missing instead of 1"));
    }

    #[test]
    fn nothing_and_empty_are_the_same() {
        assert_eq!(difference(&json!(null), &json!({"tags": [], "properties": {}}), &json!({})), None);
    }

    #[test]
    fn a_mentioned_key_without_a_documented_rule_may_change() {
        let (base, change) = (json!({"note": 1}), json!({"note": 2}));
        assert_eq!(difference(&base, &json!({"note": 2}), &change), None);
        assert!(difference(&base, &json!({}), &json!({})).is_some());
    }
}
