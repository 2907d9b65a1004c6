//! The proof of determinism: the same plan in two fresh threads, compared event by event up to the first difference.

use crate::engine::EngineKind;
use crate::event_log::Keep;
use crate::netlog::{NetworkLog, Wants};
use crate::seed::{SeedOptions, SeedRun, Setup, play_with};
use rehearsal_reports::event::Event;
use rehearsal_reports::record::network::{Entry, What};
use rehearsal_scenarios::plan::Plan;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where two runs of the same seed part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed} was not deterministic: event {n} differs\nthe first time\n{first}the second time\n{second}")]
pub struct Difference {
    /// The seed.
    pub seed: u64,
    /// Number of the first event that differs.
    pub n: u64,
    /// The first run around it.
    pub first: Excerpt,
    /// The second.
    pub second: Excerpt,
}

/// A run around an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Numbers and lines, the event itself among them. An event that a run does not have is its end.
    pub lines: Vec<(u64, String)>,
    /// Which of them is the event itself.
    pub n: u64,
    /// The last draw of entropy before it, in words, if there was one.
    pub last_draw: Option<String>,
}

/// How many events before and after one are shown.
const NEIGHBOURS: u64 = 3;

/// Plays a plan twice on the default engine. The first run, if both are the same in every event.
///
/// # Errors
/// The first difference, with both lines and their neighbours.
pub fn twice(plan: &Arc<Plan>, tick: Duration) -> Result<SeedRun, Box<Difference>> {
    twice_on(EngineKind::default(), plan, tick)
}

/// Plays a plan twice on this engine. The first run, if both are the same in every event.
///
/// # Errors
/// The first difference, with both lines and their neighbours.
pub fn twice_on(engine: EngineKind, plan: &Arc<Plan>, tick: Duration) -> Result<SeedRun, Box<Difference>> {
    twice_with(plan, Setup { options: SeedOptions { engine, tick, keep: Keep::Events }, ..Setup::default() })
}

/// Plays a plan twice with another setup than the usual one. The first run, if both are the same in every event.
///
/// # Errors
/// The first difference, with both lines and their neighbours.
pub fn twice_with(plan: &Arc<Plan>, setup: Setup) -> Result<SeedRun, Box<Difference>> {
    let logged = || {
        let draws = Arc::new(Draws::default());
        let log: Arc<dyn NetworkLog> = draws.clone();
        (play_with(plan.clone(), Setup { network_log: Some(log), ..setup.clone() }), draws.take())
    };
    let first = logged();
    let _held = disturb_the_process();
    let second = logged();
    match difference(plan.seed, &first, &second) {
        Some(difference) => Err(Box::new(difference)),
        None => Ok(first.0),
    }
}

/// Changes what runs of a process share: numbers of tasks and threads go on, and memory is handed out elsewhere for as
/// long as the result lives. A seed must not see it.
fn disturb_the_process() -> Vec<Vec<u8>> {
    // A process that has no room for a runtime has none for the second run either, which says so.
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() {
        runtime.block_on(async {
            for _ in 0..TASKS_BETWEEN {
                #[allow(clippy::disallowed_methods, reason = "tasks of no world: their numbers are what is wanted")]
                let ended = tokio::spawn(std::future::ready(())).await;
                drop(ended);
            }
        });
    }
    (0..BLOCKS_BETWEEN).map(|number| vec![0; 24 << (number % 8)]).collect()
}

/// Not a multiple of anything that task numbers are divided by.
const TASKS_BETWEEN: u32 = 37;
const BLOCKS_BETWEEN: u32 = 64;

/// The draws of a run, in order.
#[derive(Default)]
struct Draws(Mutex<Vec<Entry>>);

impl Draws {
    fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl NetworkLog for Draws {
    fn write(&self, entry: Entry) {
        if let What::Draw { .. } = entry.what {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        }
    }

    fn wants(&self) -> Wants {
        Wants::Draws
    }
}

/// A run and its draws.
type Logged = (SeedRun, Vec<Entry>);

fn difference(seed: u64, first: &Logged, second: &Logged) -> Option<Difference> {
    let (one, other) = (&first.0.events, &second.0.events);
    let length = one.len().max(other.len());
    let is_same_end = first.0.failure == second.0.failure && first.0.hash == second.0.hash;
    let n = match (0..length).find(|n| one.get(*n) != other.get(*n)) {
        Some(n) => n,
        // The same events, and yet another end: a panic that only one of them met, or another draw.
        None if !is_same_end => length,
        None => return None,
    };
    let n = n as u64;
    Some(Difference { seed, n, first: Excerpt::of(first, n), second: Excerpt::of(second, n) })
}

impl Excerpt {
    fn of((run, draws): &Logged, n: u64) -> Excerpt {
        let length = run.events.len() as u64;
        let lines = (n.saturating_sub(NEIGHBOURS)..=(n + NEIGHBOURS).min(length)).map(|number| {
            let event = run.events.get(number as usize);
            (number, event.map_or_else(|| end_of(run), line_of))
        });
        // What was drawn up to the event; all of it if the event is the run's end.
        let world_ns = |event: &Event| event.t_ns.saturating_add_unsigned(run.time_0_ns);
        let until_ns = run.events.get(n as usize).map_or(i64::MAX, world_ns);
        let before = |draw: &&Entry| i64::try_from(draw.t_ns).unwrap_or(i64::MAX) <= until_ns;
        let last_draw = draws.iter().rev().find(before).map(words_of_draw);
        Excerpt { lines: lines.collect(), n, last_draw }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, line) in &self.lines {
            let mark = if *number == self.n { '>' } else { ' ' };
            writeln!(f, "  {mark} {number} {line}")?;
        }
        writeln!(f, "    last draw of entropy before it: {}", self.last_draw.as_deref().unwrap_or("none"))
    }
}

fn end_of(run: &SeedRun) -> String {
    let end = run.failure.as_ref().map_or("the end of the run".to_owned(), ToString::to_string);
    format!("{end} (hash {:016x}, {} draws)", run.hash, run.ledger.draws())
}

fn words_of_draw(draw: &Entry) -> String {
    let host = if draw.host.is_empty() { "the engine" } else { &draw.host };
    let seconds = draw.t_ns as f64 / 1e9;
    match draw.what {
        What::Draw { number, bytes } => {
            format!("draw {number} of {host}, {bytes} bytes, {seconds:.6} s after the start")
        }
        _ => format!("of {host}, {seconds:.6} s after the start"),
    }
}

fn line_of(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_else(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Ledger;
    use crate::seed::SeedFailure;
    use rehearsal_reports::event::{Body, Kind};
    use rehearsal_scenarios::plan::World;
    use rehearsal_scenarios::{Overrides, load};

    fn run(words: &[&str]) -> SeedRun {
        let source = b"format = 1\n[users.workers]\nrole = \"worker\"\n[users.clients]\nrole = \"client\"\n";
        let scenario = load("first", source, &Overrides::default()).expect("the smallest scenario is valid");
        let event = |(n, word): (usize, &&str)| Event {
            n: n as u64,
            t_ns: 0,
            process: 0,
            user: "ada".into(),
            conn: 0,
            kind: Kind::Began,
            op: (*word).into(),
            op_id: None,
            planned_ns: None,
            said: Default::default(),
            content: Default::default(),
            body: Body::Empty,
        };
        SeedRun {
            plan: Arc::new(scenario.plan(7, World::Simulated)),
            unmatched: Default::default(),
            events: words.iter().enumerate().map(event).collect(),
            event_count: words.len() as u64,
            verdicts: Vec::new(),
            covered: Default::default(),
            hash: 0,
            ledger: Ledger::default(),
            time_0_ns: 0,
            virtual_ns: 0,
            failure: None,
        }
    }

    fn draw_at(t_ns: u64) -> Entry {
        Entry { t_ns, host: "ada".into(), what: What::Draw { number: t_ns, bytes: 16 } }
    }

    #[test]
    fn the_first_event_that_differs_is_told_with_its_neighbours_and_the_last_draw_before_it() {
        let mut one = run(&["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
        let mut other = run(&["a", "b", "c", "d", "x", "f", "g", "h", "i"]);
        for run in [&mut one, &mut other] {
            run.time_0_ns = 100;
            run.events.iter_mut().for_each(|event| event.t_ns = event.n as i64);
        }
        let draws = || [3, 104, 105].map(draw_at).to_vec();
        let found = difference(7, &(one, draws()), &(other, draws())).expect("they differ");
        assert_eq!((found.seed, found.n), (7, 4));
        let told = found.to_string();
        let lines: Vec<_> = told.lines().collect();
        assert!(lines[5].starts_with("  > 4 ") && lines[5].contains("\"e\""), "{told}");
        assert!(lines[14].starts_with("  > 4 ") && lines[14].contains("\"x\""), "{told}");
        assert!(lines[2].contains("\"b\"") && lines[8].contains("\"h\""), "{told}");
        assert!(lines[9].contains("draw 104 of ada, 16 bytes"), "{told}");
        assert_eq!(lines.len(), 19, "{told}");
    }

    #[test]
    fn a_run_that_is_longer_or_ends_otherwise_differs_and_the_same_run_does_not() {
        let played = |words: &[&str]| (run(words), Vec::new());
        let last_line = |excerpt: &Excerpt| excerpt.lines.last().expect("the event itself").1.clone();
        let found = difference(7, &played(&["a"]), &played(&["a", "b"])).expect("they differ");
        assert_eq!(found.n, 1);
        assert!(last_line(&found.first).starts_with("the end of the run"), "{found}");
        let mut broke = run(&["a"]);
        broke.failure = Some(SeedFailure::Broke { seed: 7, reason: "a panic".into() });
        let found = difference(7, &played(&["a"]), &(broke, Vec::new())).expect("they differ");
        assert_eq!(found.n, 1);
        assert!(last_line(&found.second).starts_with("seed 7: a panic"), "{found}");
        assert_eq!(difference(7, &played(&["a"]), &played(&["a"])), None);
    }
}
