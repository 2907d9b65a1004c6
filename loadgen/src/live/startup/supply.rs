//! What this machine has to spare for a run. Neighbours: `demand` (what a run needs).

use crate::live::vitals;
use std::fs;
use sysinfo::{MemoryRefreshKind, System};

/// What there is now. Absent is what the machine does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    /// Files that this process may have open.
    pub open_files: Option<u64>,
    /// Local ports that one source address has for connections.
    pub ports: Option<u64>,
    /// Memory that is free, or would be, in bytes.
    pub memory_bytes: u64,
}

impl Supply {
    /// Looks, after this process was allowed as many files as it may allow itself.
    pub fn raised() -> Supply {
        raise_open_files();
        Supply { open_files: vitals::open_files_limit(), ports: ports(), memory_bytes: memory_bytes() }
    }
}

/// The soft limit guards against mistakes; a load generator means it. The hard limit stays.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Where it is refused, the soft limit holds, and is what the start-up plan counts with.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

#[cfg(not(unix))]
fn raise_open_files() {}

fn ports() -> Option<u64> {
    ports_in(&fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?)
}

fn ports_in(range: &str) -> Option<u64> {
    let mut ends = range.split_whitespace().map(str::parse::<u64>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    (last + 1).checked_sub(first)
}

/// The smaller of what the machine and its control group have left.
fn memory_bytes() -> u64 {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let group = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    system.available_memory().min(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ports_has_both_its_ends() {
        assert_eq!(ports_in("32768\t60999\n"), Some(28_232));
        assert_eq!(ports_in("5 5"), Some(1));
        assert_eq!(ports_in("9 5"), None);
        assert_eq!(ports_in("many"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_everything() {
        let supply = Supply::raised();
        assert!(supply.open_files.is_some() && supply.ports.is_some() && supply.memory_bytes > 0, "{supply:?}");
    }
}
