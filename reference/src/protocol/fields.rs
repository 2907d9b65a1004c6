//! Reads the fields of a message: what is missing or has the wrong type is refused with a sentence that names the field.
//! Neighbours: `client_message` knows which fields a message has.

use super::error_code::{ErrorCode, Refusal};
use super::metadata::Metadata;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

pub(super) fn missing(field: &str) -> Refusal {
    ErrorCode::InvalidMessage.because(format!("`{field}` is missing"))
}

fn must_be(field: &str, what: &str) -> Refusal {
    ErrorCode::InvalidMessage.because(format!("`{field}` must be {what}"))
}

pub(super) fn parse_text<'a>(field: &str, raw: &'a RawValue) -> Result<Cow<'a, str>, Refusal> {
    let json = raw.get();
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner.ok_or_else(|| must_be(field, "a text"))? {
        "" => Err(must_be(field, "a text that is not empty")),
        plain if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        _ => serde_json::from_str(json).map(Cow::Owned).map_err(|_| must_be(field, "a text")),
    }
}

pub(super) fn required_text<'a>(field: &str, raw: Option<&'a RawValue>) -> Result<Cow<'a, str>, Refusal> {
    parse_text(field, raw.ok_or_else(|| missing(field))?)
}

pub(super) fn required_object<'a>(field: &str, raw: Option<&'a RawValue>) -> Result<&'a RawValue, Refusal> {
    let raw = raw.ok_or_else(|| missing(field))?;
    if raw.get().starts_with('{') { Ok(raw) } else { Err(must_be(field, "an object")) }
}

pub(super) fn optional<T: DeserializeOwned>(
    field: &str,
    what: &str,
    raw: Option<&RawValue>,
) -> Result<Option<T>, Refusal> {
    raw.map(|raw| serde_json::from_str(raw.get())).transpose().map_err(|_| must_be(field, what))
}

pub(super) fn read_metadata(raw: Option<&RawValue>) -> Result<Option<Metadata>, Refusal> {
    let Some(metadata) = optional::<Metadata>("metadata", "an object", raw)? else { return Ok(None) };
    if metadata.0.get("tags").is_some_and(|tags| !tags.is_array()) {
        return Err(must_be("metadata.tags", "a list"));
    }
    if metadata.0.get("properties").is_some_and(|properties| !matches!(properties, Value::Object(_))) {
        return Err(must_be("metadata.properties", "an object"));
    }
    Ok(Some(metadata))
}
