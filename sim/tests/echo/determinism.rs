//! The same seed plays the same, alone, after others and beside others; another seed does not.

use crate::world::{Trace, play};
use rehearsal_scenarios::distribution::Distribution;

fn echo(seed: u64) -> Vec<String> {
    let latency = Distribution::Uniform(1_000_000, 20_000_000);
    let trace = play(seed, latency, 5_000, |world| {
        world.add_server();
        for client in 0..5 {
            world.add_client(&format!("client-{client}"), 100);
        }
    });
    trace.map(|trace: Trace| trace.lines()).unwrap()
}

#[test]
fn the_same_seed_twice_is_byte_identical() {
    let (first, second) = (echo(7), echo(7));
    assert!(first.len() > 100, "{first:?}");
    let difference = first.iter().zip(&second).find(|(one, other)| one != other);
    assert_eq!(difference, None);
    assert_eq!(first.len(), second.len());
    assert_ne!(first, echo(8));
}

#[test]
fn a_seed_plays_the_same_after_others_and_beside_others() {
    let alone = echo(7);
    echo(1);
    assert_eq!(alone, echo(7));
    let beside: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = [7, 2, 7, 3].into_iter().map(|seed| scope.spawn(move || (seed, echo(seed)))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(beside.iter().filter(|(seed, _)| *seed == 7).all(|(_, lines)| *lines == alone));
}
