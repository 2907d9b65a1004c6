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
use demand::{Demand, PROGRAM_BYTES};
use rehearsal_reports::render::units::thousands;
use rehearsal_scenarios::plan::{Plan, SEGMENTS_MAX, Segment};
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
    /// Over how many source addresses each process spreads its connections.
    pub sources: u8,
    /// How many processes play it.
    pub processes: u32,
}

/// By how many processes a plan is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processes {
    /// This one alone.
    One,
    /// So many, on this machine.
    Asked(u32),
    /// As many as it takes, and a whole number of them for each of so many targets.
    AsNeeded(u32),
}

/// Source addresses 127.0.0.x of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sources {
    /// The x of the first one.
    pub first: u8,
    /// How many.
    pub count: u8,
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
pub fn plan(plan: &Plan, route: Route, processes: Processes) -> StartUp {
    let supply = Supply::raised();
    let (count, largest) = split(plan, route, processes, &supply);
    weigh(&Demand::of(plan, route), &largest, count, &supply, route)
}

/// How many processes it takes, and what the one with the most users needs. A plan that does not fall apart into enough
/// segments is left to one process, whose shortage is then told.
fn split(plan: &Plan, route: Route, processes: Processes, supply: &Supply) -> (u32, Demand) {
    let largest = |count: u32| {
        let segments = Segment::all(count).map(|segment| plan.segment(segment)).collect::<Result<Vec<_>, _>>();
        let largest = segments.ok()?.into_iter().max_by_key(|segment| segment.users.len())?;
        Some(Demand::of(&largest, route))
    };
    let whole = || Demand::of(plan, route);
    match processes {
        Processes::One => (1, whole()),
        Processes::Asked(count) => (count, largest(count).unwrap_or_else(whole)),
        Processes::AsNeeded(targets) => {
            let fits = |demand: &Demand| supply.open_files.is_none_or(|files| demand.open_files <= files);
            if targets == 1 && fits(&whole()) {
                return (1, whole());
            }
            let counts =
                (1..).map(|times| targets * times).take_while(|count| *count <= SEGMENTS_MAX.min(PROCESSES_MAX));
            let found = counts
                .filter(|count| *count > 1)
                .map_while(|count| Some((count, largest(count)?)))
                .find(|(_, demand)| fits(demand));
            found.unwrap_or_else(|| (targets, whole()))
        }
    }
}

impl StartUp {
    /// The source addresses of the process that plays this segment.
    pub fn sources_of(&self, segment: Option<Segment>) -> Sources {
        let before = segment.map_or(0, |segment| (segment.nth - 1) * u32::from(self.sources));
        Sources { first: 1 + (before % SOURCES_MAX as u32) as u8, count: self.sources }
    }

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
    /// The way to several targets: the narrowest.
    pub fn to_all(targets: &[Target]) -> Route {
        let ways = targets.iter().map(Route::to);
        ways.reduce(|one, other| match (one, other) {
            (Route::Network, _) | (_, Route::Network) => Route::Network,
            (Route::Loopback4, Route::Loopback4) => Route::Loopback4,
            _ => Route::Loopback,
        })
        .unwrap_or(Route::Loopback4)
    }

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

/// More processes than this on one machine only get into each other's way.
const PROCESSES_MAX: u32 = 64;

fn weigh(demand: &Demand, largest: &Demand, processes: u32, supply: &Supply, route: Route) -> StartUp {
    let sources = match route {
        Route::Loopback4 => largest.connections.div_ceil(CONNECTIONS_PER_SOURCE).clamp(1, SOURCES_MAX),
        Route::Loopback | Route::Network => 1,
    };
    // Over a network all processes have the one address.
    let in_all = if route == Route::Loopback4 { (sources * u64::from(processes)).min(SOURCES_MAX) } else { 1 };
    let mut rows = vec![row("connections", demand.connections, None, String::new())];
    if processes > 1 {
        rows.push(row("processes", processes.into(), None, String::new()));
    }
    rows.push(row(if in_all == 1 { "source address" } else { "source addresses" }, in_all, None, String::new()));
    if let Some(ports) = supply.ports {
        let cure = "widen net.ipv4.ip_local_port_range, reconnect less often, or split the load over several machines";
        rows.push(row("ports", demand.ports, Some(ports * in_all), cure.into()));
    }
    if let Some(files) = supply.open_files {
        let needed = largest.open_files.next_multiple_of(1_000);
        let cure = format!(
            "`ulimit -n {needed}` before the run, more rooms, so that several processes can play them, or fewer users"
        );
        let what = if processes > 1 { "files in each process" } else { "files" };
        rows.push(row(what, largest.open_files, Some(files), cure));
    }
    let memory_bytes = demand.memory_bytes + u64::from(processes - 1) * PROGRAM_BYTES;
    rows.push(memory(memory_bytes, supply.memory_bytes));
    rows.push(Row { what: "in all", needs: length(demand.length), has: String::new(), cure: None });
    StartUp { rows, sources: sources as u8, processes }
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
    use rehearsal_scenarios::plan::World;
    use rehearsal_scenarios::{Overrides, load};

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
        let start_up = weigh(&DEMAND, &DEMAND, 1, &SUPPLY, Route::Loopback4);
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
        let refused = weigh(&DEMAND, &DEMAND, 1, &supply, Route::Network).check().unwrap_err().to_string();
        assert!(refused.contains("it needs 30,000 ports, there are 28,232"), "{refused}");
        assert!(refused.contains("`ulimit -n 31000`"), "{refused}");
        assert!(refused.contains("it needs 1,024 MiB of memory, there are 512"), "{refused}");
    }

    #[test]
    fn what_a_machine_does_not_tell_is_not_held_against_it() {
        let supply = Supply { open_files: None, ports: None, ..SUPPLY };
        assert_eq!(weigh(&DEMAND, &DEMAND, 1, &supply, Route::Network).check(), Ok(()));
    }

    fn idle(rooms: u32) -> Plan {
        let text = format!(
            "format = 1\nabout = \"a test\"\n[rooms]\ncount = {rooms}\n[users.all]\nrole = \"peer\"\nflow = \"f\"\n\
             count = 3000\n[flow.f]\nsteps = [\"join\"]\n"
        );
        load("test", text.as_bytes(), &Overrides::default()).unwrap().plan(1, World::Live)
    }

    #[test]
    fn a_plan_that_one_process_may_not_open_is_split_over_as_many_as_it_takes() {
        let supply = Supply { open_files: Some(1_200), ..SUPPLY };
        let (processes, largest) = split(&idle(30), Route::Loopback4, Processes::AsNeeded(1), &supply);
        assert_eq!((processes, largest.open_files), (3, 1_000 + 16 + 64));
        let start_up = weigh(&Demand::of(&idle(30), Route::Loopback4), &largest, processes, &supply, Route::Loopback4);
        assert_eq!(start_up.check(), Ok(()));
        assert!(start_up.to_string().contains("3 processes, 3 source addresses"), "{start_up}");
        assert!(start_up.to_string().contains("1,080 of 1,200 files in each process"), "{start_up}");
        let (processes, _) = split(&idle(30), Route::Loopback4, Processes::AsNeeded(2), &supply);
        assert_eq!(processes, 4, "the same number for each of two targets");
    }

    #[test]
    fn a_plan_that_does_not_fall_apart_is_refused_where_one_process_is_too_small() {
        let supply = Supply { open_files: Some(1_200), ..SUPPLY };
        let (processes, largest) = split(&idle(1), Route::Loopback4, Processes::AsNeeded(1), &supply);
        let refused = weigh(&largest, &largest, processes, &supply, Route::Loopback4).check().unwrap_err().to_string();
        assert!(
            refused.contains("it needs 3,080 files, there are 1,200") && refused.contains("more rooms"),
            "{refused}"
        );
    }

    #[test]
    fn processes_have_source_addresses_of_their_own() {
        let start_up = weigh(&DEMAND, &DEMAND, 4, &SUPPLY, Route::Loopback4);
        let first = |nth| start_up.sources_of(Some(Segment { nth, of: 4 })).first;
        assert_eq!((first(1), first(2), first(4)), (1, 4, 10));
        assert_eq!(start_up.sources_of(None), Sources { first: 1, count: 3 });
    }
}
