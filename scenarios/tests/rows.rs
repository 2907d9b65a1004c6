//! Rows from files beside a scenario: where they go, what they leave as it is, and what is refused in which words.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, load, load_all, setting, with_rows};
use serde_json::json;

const SHOPS: &str = "format = 1\n[params]\nfile = { simulated = \"few.csv\", live = \"many.csv\" }\n\
    [users.shoppers]\nflow = \"buy\"\nrows = \"${file}\"\n\
    [flow.buy]\nsteps = [\"join\", { raw = { say = \"${row.name}\" } }]\n";

fn file(name: &str) -> Result<String, String> {
    match name {
        "few.csv" => Ok("name,note\nada,\"${file} \u{7f} \"\"x\"\"\"\n".to_owned()),
        "many.csv" => Ok("name\nbob\neve\n".to_owned()),
        "large.csv" => Ok(format!("name\n{}\n", "x".repeat(1 << 20))),
        other => Err(format!("there is no {other}")),
    }
}

/// The faults of a text whose files are read.
fn refused(text: &str, overrides: &Overrides) -> String {
    let (whole, unreadable_rows) = with_rows(text.as_bytes(), overrides, file);
    load_all("test", &whole, &Overrides { unreadable_rows, ..overrides.clone() }).unwrap_err().to_string()
}

#[test]
fn a_parameter_may_name_the_file_and_its_cells_are_taken_as_they_are() {
    let (whole, unreadable) = with_rows(SHOPS.as_bytes(), &Overrides::default(), file);
    assert!(unreadable.is_empty());
    let scenario = load("test", &whole, &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"));
    let rows = |world| serde_json::to_value(&scenario.plan(1, world).tables["shoppers"]).unwrap();
    assert_eq!(rows(World::Simulated), json!([{ "name": "ada", "note": "${file} \u{7f} \"x\"" }]));
    assert_eq!(rows(World::Live), json!([{ "name": "bob" }, { "name": "eve" }]));
    let again = with_rows(&whole, &Overrides::default(), |_| panic!("a record has its rows"));
    assert_eq!(again.0, whole);
    let set = Overrides { set: [setting("file=many.csv").unwrap()].into(), ..Overrides::default() };
    let (whole, _) = with_rows(SHOPS.as_bytes(), &set, file);
    assert!(!String::from_utf8(whole).unwrap().contains("few.csv\" = "));
}

#[test]
fn rows_leave_every_place_of_the_text_where_it_was() {
    let text = "format = 1\nusers.shoppers = { flow = \"buy\", rows = \"many.csv\", cuont = 2 }\n\
                [flow.buy]\nsteps = [\"join\", { raw = { say = \"${row.nmae}\" } }]";
    insta::assert_snapshot!(refused(text, &Overrides::default()), @r#"
    error: unknown key `cuont` in a group of users
     --> test.toml:2:53
      |
    2 | users.shoppers = { flow = "buy", rows = "many.csv", cuont = 2 }
      |                                                     ^^^^^
      = expected one of `role`, `flow`, `count`, `start`, `arrive`, `protocol`, `rooms`, `pace`,
        `drop_when_late`, `churn`, `rows`, `tags`, `properties`, `strategy`, `defects`, `job`, `jobs`,
        `think`, `choose`, `ask`, `cancel_after`
      = help: did you mean `count`?

    error: no row has a column `nmae`
     --> test.toml:4:34
      |
    4 | steps = ["join", { raw = { say = "${row.nmae}" } }]
      |                                  ^^^^^^^^^^^^^ expected `name`
      = help: did you mean `name`?
      = help: every group that plays this flow needs `rows` with this column

    test.toml: 2 faults
    "#);
}

#[test]
fn a_file_that_cannot_be_read_is_one_fault() {
    let text = SHOPS.replace("many.csv", "none.csv");
    insta::assert_snapshot!(refused(&text, &Overrides::default()), @r#"
    error: the rows of `none.csv` cannot be read
     --> test.toml:6:8
      |
    6 | rows = "${file}"
      |        ^^^^^^^^^ found there is no none.csv
      = help: a CSV file beside the scenario, with names of columns in its first line

    test.toml: 1 fault
    "#);
}

#[test]
fn a_file_that_makes_a_scenario_too_large_is_named() {
    let text = SHOPS.replace("many.csv", "large.csv");
    insta::assert_snapshot!(refused(&text, &Overrides::default()), @r#"
    error: the rows of `large.csv` cannot be read
     --> test.toml:6:8
      |
    6 | rows = "${file}"
      |        ^^^^^^^^^
      = found the scenario would have more than 1048576 bytes with its rows
      = help: a CSV file beside the scenario, with names of columns in its first line

    test.toml: 1 fault
    "#);
}
