//! Whether a peer's metadata matches the filters of a discovery: our own reading of the API document, written without a look at
//! the server's, so that each can prove the other wrong. Any shared tag matches; properties match by equality or by
//! `$gte`, `$lte` and `$eq`; what is missing or of another type does not match.

use serde_json::Value;

/// What the documents say about a peer and a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It must be listed.
    Yes,
    /// It must not.
    No,
    /// They do not say.
    Unsaid,
}

/// Whether a peer with this role and metadata matches.
pub fn matches(filters: &Value, role: &str, metadata: &Value) -> Match {
    let Value::Object(filters) = filters else {
        return if filters.is_null() { Match::Yes } else { Match::Unsaid };
    };
    all(filters.iter().map(|(key, wanted)| match (key.as_str(), wanted) {
        (_, Value::Null) => Match::Yes,
        ("role", Value::String(wanted)) => yes_if(wanted == role),
        ("tags", Value::Array(wanted)) => {
            let tags = metadata.get("tags").and_then(Value::as_array);
            yes_if(tags.is_some_and(|tags| tags.iter().any(|tag| wanted.contains(tag))))
        }
        ("properties", Value::Object(wanted)) => all(wanted.iter().map(|(name, wanted)| {
            let found = metadata.get("properties").and_then(|properties| properties.get(name));
            found.map_or(Match::No, |found| property(found, wanted))
        })),
        _ => Match::Unsaid,
    }))
}

fn property(found: &Value, wanted: &Value) -> Match {
    let Value::Object(wanted) = wanted else { return yes_if(equal(found, wanted)) };
    if !wanted.keys().any(|key| key.starts_with('$')) {
        return yes_if(found.as_object() == Some(wanted));
    }
    all(wanted.iter().map(|(operator, bound)| match (operator.as_str(), found.as_f64(), bound.as_f64()) {
        ("$eq", _, _) => yes_if(equal(found, bound)),
        ("$gte", Some(found), Some(bound)) => yes_if(found >= bound),
        ("$lte", Some(found), Some(bound)) => yes_if(found <= bound),
        // Order is documented for numbers only; two strings are nobody's promise.
        ("$gte" | "$lte", None, None) => Match::Unsaid,
        ("$gte" | "$lte", _, _) => Match::No,
        _ => Match::Unsaid,
    }))
}

/// `8192` and `8192.0` are the same number.
fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn yes_if(condition: bool) -> Match {
    if condition { Match::Yes } else { Match::No }
}

/// One "no" decides, then one "unsaid".
fn all(parts: impl Iterator<Item = Match>) -> Match {
    let mut all = Match::Yes;
    for part in parts {
        match part {
            Match::No => return Match::No,
            Match::Unsaid => all = Match::Unsaid,
            Match::Yes => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(filters: Value) -> Match {
        let metadata = json!({
            "tags": ["sleap-rtc", "training-worker"],
            "properties": {"gpu_memory_mb": 16384, "status": "available", "cuda_version": "12.1", "models": ["a"]},
        });
        matches(&filters, "worker", &metadata)
    }

    #[test]
    fn no_filter_matches_everybody() {
        assert_eq!(of(json!({})), Match::Yes);
        assert_eq!(of(json!(null)), Match::Yes);
        assert_eq!(matches(&json!({}), "peer", &json!(null)), Match::Yes);
    }

    #[test]
    fn the_role_must_be_equal() {
        assert_eq!(of(json!({"role": "worker"})), Match::Yes);
        assert_eq!(of(json!({"role": "client"})), Match::No);
    }

    #[test]
    fn any_shared_tag_matches_and_an_empty_list_matches_nobody() {
        assert_eq!(of(json!({"tags": ["x", "sleap-rtc"]})), Match::Yes);
        assert_eq!(of(json!({"tags": ["x"]})), Match::No);
        assert_eq!(of(json!({"tags": []})), Match::No);
    }

    #[test]
    fn properties_match_by_equality_and_by_bounds() {
        assert_eq!(of(json!({"properties": {"status": "available", "gpu_memory_mb": 16384.0}})), Match::Yes);
        assert_eq!(of(json!({"properties": {"gpu_memory_mb": {"$gte": 8192, "$lte": 16384}}})), Match::Yes);
        assert_eq!(of(json!({"properties": {"gpu_memory_mb": {"$gte": 16385}}})), Match::No);
        assert_eq!(of(json!({"properties": {"status": {"$eq": "busy"}}})), Match::No);
        assert_eq!(of(json!({"properties": {"models": ["a"]}})), Match::Yes);
    }

    #[test]
    fn what_is_missing_or_mistyped_does_not_match() {
        assert_eq!(of(json!({"properties": {"absent": 1}})), Match::No);
        assert_eq!(of(json!({"properties": {"status": {"$gte": 5}}})), Match::No);
        assert_eq!(matches(&json!({"tags": ["a"]}), "peer", &json!({})), Match::No);
    }

    #[test]
    fn nobody_promises_an_order_of_strings_or_unknown_operators() {
        assert_eq!(of(json!({"properties": {"cuda_version": {"$gte": "11.0"}}})), Match::Unsaid);
        assert_eq!(of(json!({"properties": {"status": {"$in": ["available"]}}})), Match::Unsaid);
        assert_eq!(of(json!({"properties": {"status": {"$in": []}}, "role": "client"})), Match::No);
    }
}
