//! How fast a plan is made: the flagship, of which a simulation makes one for each seed, and a scenario of 2,500 users.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, Scenario, library, load};
use std::hint::black_box;

const LARGE: &str = r#"
format = 1

[time]
ramp = "5m"

[rooms]
count = 100

[users.workers]
role = "worker"
count = 500
tags = ["sleap-rtc", "training-worker"]
job = { lognormal = { p50 = "15s", p99 = "90s" } }
properties.gpu_memory_mb = { pick = [8192, 16384, 24576], weights = [5, 3, 2] }

[users.clients]
role = "client"
count = 2000
arrive = "exponential"
jobs = 10

[faults.kill]
do = "kill"
who = { users = "workers", pick = 50 }
at = { uniform = ["20s", "40s"] }
"#;

fn scenario(name: &str, text: &str) -> Scenario {
    load(name, text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"))
}

fn plans(criterion: &mut Criterion) {
    let name = "two_clients_race_for_one_worker";
    let text = library::get(name).unwrap_or_default();
    let flagship = scenario(name, text);
    let mut group = criterion.benchmark_group("plan");
    group.bench_function("read the flagship", |bencher| bencher.iter(|| scenario(name, black_box(text))));
    for (what, scenario) in [("flagship", flagship), ("2,500 users", scenario("large", LARGE))] {
        let mut seed = 0;
        group.throughput(Throughput::Elements(scenario.plan(0, World::Simulated).users.len() as u64));
        group.bench_function(what, |bencher| {
            bencher.iter(|| {
                seed += 1;
                scenario.plan(black_box(seed), World::Simulated)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, plans);
criterion_main!(benches);
