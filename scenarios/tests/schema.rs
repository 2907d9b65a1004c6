//! The JSON Schema describes the same language as the reader: what one accepts, the other accepts, for every embedded
//! file, and what the reader refuses by form, the schema refuses too. The small validator knows the words that we use.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use rehearsal_scenarios::{Overrides, library, load, schema};
use serde_json::Value;

/// Whether a value has the form that a schema describes.
fn accepts(root: &Value, schema: &Value, value: &Value) -> bool {
    schema.as_object().unwrap().iter().all(|(word, wanted)| match word.as_str() {
        "$ref" => accepts(root, root.pointer(wanted.as_str().unwrap().trim_start_matches('#')).unwrap(), value),
        "type" => has_type(wanted.as_str().unwrap(), value),
        "enum" => wanted.as_array().unwrap().contains(value),
        "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
        "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= wanted.as_u64().unwrap()),
        "items" => value.as_array().is_none_or(|list| list.iter().all(|item| accepts(root, wanted, item))),
        "required" => wanted.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
        "anyOf" => wanted.as_array().unwrap().iter().any(|one| accepts(root, one, value)),
        "oneOf" => wanted.as_array().unwrap().iter().filter(|one| accepts(root, one, value)).count() == 1,
        "dependentSchemas" => {
            let mut conditions = wanted.as_object().unwrap().iter();
            conditions.all(|(key, schema)| value.get(key).is_none() || accepts(root, schema, value))
        }
        "properties" => properties(wanted, value).all(|(schema, value)| accepts(root, schema, value)),
        "additionalProperties" => value.as_object().is_none_or(|fields| {
            let known = |key: &str| schema.get("properties").is_some_and(|known| known.get(key).is_some());
            fields.iter().filter(|(key, _)| !known(key)).all(|(_, value)| match wanted {
                Value::Bool(allowed) => *allowed,
                schema => accepts(root, schema, value),
            })
        }),
        // The patterns of durations are the reader's business; that of parameters tells them from any other string.
        "pattern" => wanted != r"\$\{[a-z][a-z0-9_-]*\}" || value.as_str().is_none_or(|text| text.contains("${")),
        "propertyNames" | "description" | "default" | "title" | "$schema" | "$defs" => true,
        "x-tombi-toml-version" => true,
        other => panic!("the validator does not know `{other}`"),
    })
}

fn properties<'a>(schemas: &'a Value, value: &'a Value) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let fields = value.as_object().into_iter().flatten();
    fields.filter_map(|(key, value)| Some((schemas.get(key)?, value)))
}

fn has_type(wanted: &str, value: &Value) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        other => panic!("no type `{other}`"),
    }
}

fn json(text: &str) -> Value {
    serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()
}

fn is_accepted(text: &str) -> bool {
    let schema = schema();
    accepts(&schema, &schema, &json(text))
}

#[test]
fn every_embedded_file_fits_the_schema() {
    for name in library::names() {
        assert!(is_accepted(library::get(name).unwrap()), "{name}");
    }
}

#[test]
fn what_the_reader_refuses_by_form_the_schema_refuses_too() {
    let groups = "[users.workers]\n[users.clients]\n";
    let bad = [
        groups.to_owned(),
        format!("format = 1\nuser = 1\n{groups}"),
        format!("format = 1\nparams = 1\n{groups}"),
        format!("format = 1\n[variants]\nfast = 1\n{groups}"),
        format!("format = 1\n{groups}cout = 1\n"),
        format!("format = 1\n{groups}count = 0\n"),
        format!("format = 1\n{groups}job = 30\n"),
        format!("format = 1\n{groups}strategy = 'fast'\n"),
        format!("format = 1\n{groups}start = {{ uniform = ['1s'] }}\n"),
        format!("format = 1\n{groups}start = {{ uniform = ['1s', '2s'], pick = ['1s'] }}\n"),
        format!("format = 1\n{groups}[[fault]]\ndo = 'kill'\nwho = 'server'\n"),
        format!("format = 1\n{groups}flow = 'x'\n[flow.x]\nsteps = [{{ join = true, connect = true }}]\n"),
        format!("format = 1\n{groups}flow = 'x'\n[flow.x]\nsteps = [{{ think = '1s', retry = {{}} }}]\n"),
    ];
    for text in bad {
        assert!(load("bad", text.as_bytes(), &Overrides::default()).is_err(), "the reader accepts\n{text}");
        assert!(!is_accepted(&text), "the schema accepts\n{text}");
    }
}

#[test]
fn a_parameter_may_stand_for_any_value() {
    let text = "format = 1\n[params]\nn = 3\nlong = '5s'\nrace = { uniform = ['1s', '2s'] }\n[time]\nramp = '${long}'\n\
                [users.workers]\ncount = '${n}'\njob = '${race}'\n[users.clients]\ncount = 2\nstart = ['${long}', '9s']\n";
    assert!(load("params", text.as_bytes(), &Overrides::default()).is_ok());
    assert!(is_accepted(text));
    assert!(!is_accepted(&text.replace("'${n}'", "'n'")));
}

#[test]
fn every_key_has_words_for_the_reader_of_an_editor() {
    let schema = schema();
    let tables = schema["$defs"].as_object().unwrap().values().chain([&schema]).filter(|it| it["type"] == "object");
    for (key, described) in tables.flat_map(|table| table["properties"].as_object().unwrap()) {
        assert!(described["description"].as_str().is_some_and(|words| !words.is_empty()), "{key}");
    }
}
