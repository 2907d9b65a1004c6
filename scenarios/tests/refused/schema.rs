//! The JSON Schema describes the same language as the reader: what one accepts, the other accepts, for every embedded
//! file, and what the reader refuses by form, the schema refuses too. The small validator knows the words that we use.

use super::files::wrong;
use regex_lite::Regex;
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
        "maxItems" => value.as_array().is_none_or(|list| list.len() as u64 <= wanted.as_u64().unwrap()),
        "minProperties" => value.as_object().is_none_or(|fields| fields.len() as u64 >= wanted.as_u64().unwrap()),
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
        "pattern" => value.as_str().is_none_or(|text| Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text)),
        "propertyNames" => value
            .as_object()
            .is_none_or(|fields| fields.keys().all(|key| accepts(root, wanted, &Value::String(key.clone())))),
        "description" | "default" | "title" | "$schema" | "$defs" => true,
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

/// What an editor gives to the schema; none if it is no TOML.
fn json(text: &str) -> Option<Value> {
    text.parse::<toml::Table>().ok().map(|table| serde_json::to_value(table).unwrap())
}

fn is_accepted(text: &str) -> bool {
    let schema = schema();
    accepts(&schema, &schema, &json(text).unwrap())
}

#[test]
fn every_embedded_file_fits_the_schema() {
    for name in library::names() {
        assert!(is_accepted(library::get(name).unwrap()), "{name}");
    }
}

/// What no schema can know: names that other parts of a file give, and keys and numbers that contradict each other.
const ONLY_THE_READER: &[&str] = &[
    "[users.workers]",
    "[users.helpers]",
    "[users.clients]",
    "start = ['1s', '2s']",
    "job = '5s'",
    "think = { uniform = ['9s', '1s'] }",
    "think = { lognormal = { p50 = '9s', p99 = '1s' } }",
    "think = { pick = ['1s', '2s'], weights = [1] }",
    "sign_in_rate = 0.1",
    "rooms = 3",
    "count = 4",
    "arrive = 'exponential'",
    "arrive = { rate = 5.0 }",
    "arrive = [{ pause = '5s' }]",
    "arrive = { burst = 3 }",
    "churn = { stay = '5s', leave = { clean = 0 } }",
    "rows = 'people.csv'",
    "properties.size = { pick = [] }",
    "protocol = 'v1'",
    "flow = 'ask'",
    "n = { live = 3 }",
    "room = '${room}'",
    "n = 3",
    "steps = ['join', { discover = {}, save = { n = '/count' } }]",
    "steps = ['join', { discover = {}, save = { repetition = '/count' } }]",
    "discovery = 'p99 < 1s'",
    "discover = 'p99 > 1s'",
    "live = { either = ['nobody_is_rude'] }",
    "either = ['nobody_speaks_for_another']",
    "live = {}",
    "back = '1s'",
    "role = 'client'",
    "skip = { nobody_speaks_for_another = '' }",
    "sometimes = { event = 'began' }",
    "answered = { from = { sends = { job_id = '?job' } }, to = { receives = { job_id = '?jb' } } }",
    "exclusive = { from = { event = 'began', op = 'job' }, to = { event = 'ended', op = 'job', user = '?who' } }",
    "steps = ['join', { send = { to = '${peer.peers-3}', payload = {} } }]",
    "steps = ['join', { send = { to = '${nobody}', payload = {} } }]",
    "steps = ['join', { raw = '${filler.many}' }]",
    "steps = ['join', { raw = '${row.name}' }]",
    "steps = ['join', { expect_one_of = [{ message = {}, then = 'g' }] }]",
    "steps = ['join', { expect_one_of = [{ message = {}, then = 'f' }] }]",
    "steps = ['join', { repeat = { steps = [{ raw = {} }] } }]",
    "steps = ['join', { repeat = { steps = [{ malformed = 'endless' }] } }]",
    "steps = ['join', { repeat = { until = { state = 'done' }, steps = ['discover'] } }]",
    "steps = ['join', { span = '', discover = {} }]",
    "steps = ['join', { span = 'deliver', discover = {} }]",
    "steps = ['join', { discover = {} }, { stop = false }]",
    "steps = ['discover', 'join']",
    "steps = [{ repeat = { times = 2, steps = [{ think = '1s' }, { raw = {} }] } }]",
    "steps = ['join', 'stop', 'discover']",
    "steps = [{ meet = 'here', of = 'others' }]",
];

#[test]
fn of_the_wrong_files_the_schema_accepts_only_those_whose_meaning_is_wrong() {
    let schema = schema();
    let parsed = wrong().into_iter().filter_map(|text| Some((json(&text)?, text)));
    let accepted = parsed.filter(|(value, _)| accepts(&schema, &schema, value));
    let accepted: Vec<String> = accepted.map(|(_, text)| text.lines().last().unwrap_or_default().to_owned()).collect();
    assert_eq!(accepted, ONLY_THE_READER, "{accepted:#?}");
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
