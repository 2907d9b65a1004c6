//! Choices from a seed: each draw is a pure function of where it is made, never the next value of a shared generator.
//!
//! A place is a path of numbers below the seed (stream, user, repetition, step); removing a user, or asking in another
//! order, shifts nobody else's draws. Neighbours: `distribution` turns a draw into a duration or a number. Left out:
//! entropy of the simulated machine (`sim` owns that, on the same hash).

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A place in the tree of choices below a seed. Cheap to copy; descend with [`Draw::at`] and [`Draw::named`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw(u64);

impl Draw {
    /// The root of all choices of a seed.
    pub fn of_seed(seed: u64) -> Draw {
        Draw(xxh3_64_with_seed(b"rehearsal", seed))
    }

    /// The place numbered `index` below this one (a user, a repetition, a step, the nth packet).
    #[must_use]
    pub fn at(self, index: u64) -> Draw {
        Draw(xxh3_64_with_seed(&index.to_le_bytes(), self.0))
    }

    /// The place with this name below this one (a stream such as `"latency"` or `"start"`).
    #[must_use]
    pub fn named(self, name: &str) -> Draw {
        // The length sets names apart from indices, which are always eight bytes.
        Draw(xxh3_64_with_seed(name.as_bytes(), self.0 ^ 0x6e61_6d65_6400 ^ name.len() as u64))
    }

    /// 64 uniform bits.
    pub fn bits(self) -> u64 {
        xxh3_64_with_seed(b"bits", self.0)
    }

    /// A number in [0, 1) with 53 uniform bits.
    pub fn unit(self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number in 0..bound; 0 when bound is 0.
    pub fn below(self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_its_place_alone() {
        let root = Draw::of_seed(7);
        let later = root.named("start").at(3);
        let _ = root.named("start").at(2).bits();
        assert_eq!(later.bits(), Draw::of_seed(7).named("start").at(3).bits());
        assert_ne!(later.bits(), root.named("start").at(4).bits());
        assert_ne!(later.bits(), Draw::of_seed(8).named("start").at(3).bits());
    }

    #[test]
    fn unit_and_below_stay_in_their_ranges() {
        for index in 0..10_000 {
            let draw = Draw::of_seed(index);
            assert!((0.0..1.0).contains(&draw.unit()));
            assert!(draw.below(10) < 10);
        }
        assert_eq!(Draw::of_seed(1).below(0), 0);
    }
}
