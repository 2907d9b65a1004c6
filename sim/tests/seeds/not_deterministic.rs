//! A program that really differs from run to run, played twice: the first event that differs is named with its neighbours and
//! with what was drawn before it; the same program without its fault is the same twice.

use crate::scenes::{explore_options, plan, scenario, seed_options};
use futures_util::SinkExt;
use rand::TryRng;
use rehearsal_loadgen::system::{FIRST_SERVER, Host, Server, Stop, System};
use rehearsal_reference::network::{Listener, Network};
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_sim::explore::{Difference, ExploreOptions, Plays, explore_system, twice_with};
use rehearsal_sim::seed::{SeedRun, Setup};
use rehearsal_sim::system::SharedSystem;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Three guests one after the other, and a look at the number that each is greeted with.
const GUESTS: &str = r#"
format = 1
[system]
service = "own"
[users.early]
flow = "visit"
[users.later]
flow = "visit"
start = "1s"
[users.last]
flow = "visit"
start = "2s"
[flow.visit]
steps = ["connect", { expect = { type = "hello" } }]
[check.numbers]
about = "no two guests are greeted with the same number"
at_most_once = { receives = { type = "hello", number = "?number" } }
by = "number"
"#;

/// What a run must not see: how often this process has greeted a last guest.
static LAST_GUESTS_EVER: AtomicU64 = AtomicU64::new(1_000);

/// Greets guests with a number.
struct Greeter {
    /// Whether the third guest is greeted with what the whole process has counted.
    differs: bool,
}

impl System for Greeter {
    fn deploy<N: Network>(&self, _: &Plan) -> Vec<Server<N>> {
        let differs = self.differs;
        vec![Server::new(FIRST_SERVER, move |host, _: Stop| greet(host, differs))]
    }
}

async fn greet<N: Network>(host: Host<N>, differs: bool) {
    let mut listener = host.listen().await.unwrap();
    let mut open = Vec::new();
    for guest in 1.. {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        // A draw that nobody else makes, by its length.
        rand::rngs::SysRng.try_fill_bytes(&mut [0; 5]).unwrap();
        let number = if differs && guest == 3 { LAST_GUESTS_EVER.fetch_add(1, Ordering::Relaxed) } else { guest };
        socket.send(format!(r#"{{"type":"hello","number":{number}}}"#).into()).await.unwrap();
        open.push(socket);
    }
}

fn system(differs: bool) -> SharedSystem {
    Arc::new(Greeter { differs })
}

fn twice(differs: bool) -> Result<SeedRun, Box<Difference>> {
    twice_with(&plan(GUESTS, 1), Setup { options: seed_options(), system: Some(system(differs)), ..Setup::default() })
}

#[test]
fn a_program_that_counts_for_the_whole_process_is_found_at_the_event_in_which_it_shows() {
    let found = twice(true).err().unwrap();
    let mark = format!("  > {} ", found.n);
    let told = found.to_string();
    let marked: Vec<_> = told.lines().filter(|line| line.starts_with(&mark)).collect();
    assert_eq!(marked.len(), 2, "{told}");
    assert!(marked.iter().all(|line| line.contains(r#""user":"last-0""#) && line.contains("hello")), "{told}");
    assert_ne!(marked[0], marked[1], "{told}");
    for excerpt in [&found.first, &found.second] {
        let shown: Vec<_> = excerpt.lines.iter().map(|(n, _)| *n).collect();
        assert_eq!(shown[..4], [found.n - 3, found.n - 2, found.n - 1, found.n], "{told}");
        assert!(shown.len() > 4, "{told}");
        // Before this event both are the same, and the third draw of the server is the last one.
        let before = |excerpt: &rehearsal_sim::explore::Excerpt| excerpt.lines[..3].to_vec();
        assert_eq!(before(&found.first), before(&found.second), "{told}");
        let draw = excerpt.last_draw.as_deref().unwrap();
        assert!(draw.starts_with("draw 3 of server-0, 5 bytes"), "{told}");
    }
}

#[test]
fn the_same_program_without_that_is_the_same_twice() {
    let run = twice(false).unwrap_or_else(|difference| panic!("{difference}"));
    assert_eq!((run.failure.as_ref(), run.verdicts.iter().any(|check| check.judged == 3)), (None, true));
}

#[test]
fn an_exploration_in_pairs_tells_the_lowest_seed_that_differs() {
    let scenario = scenario(GUESTS);
    let options = ExploreOptions { plays: Plays::Twice, ..explore_options(3) };
    let explored = |differs| {
        let plan_of = |seed| scenario.plan(seed, World::Simulated);
        explore_system(Some(system(differs)), &plan_of, &options, &mut |_| ControlFlow::Continue(()))
    };
    assert_eq!(explored(true).difference.map(|difference| difference.seed), Some(1));
    assert_eq!(explored(false).difference, None);
}

/// The greeter shows the process to every check that looks at all greetings; this one no seed passes, so that failures are
/// played again for their story.
#[test]
fn a_failure_that_plays_differently_when_it_is_played_again_is_told() {
    let broken = GUESTS.replace(r#"type = "hello", number = "?number""#, r#"type = "?number""#);
    let scenario = scenario(&broken);
    let explored = |differs| {
        let plan_of = |seed| scenario.plan(seed, World::Simulated);
        let options = explore_options(2);
        explore_system(Some(system(differs)), &plan_of, &options, &mut |_| ControlFlow::Continue(()))
    };
    let found = explored(true);
    assert_eq!((found.groups.len(), found.not_deterministic), (1, Some(1)), "{:?}", found.checks);
    let found = explored(false);
    assert_eq!((found.groups.len(), found.not_deterministic), (1, None), "{:?}", found.checks);
}
