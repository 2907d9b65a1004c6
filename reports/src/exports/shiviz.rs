//! ShiViz: two lines an event, what happened and then the host with its vector clock. Hosts are users; a message that
//! arrived brings its sender's clock along. ShiViz reads it as it comes, with its usual expression
//! `(?<event>.*)\n(?<host>\S*) (?<clock>{.*})`: an event is one line that is not empty, whatever its words hold, and a host is
//! one word.

use super::in_causal_order;
use crate::event::{Event, Name};
use crate::story::{Arrivals, Directory, row};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

type Clock = BTreeMap<Name, u64>;

/// The log of a run.
pub fn shiviz(events: &[Event]) -> String {
    let directory = Directory::of(events);
    let arrivals = Arrivals::of(events, &BTreeSet::new());
    let mut clocks: BTreeMap<Name, Clock> = BTreeMap::new();
    let mut on_their_way: BTreeMap<u64, Clock> = BTreeMap::new();
    let mut log = String::new();
    for event in in_causal_order(events, &arrivals) {
        let Some(told) = row(event, &directory) else { continue };
        let host = host(&event.user);
        let clock = clocks.entry(host.clone()).or_default();
        for (other, time) in on_their_way.remove(&event.n).unwrap_or_default() {
            let known = clock.entry(other).or_default();
            *known = (*known).max(time);
        }
        *clock.entry(host.clone()).or_default() += 1;
        if let Some(arrival) = arrivals.of_sent(event.n) {
            on_their_way.insert(arrival.n, clock.clone());
        }
        let to = told.row.to.map_or_else(String::new, |to| format!(" to {to}"));
        let (seconds, text) = (event.t_ns as f64 / 1e9, one_line(&format!("{}{to}", told.row.text)));
        // Writing into a string cannot fail, and a clock of names and numbers is always JSON.
        let _ = writeln!(log, "{text} at {seconds:.6} s\n{host} {}", serde_json::json!(clock));
    }
    log
}

/// What the dot of an expression does not match in a browser would end the line.
fn one_line(text: &str) -> String {
    text.chars().map(|it| if it.is_control() || matches!(it, '\u{2028}' | '\u{2029}') { ' ' } else { it }).collect()
}

/// A user's name as one word.
fn host(user: &str) -> Name {
    let word = |it: char| if it.is_whitespace() || it.is_control() || it == '\u{feff}' { '_' } else { it };
    let name: String = user.chars().map(word).collect();
    if name.is_empty() { "nobody".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_for_tests::History;

    #[test]
    fn a_message_brings_its_sender_s_clock_along() {
        let mut history = History::new();
        history.at(0.0).joins("a", 1, "room").joins("b", 1, "room");
        history.at(1.0).sends("a", 1, "b", "hello").at(1.5).receives("b", 1, "a", "hello");
        history.at(2.0).sends("b", 1, "a", "lost");
        assert_eq!(
            shiviz(&history.events),
            "connects at 0.000000 s\na {\"a\":1}\n\
             registers at 0.000000 s\na {\"a\":2}\n\
             connects at 0.000000 s\nb {\"b\":1}\n\
             registers at 0.000000 s\nb {\"b\":2}\n\
             peer_message to b at 1.000000 s\na {\"a\":3}\n\
             receives: peer_message from a at 1.500000 s\nb {\"a\":3,\"b\":3}\n\
             peer_message to a at 2.000000 s\nb {\"a\":3,\"b\":4}\n"
        );
    }

    #[test]
    fn a_clock_only_knows_of_events_that_are_in_the_log() {
        let mut history = History::new();
        // Live, the receiver may be the first of the two to write.
        history.at(1.0).receives("b", 1, "a", "hello").sends("a", 1, "b", "hello");
        let log = shiviz(&history.events);
        assert!(log.starts_with("peer_message to b at 1.000000 s\na {\"a\":1}\n"), "{log}");
        assert!(log.ends_with("b {\"a\":1,\"b\":1}\n"), "{log}");
    }
}
