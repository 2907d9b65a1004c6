//! Exponential back-off with jitter, so that those who failed together do not come back together. Neighbours:
//! `peer::link` (reconnecting) and `client` (asking again). Left out: waiting, which is the caller's.

use crate::surroundings::Random;
use std::time::Duration;

/// Pauses that double from `first` up to `longest`; each is drawn from its upper half.
#[derive(Clone, Copy, Debug)]
pub struct BackOff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl BackOff {
    /// Starts with about `first`.
    pub fn new(first: Duration, longest: Duration) -> BackOff {
        BackOff { first, longest, next: first }
    }

    /// The next pause.
    pub fn pause(&mut self, random: &dyn Random) -> Duration {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let unit = (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64;
        let pause = self.next.mul_f64(0.5 + unit / 2.0);
        self.next = (self.next * 2).min(self.longest);
        pause
    }

    /// Starts over: something succeeded.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bytes(u8);
    impl Random for Bytes {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_stay_within_their_upper_half() {
        for byte in [0, 0xff] {
            let mut back_off = BackOff::new(Duration::from_millis(100), Duration::from_millis(500));
            for full_ms in [100, 200, 400, 500, 500] {
                let pause = back_off.pause(&Bytes(byte));
                assert!(pause >= Duration::from_millis(full_ms / 2) && pause <= Duration::from_millis(full_ms));
            }
            back_off.reset();
            assert!(back_off.pause(&Bytes(byte)) <= Duration::from_millis(100));
        }
    }
}
