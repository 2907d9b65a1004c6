//! Who runs where in the simulated world. Users of a group that a fault or a link names have a host each, so that a fault hits
//! exactly them; the others share hosts, since every simulated host costs. Neighbours: `expand`.

use crate::draw::Draw;

/// What faults and links call the servers; no group of users may be called so.
pub(crate) const SERVER: &str = "server";

/// Most users that share a host.
const USERS_PER_HOST_MAX: u32 = 8;

/// The host of a group's user.
pub(crate) fn host_of(group: &str, index: u32, is_named: bool) -> String {
    if is_named { format!("{group}-{index}") } else { format!("{group}-host{}", index / USERS_PER_HOST_MAX) }
}

/// The name of a server's host.
pub(crate) fn server(number: u32) -> String {
    format!("{SERVER}-{number}")
}

/// Whether a host of this name is a server's; all others are users'.
pub fn is_server(host: &str) -> bool {
    let number = host.strip_prefix(SERVER).and_then(|rest| rest.strip_prefix('-'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// So many of these, drawn without putting back, in their own order.
pub(crate) fn pick<T>(all: Vec<T>, count: usize, draw: Draw) -> Vec<T> {
    let mut chances: Vec<(u64, usize)> = (0..all.len()).map(|index| (draw.at(index as u64).bits(), index)).collect();
    chances.sort_unstable();
    chances.truncate(count);
    let mut chosen: Vec<bool> = vec![false; all.len()];
    chances.into_iter().for_each(|(_, index)| chosen[index] = true);
    all.into_iter().zip(chosen).filter_map(|(one, chosen)| chosen.then_some(one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picking_takes_so_many_and_over_seeds_everybody() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..100 {
            let picked = pick(vec!['a', 'b', 'c', 'd'], 2, Draw::of_seed(seed));
            assert_eq!(picked.len(), 2);
            assert!(picked.is_sorted());
            seen.extend(picked);
        }
        assert_eq!(seen.len(), 4);
        assert_eq!(pick(vec![1, 2], 2, Draw::of_seed(1)), [1, 2]);
        assert_eq!(pick(vec![1], 9, Draw::of_seed(1)), [1]);
    }

    #[test]
    fn servers_are_told_from_groups_with_a_similar_name() {
        assert!(is_server(&server(12)));
        for host in [host_of("server-side", 3, true), host_of("servers", 3, true), "server".into(), "server-".into()] {
            assert!(!is_server(&host), "{host}");
        }
    }

    #[test]
    fn a_group_that_a_fault_names_has_a_host_for_each_user() {
        assert_eq!(host_of("workers", 9, true), "workers-9");
        assert_eq!(host_of("workers", 9, false), "workers-host1");
    }
}
