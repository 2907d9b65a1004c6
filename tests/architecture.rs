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

/// Libraries that a crate of ours must not depend on, by the beginning of their names; not even in its tests where it
/// says so.
struct Forbidden {
    krate: &'static str,
    libraries: &'static [&'static str],
    also_in_tests: bool,
}

/// Doors to the machine and to the network.
const DOORS: &[&str] = &["axum", "getrandom", "hyper", "libc", "rand", "sysinfo", "tempfile", "tokio", "turmoil"];

const FORBIDDEN: &[Forbidden] = &[
    Forbidden { krate: "rehearsal-scenarios", libraries: DOORS, also_in_tests: true },
    Forbidden { krate: "rehearsal-reports", libraries: DOORS, also_in_tests: false },
    Forbidden {
        krate: "rehearsal-reference",
        libraries: &["getrandom", "libc", "sysinfo", "tempfile"],
        also_in_tests: false,
    },
    Forbidden { krate: "rehearsal-reference", libraries: &["turmoil"], also_in_tests: true },
    Forbidden { krate: "rehearsal-loadgen", libraries: &["turmoil"], also_in_tests: true },
    Forbidden { krate: "rehearsal", libraries: &["turmoil"], also_in_tests: true },
];

/// What a crate depends on, directly.
struct Dependency {
    name: String,
    only_in_tests: bool,
}

fn direct_dependencies() -> BTreeMap<String, Vec<Dependency>> {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata runs in this workspace");
    let dependency = |it: &cargo_metadata::Dependency| Dependency {
        name: it.name.clone(),
        only_in_tests: it.kind == DependencyKind::Development,
    };
    let packages = metadata.packages.iter();
    packages.map(|it| (it.name.to_string(), it.dependencies.iter().map(dependency).collect())).collect()
}

/// Every arrow that the map does not have, as a sentence.
fn violations(direct: &BTreeMap<String, Vec<Dependency>>) -> Vec<String> {
    let allowed = allowed_arrows();
    let mut found = Vec::new();
    for (krate, used) in direct {
        let Some(allowed) = allowed.get(krate.as_str()) else {
            found.push(format!("{krate} is not on the map"));
            continue;
        };
        let ours = used.iter().filter(|it| it.name.starts_with("rehearsal") && !it.only_in_tests);
        found.extend(
            ours.filter(|it| !allowed.contains(&it.name.as_str()))
                .map(|it| format!("{krate} must not use {}", it.name)),
        );
    }
    for rule in FORBIDDEN {
        let used = direct.get(rule.krate).into_iter().flatten();
        let counted = used.filter(|it| rule.also_in_tests || !it.only_in_tests);
        let is_forbidden = |it: &&Dependency| rule.libraries.iter().any(|library| it.name.starts_with(library));
        found.extend(counted.filter(is_forbidden).map(|it| format!("{} must not use {}", rule.krate, it.name)));
    }
    found
}

#[test]
fn arrows_point_only_where_the_map_says() {
    assert_eq!(violations(&direct_dependencies()), Vec::<String>::new());
}

#[test]
fn an_arrow_that_is_not_on_the_map_is_found() {
    for (krate, name, only_in_tests) in [
        ("rehearsal-reports", "rehearsal-reference", false),
        ("rehearsal-reference", "rehearsal-reports", false),
        ("rehearsal-loadgen", "turmoil-net", true),
        ("rehearsal-scenarios", "tokio", true),
        ("rehearsal-reports", "hyper-util", false),
        ("rehearsal-newcomer", "serde", false),
    ] {
        let dependency = Dependency { name: name.to_owned(), only_in_tests };
        let found = violations(&BTreeMap::from([(krate.to_owned(), vec![dependency])]));
        assert_eq!(found.len(), 1, "{krate} -> {name}: {found:?}");
    }
    let tests_may = Dependency { name: "tempfile".to_owned(), only_in_tests: true };
    assert!(violations(&BTreeMap::from([("rehearsal-reports".to_owned(), vec![tests_may])])).is_empty());
}

#[test]
fn only_the_simulated_world_names_turmoil() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["reference/src", "loadgen/src", "reports/src", "scenarios/src", "src"] {
        for (path, text) in sources(&root.join(folder)) {
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                assert!(!names_turmoil(code), "{path}:{}: only sim names turmoil", number + 1);
            }
        }
    }
}

/// Whether a line of code speaks of turmoil or one of its relatives; a word inside a text is not code.
fn names_turmoil(code: &str) -> bool {
    ["turmoil::", "turmoil_net", "use turmoil"].iter().any(|word| code.contains(word))
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
