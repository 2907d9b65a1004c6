//! Which peers a discovery asks for: a role, any shared tag, and properties by equality or by `$eq`, `$gte` and `$lte`. A
//! property that is missing, or of a type that cannot be compared, is no match and never an error; the deployed server
//! trips over the latter, which [`Matched::Mistyped`] tells apart. The number of terms is bounded, since each of them is
//! held against each peer of a room. Neighbours: `discover`.

use super::peer::Peer;
use super::tags::Tags;
use crate::protocol::{ErrorCode, Object, Refusal, shortened};
use serde_json::Value;
use std::cmp::Ordering;

/// Most tags, and most conditions on properties, that one discovery may ask for.
const TERMS_MAX: usize = 64;

/// The filters of a discovery.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filters {
    role: Option<String>,
    tags: Option<Tags>,
    properties: Vec<(String, Vec<Condition>)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    Equal(Value),
    AtLeast(Value),
    AtMost(Value),
}

/// Whether a peer matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matched {
    Yes,
    No,
    /// No, and the deployed server would have failed at the comparison.
    Mistyped,
}

impl Filters {
    /// Reads filters; keys that the documents do not name are passed over.
    ///
    /// # Errors
    /// INVALID_MESSAGE if a part has the wrong type, an operator is not known, or there are too many terms.
    pub(super) fn read(filters: &Object) -> Result<Filters, Refusal> {
        let given = |key: &str| filters.get(key).filter(|value| !value.is_null());
        let role = given("role").map(|role| role.as_str().map(String::from).ok_or_else(|| must_be("role", "a text")));
        let tags = given("tags").map(tags).transpose()?;
        let properties = match given("properties") {
            None => Vec::new(),
            Some(Value::Object(properties)) => properties
                .iter()
                .map(|(name, asked)| Ok((name.clone(), conditions(name, asked)?)))
                .collect::<Result<_, Refusal>>()?,
            Some(_) => return Err(must_be("properties", "an object")),
        };
        terms_fit("properties", properties.iter().map(|(_, conditions): &(String, Vec<_>)| conditions.len()).sum())?;
        Ok(Filters { role: role.transpose()?, tags, properties })
    }

    pub(super) fn matches(&self, peer: &Peer) -> Matched {
        if self.role.as_deref().is_some_and(|asked| asked != peer.role) {
            return Matched::No;
        }
        if self.tags.as_ref().is_some_and(|asked| !asked.share_any(peer.tags())) {
            return Matched::No;
        }
        for (name, conditions) in &self.properties {
            let Some(value) = peer.metadata().property(name) else { return Matched::No };
            for condition in conditions {
                match condition.holds(value) {
                    Matched::Yes => {}
                    not => return not,
                }
            }
        }
        Matched::Yes
    }
}

impl Condition {
    fn holds(&self, value: &Value) -> Matched {
        let as_asked = match self {
            Condition::Equal(asked) => return if equal(value, asked) { Matched::Yes } else { Matched::No },
            Condition::AtLeast(asked) => compared(value, asked).map(Ordering::is_ge),
            Condition::AtMost(asked) => compared(value, asked).map(Ordering::is_le),
        };
        match as_asked {
            Some(true) => Matched::Yes,
            Some(false) => Matched::No,
            None => Matched::Mistyped,
        }
    }
}

fn tags(asked: &Value) -> Result<Tags, Refusal> {
    let asked = asked.as_array().ok_or_else(|| must_be("tags", "a list"))?;
    terms_fit("tags", asked.len())?;
    Ok(Tags::of(asked))
}

fn terms_fit(field: &str, terms: usize) -> Result<(), Refusal> {
    if terms <= TERMS_MAX {
        return Ok(());
    }
    Err(ErrorCode::InvalidMessage.because(format!("`filters.{field}` may ask for {TERMS_MAX} things, not {terms}")))
}

fn conditions(name: &str, asked: &Value) -> Result<Vec<Condition>, Refusal> {
    let Value::Object(operators) = asked else { return Ok(vec![Condition::Equal(asked.clone())]) };
    if !operators.keys().any(|key| key.starts_with('$')) {
        return Ok(vec![Condition::Equal(asked.clone())]);
    }
    let condition = |(operator, operand): (&String, &Value)| match operator.as_str() {
        "$eq" => Ok(Condition::Equal(operand.clone())),
        "$gte" => Ok(Condition::AtLeast(operand.clone())),
        "$lte" => Ok(Condition::AtMost(operand.clone())),
        other => {
            let (name, other) = (shortened(name), shortened(other));
            let sentence = format!("`filters.properties.{name}` has `{other}`; known are $eq, $gte and $lte");
            Err(ErrorCode::InvalidMessage.because(sentence))
        }
    };
    operators.iter().map(condition).collect()
}

fn must_be(field: &str, what: &str) -> Refusal {
    ErrorCode::InvalidMessage.because(format!("`filters.{field}` must be {what}"))
}

/// Numbers are equal by value: 8192 and 8192.0 are the same memory.
fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => compared(one, other) == Some(Ordering::Equal),
        _ => one == other,
    }
}

fn compared(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i128(), other.as_i128()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matched(filters: Value, metadata: Value) -> Matched {
        let filters = Filters::read(filters.as_object().unwrap()).unwrap();
        filters.matches(&Peer::example("worker", serde_json::from_value(metadata).unwrap()))
    }

    fn of_memory(asked: Value, has: Value) -> Matched {
        matched(json!({ "properties": { "gpu": asked } }), json!({ "properties": { "gpu": has } }))
    }

    #[test]
    fn without_filters_everybody_matches() {
        assert_eq!(matched(json!({}), json!({})), Matched::Yes);
        assert_eq!(matched(json!({ "role": null, "tags": null, "properties": null }), json!({})), Matched::Yes);
    }

    #[test]
    fn the_role_must_be_the_same() {
        assert_eq!(matched(json!({ "role": "worker" }), json!({})), Matched::Yes);
        assert_eq!(matched(json!({ "role": "client" }), json!({})), Matched::No);
    }

    #[test]
    fn one_shared_tag_is_enough_and_an_empty_list_matches_nobody() {
        let metadata = json!({ "tags": ["gpu", "training"] });
        assert_eq!(matched(json!({ "tags": ["cpu", "gpu"] }), metadata.clone()), Matched::Yes);
        assert_eq!(matched(json!({ "tags": ["cpu"] }), metadata.clone()), Matched::No);
        assert_eq!(matched(json!({ "tags": [] }), metadata), Matched::No);
        assert_eq!(matched(json!({ "tags": ["gpu"] }), json!({})), Matched::No);
    }

    #[test]
    fn bounds_include_their_ends() {
        for (has, expected) in [(8191, Matched::No), (8192, Matched::Yes), (9000, Matched::Yes), (9001, Matched::No)] {
            assert_eq!(of_memory(json!({ "$gte": 8192, "$lte": 9000 }), json!(has)), expected, "{has}");
        }
        assert_eq!(of_memory(json!({ "$gte": 0.5 }), json!(1)), Matched::Yes);
        assert_eq!(of_memory(json!({ "$gte": "11.8" }), json!("12.1")), Matched::Yes);
    }

    #[test]
    fn equality_is_by_value() {
        assert_eq!(of_memory(json!(8192), json!(8192.0)), Matched::Yes);
        assert_eq!(of_memory(json!({ "$eq": "a" }), json!("a")), Matched::Yes);
        assert_eq!(of_memory(json!({ "x": 1 }), json!({ "x": 1 })), Matched::Yes);
        assert_eq!(of_memory(json!(1), json!("1")), Matched::No);
        assert_eq!(of_memory(json!(u64::MAX), json!(u64::MAX - 1)), Matched::No);
    }

    #[test]
    fn a_missing_or_mistyped_property_is_no_match() {
        assert_eq!(matched(json!({ "properties": { "gpu": { "$gte": 1 } } }), json!({})), Matched::No);
        assert_eq!(matched(json!({ "properties": { "gpu": 1 } }), json!({ "properties": {} })), Matched::No);
        for has in [json!("much"), json!(null), json!([1]), json!(true)] {
            assert_eq!(of_memory(json!({ "$gte": 1 }), has), Matched::Mistyped);
        }
    }

    fn many_properties(count: usize) -> Value {
        (0..count).map(|nth| (nth.to_string(), json!(nth))).collect::<Object>().into()
    }

    #[test]
    fn as_many_terms_as_the_limit_says_are_taken() {
        let filters = json!({ "tags": vec!["t"; TERMS_MAX], "properties": many_properties(TERMS_MAX) });
        assert!(Filters::read(filters.as_object().unwrap()).is_ok());
    }

    #[test]
    fn filters_of_the_wrong_type_are_refused_with_their_name() {
        for (filters, named) in [
            (json!({ "role": 1 }), "`filters.role`"),
            (json!({ "tags": "gpu" }), "`filters.tags`"),
            (json!({ "properties": [] }), "`filters.properties`"),
            (json!({ "properties": { "gpu": { "$gt": 1 } } }), "`$gt`"),
            (json!({ "tags": vec!["t"; TERMS_MAX + 1] }), "`filters.tags`"),
            (json!({ "properties": many_properties(TERMS_MAX + 1) }), "`filters.properties`"),
        ] {
            let refusal = Filters::read(filters.as_object().unwrap()).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::InvalidMessage);
            assert!(refusal.message.contains(named), "{}", refusal.message);
        }
    }
}
