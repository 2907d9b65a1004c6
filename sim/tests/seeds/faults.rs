//! Faults in whole seeds: told when they begin and end, survived by the hardened system, healed after measure.

use crate::scenes::{broken, faults, played, race_with};

fn fault(what: &str) -> String {
    race_with(&format!("[[fault]]\n{what}"))
}

#[test]
fn each_fault_is_told_and_the_hardened_system_survives_it() {
    let down = |doing: &str, who: &str| format!("do = \"{doing}\"\nwho = \"{who}\"\nat = \"2s\"\nback = \"1s\"");
    let link = |doing: &str, more: &str| {
        format!("do = \"{doing}\"\nbetween = [\"workers\", \"server\"]\nat = \"1s\"\nfor = \"3s\"\n{more}")
    };
    let kinds = [
        (down("kill", "workers"), ["killed", "restarted"]),
        (down("kill", "server"), ["killed", "restarted"]),
        (down("lose", "workers"), ["machine lost", "restarted"]),
        (down("lose", "clients"), ["machine lost", "restarted"]),
        (link("partition", ""), ["partition begins", "partition ends"]),
        (link("partition", "way = \"to_server\""), ["partition begins", "partition ends"]),
        (link("latency", "added = \"300ms\""), ["added latency begins", "added latency ends"]),
        (link("loss", "share = 0.2"), ["packet loss begins", "packet loss ends"]),
    ];
    for (what, words) in kinds {
        for seed in 1..=3 {
            let run = played(&fault(&what), seed);
            assert_eq!(run.failure, None, "{what}");
            let told: Vec<_> = faults(&run).into_iter().map(|(word, _)| word).collect();
            assert_eq!(told, words, "{what}");
            assert!(broken(&run).is_empty(), "seed {seed}, {what}: {:?}", broken(&run));
        }
    }
}
