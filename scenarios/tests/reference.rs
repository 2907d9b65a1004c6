//! The page about the language says what the language is: it is printed from the same tables.

use rehearsal_scenarios::{library, reference};

/// Set to print the page anew.
const RENEW: &str = "RENEW_REFERENCE";

#[test]
fn the_page_about_the_language_is_the_one_that_the_tables_print() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenarios.md");
    let printed = reference();
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(path, &printed).expect("docs is there and writable");
    }
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == printed,
        "docs/scenarios.md is out of date; renew it with\n  {RENEW}=1 cargo test -p rehearsal-scenarios --test reference"
    );
}

#[test]
fn every_section_that_the_library_uses_has_a_heading_or_a_row() {
    let page = reference();
    for text in library::names().filter_map(library::get) {
        for key in text.parse::<toml::Table>().expect("embedded files are valid").keys() {
            assert!(page.contains(&format!("| `{key}` |")), "{key}");
        }
    }
}
