//! The language as a JSON Schema (draft 2020-12), for editors: completion, words on hover, red lines under unknown
//! keys. Derived from the shapes alone. Neighbours: `shape`. Left out: what is not there yet, and contradictions.

use crate::language::ROOT;
use crate::language::check::wanted;
use crate::language::shape::{Form, Key, NameRule, Presence, Shape, Table};
use crate::tree::parse_value;
use serde_json::{Map, Value, json};

/// The schema.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let root = table(&ROOT, &mut definitions);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rehearsal scenario",
    });
    for (key, value) in root.as_object().cloned().unwrap_or_default() {
        schema[key] = value;
    }
    definitions.insert(PARAMETER.to_owned(), parameter());
    schema["$defs"] = Value::Object(definitions);
    // Editors that know both versions of TOML read tables over several lines with this one.
    schema["x-tombi-toml-version"] = "v1.1.0".into();
    schema
}

/// The name of the definition of a parameter that is used in place of a value.
const PARAMETER: &str = "parameter";

fn parameter() -> Value {
    json!({
        "type": "string",
        "pattern": r"\$\{[a-z][a-z0-9_-]*\}",
        "description": "a parameter in place of the value, or within it: \"${name}\"",
    })
}

/// A value of this shape, or a parameter in its place. Any string is a string already.
fn shape(shape: &Shape, definitions: &mut Map<String, Value>) -> Value {
    let parameter = json!({ "$ref": format!("#/$defs/{PARAMETER}") });
    match shape {
        Shape::Text | Shape::Json => written(shape, definitions),
        Shape::Either(shapes) => {
            let mut all: Vec<Value> = shapes.iter().map(|one| written(one, definitions)).collect();
            all.push(parameter);
            json!({ "anyOf": all })
        }
        _ => json!({ "anyOf": [written(shape, definitions), parameter] }),
    }
}

fn written(shape: &Shape, definitions: &mut Map<String, Value>) -> Value {
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Form(form) => form_schema(form),
        Shape::Word(words) => json!({ "enum": words.words }),
        Shape::Whole(least, u64::MAX) => json!({ "type": "integer", "minimum": least }),
        Shape::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Number(least, most) if *most == f64::MAX => json!({ "type": "number", "minimum": least }),
        Shape::Number(least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Json => json!({}),
        Shape::JsonTable => json!({ "type": "object" }),
        Shape::List(item, least) => {
            json!({ "type": "array", "items": self::shape(item, definitions), "minItems": least })
        }
        Shape::Pair(item) => {
            json!({ "type": "array", "items": self::shape(item, definitions), "minItems": 2, "maxItems": 2 })
        }
        Shape::Names(names) => {
            let mut value = json!({
                "type": "object",
                "additionalProperties": self::shape(&names.value, definitions),
            });
            if names.rule == NameRule::Plain {
                value["propertyNames"] = json!({ "pattern": "^[a-z][a-z0-9_-]{0,39}$" });
            }
            value
        }
        Shape::Table(known) => reference(known, definitions),
        Shape::Either(shapes) => {
            json!({ "anyOf": shapes.iter().map(|one| written(one, definitions)).collect::<Vec<_>>() })
        }
    }
}

fn form_schema(form: &Form) -> Value {
    json!({ "type": "string", "pattern": form.pattern, "description": format!("{} such as {}", form.what, form.example) })
}

/// Tables refer to each other (a step repeats steps), so each is defined once and referred to by name.
fn reference(known: &'static Table, definitions: &mut Map<String, Value>) -> Value {
    let name = definition_name(known.name);
    if !definitions.contains_key(&name) {
        definitions.insert(name.clone(), Value::Null);
        let definition = table(known, definitions);
        definitions.insert(name.clone(), definition);
    }
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn definition_name(name: &str) -> String {
    let plain = name.trim_start_matches("a ").replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    plain.trim_matches('_').to_owned()
}

fn table(known: &'static Table, definitions: &mut Map<String, Value>) -> Value {
    let properties: Map<String, Value> =
        known.keys.iter().map(|key| (key.name.to_owned(), key_schema(key, definitions))).collect();
    let needed: Vec<&str> =
        known.keys.iter().filter(|key| key.presence == Presence::Needed).map(|key| key.name).collect();
    let mut value = json!({
        "type": "object",
        "description": known.doc,
        "properties": properties,
        "additionalProperties": false,
    });
    if !needed.is_empty() {
        value["required"] = json!(needed);
    }
    if !known.one_of.is_empty() {
        value["oneOf"] = known.one_of.iter().map(|name| json!({ "required": [name] })).collect();
    }
    let beside: Map<String, Value> = known
        .keys
        .iter()
        .filter(|key| !key.with.is_empty())
        .map(|key| {
            let one = key.with.iter().map(|with| json!({ "required": [with] })).collect::<Vec<_>>();
            (key.name.to_owned(), json!({ "anyOf": one }))
        })
        .collect();
    if !beside.is_empty() {
        value["dependentSchemas"] = Value::Object(beside);
    }
    value
}

fn key_schema(key: &Key, definitions: &mut Map<String, Value>) -> Value {
    let mut value = shape(&key.shape, definitions);
    value["description"] = format!("{} ({})", key.doc, wanted(&key.shape)).into();
    if key.presence == Presence::Needed && matches!(key.shape, Shape::Names(_)) {
        value["minProperties"] = 1.into();
    }
    if let Presence::Default(text) = key.presence
        && let Some(node) = parse_value(text)
    {
        value["default"] = node.to_json();
    }
    value
}
