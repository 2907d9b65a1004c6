//! The entropy ledger of a seed, for readers: what each host asked the machine for, past what it was handed, and who did.
//! Neighbours: `sim::entropy` keeps it, `replay` shows it.

use rehearsal_sim::entropy::{Call, Charge, Door, Ledger};
use std::fmt::Write;

/// The counts of one run, and the callers of another of the same seed in which they were named.
pub fn text(counted: &Ledger, named: &Ledger) -> String {
    let mut text = String::from("\nentropy ledger: what was asked of the machine, and answered from the seed\n");
    // Writing into a string cannot fail.
    let _ = writeln!(text, "  {:<24} {:>10} {:>10} {:>15}", "host", "randomness", "wall clock", "monotonic clock");
    for row in &counted.hosts {
        let (host, counts) = (row.host.as_deref().unwrap_or("the engine"), row.counts);
        let (randomness, wall, monotonic) = (counts.randomness, counts.wall_clock, counts.monotonic_clock);
        let _ = writeln!(text, "  {host:<24} {randomness:>10} {wall:>10} {monotonic:>15}");
    }
    let charged = named.charges().count();
    match charged {
        0 => text.push_str("  nobody passes the clock and the randomness that programs are handed; libraries:\n"),
        _ => text.push_str("  MUST NOT: programs are handed a clock and randomness of their own\n"),
    }
    let (charges, excused): (Vec<_>, Vec<_>) = named.calls.iter().partition(|call| call.charge == Charge::MustNot);
    for call in charges.into_iter().chain(excused) {
        let _ = writeln!(text, "  {}", line(call));
    }
    text
}

fn line(call: &Call) -> String {
    let Call { door, host, origin, caller, first_ns, times, charge } = call;
    let door = match door {
        Door::Randomness => "randomness",
        Door::WallClock => "the wall clock",
        Door::MonotonicClock => "the monotonic clock",
    };
    let may = match charge {
        Charge::Excused(reason) => format!("may: {reason}"),
        Charge::MustNot => "must not".to_owned(),
    };
    let first_s = *first_ns as f64 / 1e9;
    format!("{host}, {origin}: {door}, {times} times, first {first_s:.3} s after the start, by {caller} ({may})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_sim::entropy::{Counts, HostCounts};

    fn ledger(charge: Charge) -> Ledger {
        let call = Call {
            door: Door::WallClock,
            host: "server-0".into(),
            origin: "server: connection",
            caller: "shop::till at src/till.rs:7".to_owned(),
            first_ns: 1_500_000_000,
            times: 3,
            charge,
        };
        let counts = Counts { randomness: 1, wall_clock: 3, monotonic_clock: 0 };
        let hosts = vec![HostCounts { host: Some("server-0".into()), counts }];
        Ledger { hosts, calls: vec![call], hash: 0 }
    }

    #[test]
    fn a_charge_is_shown_with_host_task_time_and_caller() {
        let ledger = ledger(Charge::MustNot);
        let text = text(&ledger, &ledger);
        let line = "server-0, server: connection: the wall clock, 3 times, first 1.500 s after the start, by shop::till at \
                    src/till.rs:7 (must not)";
        assert!(text.contains("MUST NOT") && text.contains(line), "{text}");
    }

    #[test]
    fn an_excuse_is_no_charge() {
        let ledger = ledger(Charge::Excused("its header"));
        let text = text(&ledger, &ledger);
        assert!(text.contains("nobody passes") && text.contains("(may: its header)"), "{text}");
    }
}
