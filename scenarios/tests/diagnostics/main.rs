//! What a reader sees when a scenario file is wrong. Each snapshot is the whole text for one bad file.

mod faults;
mod meaning;
mod steps;
mod text;
mod words;

use rehearsal_scenarios::{Overrides, load};

fn faults_of(source: &[u8]) -> String {
    match load("bad", source, &Overrides::default()) {
        Ok(_) => "no fault".to_owned(),
        Err(faults) => faults.at_path("scenarios/bad.toml").to_string(),
    }
}

fn faults_of_text(source: &str) -> String {
    faults_of(source.as_bytes())
}
