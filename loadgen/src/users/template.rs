//! Texts with variables: `${user.name}` inside any string of a JSON value. A string that is nothing but one variable
//! becomes that variable's value, whatever its type; inside a longer string the value is written as text.
//! Neighbours: `flow::scope` knows the variables. Left out: expressions, defaults, escapes.

use serde_json::Value;
use std::borrow::Cow;

/// A variable that has no value here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no value for the variable `${{{0}}}`")]
pub struct NoSuchVariable(pub String);

/// Where variables get their values from.
pub trait Variables {
    /// The value of a variable, without `${` and `}`.
    fn value(&self, name: &str) -> Option<Value>;
}

/// Fills every string of a value. Borrows when there is nothing to fill, which is the common case in a loop.
pub fn fill<'a>(value: &'a Value, variables: &dyn Variables) -> Result<Cow<'a, Value>, NoSuchVariable> {
    if has_variables(value) { Ok(Cow::Owned(filled(value, variables)?)) } else { Ok(Cow::Borrowed(value)) }
}

/// Fills one text.
pub fn fill_text(text: &str, variables: &dyn Variables) -> Result<String, NoSuchVariable> {
    Ok(match filled_text(text, variables)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// Whether there may be something to fill: a text with a lone `$` is copied in vain, and stays the same.
pub fn has_variables(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('$'),
        Value::Array(items) => items.iter().any(has_variables),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('$') || has_variables(value)),
        _ => false,
    }
}

fn filled(value: &Value, variables: &dyn Variables) -> Result<Value, NoSuchVariable> {
    match value {
        Value::String(text) => filled_text(text, variables),
        Value::Array(items) => items.iter().map(|item| filled(item, variables)).collect(),
        Value::Object(fields) => {
            let fill_field =
                |(key, value): (&String, &Value)| Ok((fill_text(key, variables)?, filled(value, variables)?));
            fields.iter().map(fill_field).collect()
        }
        other => Ok(other.clone()),
    }
}

fn filled_text(text: &str, variables: &dyn Variables) -> Result<Value, NoSuchVariable> {
    // Most texts hold no variable, and a byte is found sooner than two.
    if !text.contains('$') {
        return Ok(Value::String(text.to_owned()));
    }
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let name = &rest[start + 2..start + length];
        let value = variables.value(name).ok_or_else(|| NoSuchVariable(name.to_owned()))?;
        if start == 0 && length + 1 == text.len() {
            return Ok(value);
        }
        result.push_str(&rest[..start]);
        match value {
            Value::String(text) => result.push_str(&text),
            other => result.push_str(&other.to_string()),
        }
        rest = &rest[start + length + 1..];
    }
    result.push_str(rest);
    Ok(Value::String(result))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Known;

    impl Variables for Known {
        fn value(&self, name: &str) -> Option<Value> {
            match name {
                "user.name" => Some(json!("clients-0")),
                "repetition" => Some(json!(7)),
                _ => None,
            }
        }
    }

    #[test]
    fn a_lone_variable_keeps_its_type_and_an_embedded_one_becomes_text() {
        let template = json!({ "n": "${repetition}", "id": "${user.name}-${repetition}!", "list": ["${user.name}"] });
        let expected = json!({ "n": 7, "id": "clients-0-7!", "list": ["clients-0"] });
        assert_eq!(*fill(&template, &Known).unwrap(), expected);
    }

    #[test]
    fn what_holds_no_variable_is_borrowed() {
        let plain = json!({ "type": "echo", "price": "5 $", "open": "${never closed" });
        assert_eq!(*fill(&plain, &Known).unwrap(), plain);
        assert!(matches!(fill(&json!({ "a": 1 }), &Known).unwrap(), Cow::Borrowed(_)));
    }

    #[test]
    fn an_unknown_variable_is_named() {
        assert_eq!(fill_text("x ${worker}", &Known), Err(NoSuchVariable("worker".into())));
    }
}
