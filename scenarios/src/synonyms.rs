//! Words that authors try for the ones that the language has; spelling alone would not lead from one to the other.
//! Neighbours: `diagnostics` asks where a name is unknown. Left out: slips of the pen, which likeness finds.

/// What is written, and what it probably means. A word may stand for several: the first that is valid in its place wins.
const SYNONYMS: &[(&str, &[&str])] = &[
    // Faults: their doings and their keys.
    ("crash", &["kill"]),
    ("die", &["kill"]),
    ("reboot", &["restart"]),
    ("vanish", &["lose"]),
    ("silence", &["lose"]),
    ("cut", &["partition"]),
    ("isolate", &["partition"]),
    ("drop", &["loss", "share", "disconnect"]),
    ("packet_loss", &["loss", "share"]),
    ("slow", &["latency"]),
    ("delay", &["added", "after", "latency", "think", "start"]),
    ("jitter", &["latency", "added"]),
    ("add", &["added"]),
    ("latency", &["added"]),
    ("loss", &["share"]),
    ("rate", &["share", "arrive", "every"]),
    ("ratio", &["share"]),
    ("probability", &["share"]),
    ("percent", &["share"]),
    ("duration", &["for", "measure"]),
    ("lasts", &["for"]),
    ("links", &["between"]),
    ("direction", &["way"]),
    ("host", &["who"]),
    ("hosts", &["who"]),
    ("target", &["who", "to"]),
    ("victim", &["who"]),
    ("after", &["back", "at", "start"]),
    ("when", &["at"]),
    ("restart_after", &["back"]),
    ("returns", &["back"]),
    // Steps and their keys.
    ("leave", &["disconnect"]),
    ("close", &["disconnect"]),
    ("rejoin", &["reconnect"]),
    ("enter", &["join"]),
    ("wait", &["think", "expect"]),
    ("sleep", &["think"]),
    ("pause", &["think"]),
    ("loop", &["repeat"]),
    ("barrier", &["meet"]),
    ("sync", &["meet"]),
    ("receive", &["expect"]),
    ("request", &["http"]),
    ("message", &["payload", "send"]),
    ("timeout", &["within", "tcp_timeout"]),
    ("on_error", &["otherwise"]),
    ("label", &["name"]),
    ("how", &["ending"]),
    // Groups and phases.
    ("number", &["count"]),
    ("size", &["count"]),
    ("kind", &["role"]),
    ("type", &["role"]),
    ("steps", &["flow"]),
    ("warm_up", &["warmup"]),
    ("description", &["about"]),
    ("version", &["format", "protocol"]),
    ("flows", &["flow"]),
    ("groups", &["users"]),
    ("bound", &["within"]),
];

/// The valid name that this word stands for.
pub(crate) fn meant<'n>(word: &str, valid: &[&'n str]) -> Option<&'n str> {
    let (_, meanings) = SYNONYMS.iter().find(|(written, _)| *written == word)?;
    meanings.iter().find_map(|meaning| valid.iter().find(|name| *name == meaning).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_decides_what_a_word_means() {
        assert_eq!(meant("delay", &["between", "added"]), Some("added"));
        assert_eq!(meant("delay", &["join", "think"]), Some("think"));
        assert_eq!(meant("delay", &["join"]), None);
    }

    #[test]
    fn no_word_is_listed_twice() {
        for (index, (word, _)) in SYNONYMS.iter().enumerate() {
            assert!(SYNONYMS[..index].iter().all(|(other, _)| other != word), "{word}");
        }
    }
}
