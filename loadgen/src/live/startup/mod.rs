//! The start-up plan: before any socket, what a run needs of this machine against what there is. What cannot work is refused
//! with the cure. Start here: [`plan`].
//!
//! - [`demand`]: what a plan needs; [`supply`]: what this machine has
//!
//! Neighbours: `guard` (what may be loaded at all), `generator` (how the machine did in the end).

pub mod demand;
pub mod supply;

use crate::live::guard::is_loopback;
use crate::target::Target;
use demand::Demand;
use rehearsal_reports::render::units::thousands;
use rehearsal_scenarios::plan::Plan;
use std::fmt::{self, Display, Formatter};
use std::net::Ipv4Addr;
use std::time::Duration;
use supply::Supply;

/// One line of the start-up plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Of what.
    pub what: &'static str,
    /// How much the run needs.
    pub needs: String,
    /// How much there is.
    pub has: String,
    /// What to do, if that is not enough.
    pub cure: Option<String>,
}

/// What a run needs against what this machine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartUp {
    /// All needs.
    pub rows: Vec<Row>,
    /// Over how many source addresses the connections are spread.
    pub sources: u8,
}

/// A run for which this machine is too small.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this machine cannot play the plan: {}", .short.join("; "))]
pub struct CannotStart {
    /// Each shortage with its cure.
    short: Vec<String>,
}

/// What this plan needs, and what there is for it now. Raises the number of files that this process may open as far as
/// that is allowed.
pub fn plan(plan: &Plan, route: Route) -> StartUp {
    weigh(&Demand::of(plan, route), &Supply::raised(), route)
}

impl StartUp {
    /// An error that names everything that is short.
    pub fn check(&self) -> Result<(), CannotStart> {
        let short = |row: &Row| {
            let cure = row.cure.as_ref()?;
            Some(format!("it needs {} {}, there are {}\n  hint: {cure}", row.needs, row.what, row.has))
        };
        let short: Vec<String> = self.rows.iter().filter_map(short).collect();
        if short.is_empty() { Ok(()) } else { Err(CannotStart { short }) }
    }
}

/// One line: `1,012 of 20,000 files`, and so on.
impl Display for StartUp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let parts = self.rows.iter().map(|row| match row.has.as_str() {
            "" => format!("{} {}", row.needs, row.what),
            has => format!("{} of {has} {}", row.needs, row.what),
        });
        f.write_str(&parts.collect::<Vec<_>>().join(", "))
    }
}

/// How the target is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// On this machine by an address 127.x, from any address 127.0.0.x.
    Loopback4,
    /// On this machine by name or by `::1`.
    Loopback,
    /// Over a network, from the one address that leads there.
    Network,
}

impl Route {
    /// The way to this target.
    pub fn to(target: &Target) -> Route {
        let hosts = [&target.ws.host, &target.http.host];
        if hosts.into_iter().all(|host| host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())) {
            Route::Loopback4
        } else if hosts.into_iter().all(|host| is_loopback(host)) {
            Route::Loopback
        } else {
            Route::Network
        }
    }
}

/// Connections that one source address on loopback is given: less than half of its ports, since a server on this machine
/// and others need some as well, and since searching for a free one gets slow.
const CONNECTIONS_PER_SOURCE: u64 = 13_500;
/// Source addresses that are used at most: 127.0.0.1 to 127.0.0.250.
const SOURCES_MAX: u64 = 250;

fn weigh(demand: &Demand, supply: &Supply, route: Route) -> StartUp {
    let sources = match route {
        Route::Loopback4 => demand.connections.div_ceil(CONNECTIONS_PER_SOURCE).clamp(1, SOURCES_MAX),
        Route::Loopback | Route::Network => 1,
    };
    let mut rows = vec![
        row("connections", demand.connections, None, String::new()),
        row(if sources == 1 { "source address" } else { "source addresses" }, sources, None, String::new()),
    ];
    if let Some(ports) = supply.ports {
        let cure = "widen net.ipv4.ip_local_port_range, reconnect less often, or split the load over several machines";
        rows.push(row("ports", demand.ports, Some(ports * sources), cure.into()));
    }
    if let Some(files) = supply.open_files {
        let cure = format!("`ulimit -n {}` before the run, or fewer users", demand.open_files.next_multiple_of(1_000));
        rows.push(row("files", demand.open_files, Some(files), cure));
    }
    rows.push(memory(demand.memory_bytes, supply.memory_bytes));
    rows.push(Row { what: "in all", needs: length(demand.length), has: String::new(), cure: None });
    StartUp { rows, sources: sources as u8 }
}

fn row(what: &'static str, needs: u64, has: Option<u64>, cure: String) -> Row {
    let is_short = has.is_some_and(|has| needs > has);
    Row { what, needs: thousands(needs), has: has.map(thousands).unwrap_or_default(), cure: is_short.then_some(cure) }
}

fn memory(needs: u64, has: u64) -> Row {
    let cure = "fewer users, or a machine with more memory".to_owned();
    let mb = |bytes: u64| thousands(bytes.div_ceil(1 << 20));
    Row { what: "MiB of memory", needs: mb(needs), has: mb(has), cure: (needs > has).then_some(cure) }
}

fn length(length: Duration) -> String {
    let seconds = length.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMAND: Demand = Demand {
        connections: 30_000,
        ports: 30_000,
        open_files: 30_100,
        memory_bytes: 1 << 30,
        length: Duration::from_secs(3_725),
    };
    const SUPPLY: Supply = Supply { open_files: Some(65_536), ports: Some(28_232), memory_bytes: 4 << 30 };

    #[test]
    fn what_fits_is_told_in_one_line() {
        let start_up = weigh(&DEMAND, &SUPPLY, Route::Loopback4);
        assert_eq!(start_up.check(), Ok(()));
        assert_eq!(start_up.sources, 3);
        assert_eq!(
            start_up.to_string(),
            "30,000 connections, 3 source addresses, 30,000 of 84,696 ports, 30,100 of 65,536 files, \
             1,024 of 4,096 MiB of memory, 1 h 2 min in all"
        );
    }

    #[test]
    fn everything_that_is_short_is_refused_at_once_with_its_cure() {
        let supply = Supply { open_files: Some(20_000), memory_bytes: 1 << 29, ..SUPPLY };
        let refused = weigh(&DEMAND, &supply, Route::Network).check().unwrap_err().to_string();
        assert!(refused.contains("it needs 30,000 ports, there are 28,232"), "{refused}");
        assert!(refused.contains("`ulimit -n 31000`"), "{refused}");
        assert!(refused.contains("it needs 1,024 MiB of memory, there are 512"), "{refused}");
    }

    #[test]
    fn what_a_machine_does_not_tell_is_not_held_against_it() {
        let supply = Supply { open_files: None, ports: None, ..SUPPLY };
        assert_eq!(weigh(&DEMAND, &supply, Route::Network).check(), Ok(()));
    }
}
