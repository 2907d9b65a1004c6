//! Which addresses of a target's name were connected to. A name that stands for several addresses should get its connections
//! evenly: where it does not, some of them were out of reach, and the others carried their share. Neighbours: `network`
//! counts, `outcome` tells.

use crate::commons::lock;
use rehearsal_reports::render::units::thousands;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

/// Connections by address, of names only: an address as such is its own and only one.
#[derive(Debug, Default)]
pub struct Reached(Mutex<BTreeMap<SocketAddr, u64>>);

/// An address that is this far off the mean is worth a word, if there are enough connections to tell.
const SKEW: f64 = 0.2;
const CONNECTIONS_MIN: u64 = 50;

impl Reached {
    /// A name has these addresses now.
    pub fn named(&self, addresses: &[SocketAddr]) {
        let mut counts = lock(&self.0);
        for address in addresses {
            counts.entry(*address).or_default();
        }
    }

    /// One of them was connected to.
    pub fn connected(&self, address: SocketAddr) {
        *lock(&self.0).entry(address).or_default() += 1;
    }

    /// How the connections were spread, and whether that was uneven; nothing for a single address.
    pub fn remark(&self) -> Option<String> {
        let counts = lock(&self.0);
        let all: u64 = counts.values().sum();
        if counts.len() < 2 || all == 0 {
            return None;
        }
        let of_address = |(address, count): (&SocketAddr, &u64)| format!("{address} {}", thousands(*count));
        let spread = counts.iter().map(of_address).collect::<Vec<_>>().join(", ");
        let mean = all as f64 / counts.len() as f64;
        let farthest = counts.values().map(|count| (*count as f64 / mean - 1.0).abs()).fold(0.0, f64::max);
        // On this machine a name has addresses of both families, of which a server often has one.
        let is_elsewhere = counts.keys().any(|address| !address.ip().is_loopback());
        let skew = match all >= CONNECTIONS_MIN && farthest > SKEW && is_elsewhere {
            true => format!("; uneven, by up to {:.0} % of the mean: was every address in reach?", farthest * 100.0),
            false => String::new(),
        };
        Some(format!("connections by address: {spread}{skew}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark(connections: [u64; 2], hosts: [&str; 2]) -> String {
        let reached = Reached::default();
        let addresses = hosts.map(|host| SocketAddr::new(host.parse().unwrap(), 443));
        reached.named(&addresses);
        for (address, count) in addresses.into_iter().zip(connections) {
            (0..count).for_each(|_| reached.connected(address));
        }
        reached.remark().unwrap_or_default()
    }

    #[test]
    fn an_uneven_spread_is_flagged_past_a_fifth_of_the_mean() {
        let two = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(remark([58, 42], two), "connections by address: 10.0.0.1:443 58, 10.0.0.2:443 42");
        assert!(remark([61, 39], two).ends_with("uneven, by up to 22 % of the mean: was every address in reach?"));
        assert!(remark([100, 0], two).contains("10.0.0.2:443 0; uneven, by up to 100 %"));
        assert!(!remark([10, 0], two).contains("uneven"), "too few to say");
        assert!(!remark([100, 0], ["127.0.0.1", "::1"]).contains("uneven"));
    }

    #[test]
    fn a_single_address_needs_no_word() {
        let reached = Reached::default();
        reached.connected("10.0.0.1:443".parse().unwrap());
        assert_eq!(reached.remark(), None);
    }
}
