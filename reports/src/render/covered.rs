//! What an exploration covered, in words and as a table; the same in every format. Neighbours: `coverage` (the numbers),
//! `text` and `html` show them.

use super::units::{counted, share, thousands};
use crate::coverage::{Coverage, Doing, FaultCoverage};
use crate::outcome::TimeSpent;

/// `500 seeds showed 41 behaviours, the newest with seed 377; the next seed shows a new one with a chance of 1.2 %`.
pub fn sentence(coverage: &Coverage) -> String {
    let Coverage { seeds, behaviours, newest, .. } = coverage;
    let chance = match coverage.shown_once {
        // That no seed stands alone says only that new ones are rarer than one in as many.
        0 => format!("less than {}", share(1.0 / (*seeds).max(1) as f64)),
        _ => share(coverage.next_is_new()),
    };
    let (seeds, behaviours) = (counted(*seeds, "seeds"), counted(*behaviours, "behaviours"));
    format!(
        "{seeds} showed {behaviours}, the newest with seed {newest}; the next shows a new one with a chance of {chance}"
    )
}

/// The head of the table of faults.
pub fn head() -> Vec<&'static str> {
    ["fault", "seeds"].into_iter().chain(Doing::ALL.map(Doing::word)).collect()
}

/// What the words of the head mean.
pub const WHILE_DOING: &str =
    "seeds in which a victim was away (no connection), idle, asking (an operation was open) or working (a job ran)";

/// A row of it: in how many seeds the fault struck, and struck somebody who was at this. A dash is what no seed showed.
pub fn row(fault: &FaultCoverage) -> Vec<String> {
    let count = |count: u64| if count == 0 { "—".to_owned() } else { thousands(count) };
    let while_doing = Doing::ALL.map(|doing| count(fault.while_doing.get(&doing).copied().unwrap_or_default()));
    [fault.name.clone(), count(fault.seeds)].into_iter().chain(while_doing).collect()
}

/// `of 60.0 s: exploring 40.1 s, confirming 0.2 s, shrinking 3.4 s`.
pub fn time_spent(time: &TimeSpent) -> String {
    let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1e3);
    let TimeSpent { given_ms, exploring_ms, confirming_ms, shrinking_ms } = *time;
    format!(
        "of {}: exploring {}, confirming {}, shrinking {}",
        seconds(given_ms),
        seconds(exploring_ms),
        seconds(confirming_ms),
        seconds(shrinking_ms)
    )
}
