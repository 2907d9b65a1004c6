//! Error classes in words, and which operations met them, the same in all formats. Neighbours: `numbers` (who counts them).

use super::units::thousands;
use crate::outcome::Outcome;

/// What an error class means, for those who meet it for the first time; none for a server's own codes.
pub fn class_meaning(class: &str) -> Option<&'static str> {
    Some(match class {
        "refused" => "nobody listens at the address",
        "timed_out" => "no answer came in time",
        "reset" => "the connection was torn down while it was in use",
        "closed" => "the connection had ended before the answer came",
        "dns" => "the name could not be resolved",
        "tls" => "no secure connection could be agreed on",
        "not_websocket" => "what answered does not speak WebSocket",
        "not_http" => "what answered does not speak HTTP",
        "status" => "the HTTP status is not the expected one",
        "garbage" => "what came is no message of this protocol",
        "lost" => "the worker or the connection went away before the job had ended",
        "nobody_free" => "no worker was free to take the job",
        "connection_lost" => "an open connection broke off without a close",
        "closed_by_server" => "the server ended an open connection",
        "unanswered" => "still waiting for an answer when the run ended",
        "failed" => "it had no effect, and nobody said why",
        "unknown" => "nobody can say whether it had an effect",
        "cancelled" => "it was called off",
        _ => return None,
    })
}

/// The operations that met this class of error, the most affected first: `connect 10, register 2`. Empty where no
/// operation did, as when an idle connection ends.
pub fn class_operations(outcome: &Outcome, class: &str) -> String {
    let counts = outcome.operations.iter().filter_map(|it| Some((*it.error_classes.get(class)?, &it.name)));
    let mut counts: Vec<(u64, &String)> = counts.collect();
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    counts.iter().map(|(count, name)| format!("{name} {}", thousands(*count))).collect::<Vec<_>>().join(", ")
}
