//! Who runs where in the simulated world. Users of a group that a fault or a link names have a host each, so that a fault hits
//! exactly them; the others share hosts, since every simulated host costs. Neighbours: `expand`.

use crate::draw::Draw;

/// Most users that share a host.
const USERS_PER_HOST_MAX: u32 = 8;

/// The host of a group's user.
pub(crate) fn host_of(group: &str, index: u32, is_named: bool) -> String {
    if is_named { format!("{group}-{index}") } else { format!("{group}-host{}", index / USERS_PER_HOST_MAX) }
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
    fn a_group_that_a_fault_names_has_a_host_for_each_user() {
        assert_eq!(host_of("workers", 9, true), "workers-9");
        assert_eq!(host_of("workers", 9, false), "workers-host1");
    }
}
