//! Nothing leaks from seed to seed: the memory of one process while it plays 10,000 seeds of the flagship, or as many as the
//! first argument says, printed every 1,000. A plain table: criterion measures time.

#![allow(clippy::unwrap_used, reason = "a bench may end early")]

use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, library, load};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::explore::{ExploreOptions, SeedRange, explore};
use rehearsal_sim::heap::SeedHeap;
use std::ops::ControlFlow;

// As in the program itself.
#[global_allocator]
static HEAP: SeedHeap = SeedHeap;

const FLAGSHIP: &str = "two_clients_race_for_one_worker";
const SEEDS: u64 = 10_000;
const SEEDS_PER_ROW: u64 = 1_000;

fn main() {
    let source = library::get(FLAGSHIP).unwrap();
    let scenario = load(FLAGSHIP, source.as_bytes(), &Overrides::default()).unwrap();
    // Cargo passes `--bench` as well.
    let count = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(SEEDS);
    let seeds = SeedRange::Count { first: 1, count };
    let options = ExploreOptions { seeds, engine: EngineKind::Event, ..ExploreOptions::default() };
    println!("seeds  resident memory, MiB");
    let explored = explore(&|seed| scenario.plan(seed, World::Simulated), &options, &mut |now| {
        if now.done.is_multiple_of(SEEDS_PER_ROW) || now.done == count {
            println!("{:>6} {:>21.1}", now.done, resident_mib());
        }
        ControlFlow::Continue(())
    });
    assert_eq!((explored.seeds.count, explored.seeds.broken), (count, 0));
}

/// Resident memory of this process, as Linux counts it.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}
