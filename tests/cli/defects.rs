//! Each defect of the reference system is proven both ways: on, the check that its scenario names breaks; off, all hold.

use crate::support::{folder, library, run_in, scenario};

const DEFECTS: [&str; 8] = [
    "status_after_accept",
    "no_busy_rejection",
    "late_close_removes_new_registration",
    "metadata_replaces_instead_of_merges",
    "assignment_timeout_never_fires",
    "sender_not_checked",
    "message_crosses_rooms",
    "reservation_never_expires",
];

/// The same scenario with a hardened system that is expected to hold.
fn without_defects(text: &str) -> String {
    let kept = text.lines().filter(|line| !line.starts_with("defects =") && !line.starts_with("expect ="));
    kept.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn with_a_defect_its_check_breaks_and_without_it_holds() {
    for defect in DEFECTS {
        let folder = folder();
        let name = format!("defect_{defect}");
        let text = library(&name);
        assert!(text.contains(&format!("defects = [\"{defect}\"]")), "{name} does not switch it on");
        let on = run_in(folder.path(), &["simulate", &name, "--seeds", "5", "--format", "json"]).ends_with(0);
        assert_eq!(on.objects()[0]["broken_seeds"].as_u64(), Some(5), "{name}: {}", on.stdout);
        scenario(folder.path(), "off.toml", &without_defects(&text));
        let off = run_in(folder.path(), &["simulate", "off.toml", "--seeds", "5", "--format", "json"]).ends_with(0);
        assert_eq!(off.objects()[0]["verdict"].as_str(), Some("holds"), "{name} without it: {}", off.stdout);
    }
}
