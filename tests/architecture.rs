//! The arrows and absences of ARCHITECTURE.md, enforced over `cargo metadata` and the sources.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::BTreeMap;
use std::path::Path;

/// Which crates of ours each crate may use.
fn allowed_arrows() -> BTreeMap<&'static str, Vec<&'static str>> {
    BTreeMap::from([
        ("rehearsal-scenarios", vec![]),
        ("rehearsal-reports", vec!["rehearsal-scenarios"]),
        ("rehearsal-reference", vec![]),
        ("rehearsal-loadgen", vec!["rehearsal-reports", "rehearsal-scenarios", "rehearsal-reference"]),
        ("rehearsal-sim", vec!["rehearsal-loadgen", "rehearsal-reports", "rehearsal-scenarios", "rehearsal-reference"]),
        (
            "rehearsal",
            vec![
                "rehearsal-sim",
                "rehearsal-loadgen",
                "rehearsal-reports",
                "rehearsal-scenarios",
                "rehearsal-reference",
            ],
        ),
    ])
}

/// Crates that a crate of ours must not depend on, directly.
fn forbidden_libraries() -> Vec<(&'static str, &'static [&'static str])> {
    let doors: &[&str] = &["tokio", "hyper", "axum", "tokio-tungstenite", "turmoil", "rand", "libc", "tempfile"];
    vec![
        ("rehearsal-scenarios", doors),
        ("rehearsal-reports", doors),
        ("rehearsal-reference", &["turmoil", "libc"]),
        ("rehearsal-loadgen", &["turmoil"]),
        ("rehearsal", &["turmoil"]),
    ]
}

fn direct_dependencies() -> BTreeMap<String, Vec<String>> {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata runs in this workspace");
    metadata
        .packages
        .iter()
        .map(|package| {
            let used = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal)
                .map(|dependency| dependency.name.clone())
                .collect();
            (package.name.to_string(), used)
        })
        .collect()
}

#[test]
fn arrows_point_only_where_the_map_says() {
    let allowed = allowed_arrows();
    for (name, used) in direct_dependencies() {
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not on the map"));
        for ours in used.iter().filter(|used| used.starts_with("rehearsal")) {
            assert!(allowed.contains(&ours.as_str()), "{name} must not use {ours}");
        }
    }
}

#[test]
fn pure_crates_have_no_doors_to_the_machine() {
    let direct = direct_dependencies();
    for (name, forbidden) in forbidden_libraries() {
        for library in forbidden {
            assert!(!direct[name].iter().any(|used| used == library), "{name} must not use {library}");
        }
    }
}

#[test]
fn only_the_simulated_world_names_turmoil() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["reference/src", "loadgen/src", "reports/src", "scenarios/src", "src"] {
        for (path, text) in sources(&root.join(folder)) {
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                assert!(!code.contains("turmoil::"), "{path}:{}: only sim names turmoil", number + 1);
            }
        }
    }
}

#[test]
fn pure_crates_open_no_files_and_read_no_clock() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["reports/src", "scenarios/src"] {
        for (path, text) in sources(&root.join(folder)) {
            for door in ["std::fs", "File::open", "std::net", "std::env", "std::process", "SystemTime", "Instant::now"]
            {
                let found = text.lines().any(|line| line.split("//").next().unwrap_or_default().contains(door));
                assert!(!found, "{path} uses {door}");
            }
        }
    }
}

#[test]
fn every_file_opens_with_its_role() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["reference/src", "loadgen/src", "reports/src", "scenarios/src", "sim/src", "src"] {
        for (path, text) in sources(&root.join(folder)) {
            assert!(text.starts_with("//!"), "{path} does not open with its role");
        }
    }
}

/// All Rust sources below a folder, with their texts.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is on the map") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("readable");
            found.push((path.display().to_string(), text));
        }
    }
    found
}
