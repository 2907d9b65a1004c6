//! How fast the flagship scenario is simulated, on one core: seeds per second, and simulated seconds per second.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, library, load};
use rehearsal_sim::event_log::Keep;
use rehearsal_sim::heap::SeedHeap;
use rehearsal_sim::seed::{SeedOptions, play};
use std::hint::black_box;
use std::sync::Arc;

// As in the program itself.
#[global_allocator]
static HEAP: SeedHeap = SeedHeap;

const FLAGSHIP: &str = "two_clients_race_for_one_worker";

fn flagship(criterion: &mut Criterion) {
    let source = library::get(FLAGSHIP).expect("the flagship comes with the program");
    let scenario = load(FLAGSHIP, source.as_bytes(), &Overrides::default()).expect("the flagship is valid");
    let options = SeedOptions { keep: Keep::VerdictsOnly, ..SeedOptions::default() };
    let simulated_s = play(Arc::new(scenario.plan(1, World::Simulated)), options).virtual_ns / 1_000_000_000;
    let mut group = criterion.benchmark_group("flagship");
    // Elements are seeds in one, simulated seconds in the other: criterion prints both as elements per second.
    for (unit, elements) in [("seeds", 1), ("simulated seconds", simulated_s)] {
        group.throughput(Throughput::Elements(elements));
        group.bench_function(unit, |bencher| {
            let mut seed = 0;
            bencher.iter(|| {
                seed += 1;
                black_box(play(Arc::new(scenario.plan(seed, World::Simulated)), options).hash)
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(4));
    targets = flagship
}
criterion_main!(benches);
