//! Parse, print, parse: what a printer of TOML makes of a scenario is the same scenario, and a plan survives its JSON.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod any_scenario;

use any_scenario::scenario;
use proptest::prelude::*;
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, library, load_all, setting};
use serde_json::Value;

fn plans(name: &str, text: &str, seed: u64) -> Vec<Plan> {
    let all =
        load_all(name, text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{text}\n{faults}"));
    let worlds = [World::Simulated, World::Live];
    all.iter().flat_map(|scenario| worlds.map(|world| scenario.plan(seed, world))).collect()
}

/// The printer sorts tables by name: groups, faults and variants come in another order, and nothing else may differ.
fn in_order(mut plans: Vec<Plan>) -> Vec<Plan> {
    for plan in &mut plans {
        plan.users.sort_by(|a, b| a.name.cmp(&b.name));
        plan.users.iter_mut().for_each(|user| user.number = 0);
        plan.faults.sort_by(|a, b| a.name.cmp(&b.name));
        plan.drawn.sort_by(|a, b| a.what.cmp(&b.what));
        plan.checks.named.sort();
        let mut declared = serde_json::to_value(&plan.checks.declared).unwrap();
        sort_places(&mut declared);
        plan.checks.declared = serde_json::from_value(declared).unwrap();
        plan.checks.declared.sort_by(|a, b| a.name.cmp(&b.name));
    }
    plans.sort_by(|a, b| a.scenario.cmp(&b.scenario));
    plans
}

/// Patterns of declared checks keep their places in the order of the file.
fn sort_places(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(sort_places),
        Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    Value::Array(places) if key == "message" || key == "with" => places.sort_by_key(Value::to_string),
                    other => sort_places(other),
                }
            }
        }
        _ => {}
    }
}

fn printed(text: &str) -> String {
    toml::to_string(&text.parse::<toml::Table>().unwrap()).unwrap()
}

/// It is the same scenario after printing, and prints the same again.
fn is_stable(name: &str, text: &str, seed: u64) {
    let once = printed(text);
    let (before, after) = (in_order(plans(name, text, seed)), in_order(plans(name, &once, seed)));
    assert!(before == after, "{name} is another scenario after printing:\n{text}\n{once}");
    assert_eq!(printed(&once), once, "{name}");
}

#[test]
fn every_file_of_the_library_is_stable() {
    library::names().for_each(|name| is_stable(name, library::get(name).unwrap(), 7));
}

/// Values that a parameter may have.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        "[ -~]{0,12}".prop_map(|text| toml::Value::from(text.replace("${", "")).to_string()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(", "))),
            prop::collection::vec(("[a-z]{1,5}", inner), 0..4).prop_map(|fields| {
                let fields = fields.into_iter().collect::<std::collections::BTreeMap<_, _>>();
                let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("{{ {} }}", fields.join(", "))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_scenario_is_stable(text in scenario(), seed in any::<u64>()) {
        is_stable("any", &text, seed);
    }

    #[test]
    fn any_value_of_a_parameter_is_sent_as_it_is_however_it_is_given(value in value(), seed in any::<u64>()) {
        let file = |value: &str| format!(
            "format = 1\n[params]\np = {value}\n[users.peers]\nflow = 'f'\n[flow.f]\n\
             steps = ['join', {{ raw = {{ type = 'x', value = '${{p}}' }} }}]\n"
        );
        let written = plans("any", &file(&value), seed);
        prop_assert_eq!(&written, &plans("any", &printed(&file(&value)), seed));
        let set = Overrides { set: [setting(&format!("p={value}")).unwrap()].into(), ..Overrides::default() };
        let set = load_all("any", file("0").as_bytes(), &set).unwrap();
        prop_assert_eq!(&written[0], &set[0].plan(seed, World::Simulated));
        let json = serde_json::to_vec(&written[0]).unwrap();
        prop_assert_eq!(&written[0], &serde_json::from_slice::<Plan>(&json).unwrap());
    }

    /// Stands in for the fuzz target (`fuzz/fuzz_targets/load.rs`) where there is no nightly compiler: far fewer bytes, and
    /// nothing that leads them.
    #[test]
    fn any_bytes_are_planned_or_refused_but_never_panic(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            "(format = 1\n|\\[users\\.[a-z]{1,8}\\]\n|[a-z_.]{1,9} = [-0-9'\"a-z\\[\\]{},${}]{0,20}\n|\\[\\[?[a-z.]{1,9}\\]?\\]\n){0,12}"
                .prop_map(String::into_bytes),
        ],
    ) {
        match load_all("bytes", &bytes, &Overrides::default()) {
            Ok(scenarios) => prop_assert!(scenarios.iter().all(|one| !one.plan(1, World::Live).users.is_empty())),
            Err(faults) => prop_assert!(!faults.faults.is_empty() && faults.to_string().contains("error: ")),
        }
    }
}
