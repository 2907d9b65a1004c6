//! The event-driven engine on turmoil-net: virtual time leaps from event to event, so that a run costs what happens in
//! it, not how long it lasts.
//!
//! - `pump`: tasks run dry, packets take flight, the clock leaps, packets arrive. Start there
//! - `tasks`: who owns a task, and how all of a host's end at once
//! - `hosts`: hosts, their incarnations and machines
//! - `fates`: what becomes of a packet; `connection`, `flow` and `segment` are its parts
//! - `network`, `stream`: what programs hold
//!
//! Invariants: one thread, one paused runtime, one network for a whole world; nothing asks the machine for time or
//! randomness; the runtime ends before the network does, since sockets that are dropped call into it. Neighbours:
//! `engine` (the trait), `turmoil_engine` (the same semantics, host by host and tick by tick), `network::link` (what a
//! link does).

mod connection;
mod fates;
mod flow;
mod hosts;
mod network;
mod pump;
mod segment;
mod stream;
mod tasks;

pub use network::{EventListener, EventNetwork};
pub use stream::{EventStream, Manner};
pub(crate) use tasks::Roster;

use crate::clock::Clock;
use crate::engine::{Engine, EngineError};
use crate::entropy::Simulating;
use crate::feature::Feature;
use crate::host::{EPOCH, Host, Life, Panics, Polls, Program, watched};
use crate::network::SimNetwork;
use crate::network::link::FaultId;
use fates::Fates;
use hosts::Condition;
use network::{Machine, Shared};
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{FaultAction, NetworkPlan, Way};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use turmoil_net::{EnterGuard, HostId, KernelConfig, Net, Packet};

/// The engine's word in results.
pub const NAME: &str = "event";

/// What plans may need and this engine lacks.
pub const LACKS: &[Feature] =
    &[Feature::Pause, Feature::ClockSkew, Feature::Bandwidth, Feature::Links, Feature::Datagrams, Feature::DelayPoints];

/// Segments are this long at most, so that a large message comes in several.
const SEGMENT_BYTES: u32 = 16 << 10;

/// What a writer may have under way before it must wait for its reader: the same 256 KiB as on the turmoil engine. The
/// reader's kernel holds 65,535 of them, which is the largest window that turmoil-net can announce.
const SEND_BYTES: usize = (256 << 10) - 65_535;

/// Its retransmission counts passes of the pump, not time: out of the way.
const NEVER_RETRANSMIT: u32 = u32::MAX;

/// A world on turmoil-net. Belongs to the thread it was made on.
pub struct EventEngine {
    // Dropped in this order: tasks first, while sockets can still be closed; last the guard that makes the thread
    // simulate.
    runtime: Runtime,
    hosts: Vec<HostRun>,
    shared: Arc<Shared>,
    net: Stage,
    sent: Vec<Packet>,
    clock: Arc<Clock>,
    panics: Arc<Panics>,
    draw: Draw,
    step: Duration,
    timeout: Duration,
    manner: Manner,
    starts: BTreeMap<String, usize>,
    _simulating: Simulating,
}

/// The network before and after the world has started.
enum Stage {
    /// Hosts may still be added.
    Built,
    /// Packets flow; each machine's kernel, by the machine's number.
    Entered(EnterGuard, Vec<HostId>),
}

/// A host and what its newest incarnation runs.
struct HostRun {
    program: Program,
    roster: Arc<Roster>,
}

impl EventEngine {
    /// A world without hosts, whose steps end with the first moment that comes so long after their beginning. Call it
    /// first thing on a fresh thread, or the same seed may play differently.
    ///
    /// # Errors
    /// If the machine's clock and entropy cannot be taken over.
    pub fn new(seed: u64, step: Duration, network: NetworkPlan) -> Result<EventEngine, EngineError> {
        let failed = |error: &dyn std::fmt::Display| EngineError::Failed(error.to_string());
        let simulating = Simulating::begin(seed, EPOCH).map_err(|error| failed(&error))?;
        let runtime = tasks::runtime(seed).map_err(|error| failed(&error))?;
        let timeout = Duration::from_nanos(network.tcp_timeout_ns);
        Ok(EventEngine {
            runtime,
            hosts: Vec::new(),
            shared: Arc::new(Shared::new(Fates::new(seed, network))),
            net: Stage::Built,
            sent: Vec::new(),
            clock: Arc::new(Clock::of_thread()),
            panics: Arc::default(),
            draw: Draw::of_seed(seed).named("hosts"),
            step,
            timeout,
            manner: Manner::default(),
            starts: BTreeMap::new(),
            _simulating: simulating,
        })
    }

    /// Lets streams and tasks behave in another manner than the usual one. Call it before hosts are added.
    #[must_use]
    pub fn with_manner(self, manner: Manner) -> EventEngine {
        EventEngine { manner, ..self }
    }

    /// Says that a host of this name will start again once more than was said before. Call it before the host is added.
    pub fn will_start_again(&mut self, host: &str) {
        *self.starts.entry(host.to_owned()).or_default() += 1;
    }

    /// Starts the newest incarnation of a host.
    fn start(&mut self, host: usize) {
        let Stage::Entered(_, kernels) = &self.net else { return };
        let (number, incarnation, name) = {
            let fates = self.shared.fates();
            let number = fates.hosts.newest_machine(host);
            (number, fates.hosts.incarnation(number), Arc::<str>::from(fates.hosts.name(host)))
        };
        let draw = self.draw.named(&name).at(incarnation.into());
        let roster = Arc::new(match self.manner {
            Manner::Searching => Roster::searching(draw.named("tasks")),
            Manner::Plain => Roster::default(),
        });
        let life = Arc::new(Life {
            clock: self.clock.clone(),
            panics: self.panics.clone(),
            host: name.clone(),
            draw,
            polls: Polls::default(),
            roster: Some(roster.clone()),
        });
        let machine = Machine { number, kernel: kernels[number] };
        let network = EventNetwork::new(self.shared.clone(), machine, self.timeout, self.manner);
        let network = SimNetwork::Event(network);
        let host_seen = Host { name: name.clone(), incarnation, network, life: life.clone() };
        let _in_runtime = self.runtime.enter();
        let run = &mut self.hosts[host];
        run.roster = roster;
        let program = watched(life, "program", (run.program)(host_seen));
        run.roster.spawn(name, Box::pin(program)).detach();
    }

    /// Opens the network; then every host starts.
    fn enter(&mut self) {
        if let Stage::Entered(..) = self.net {
            return;
        }
        let config = KernelConfig::default()
            .mtu(SEGMENT_BYTES)
            .send_buf_cap(SEND_BYTES)
            .recv_buf_cap(stream::RECEIVE_BYTES)
            .retx_threshold(NEVER_RETRANSMIT);
        let mut net = Net::with_config(config);
        let machines = self.shared.fates().hosts.machine_count();
        let kernels = (0..machines).map(|machine| net.add_host(segment::address_of(machine))).collect();
        self.net = Stage::Entered(net.enter(), kernels);
        (0..self.hosts.len()).for_each(|host| self.start(host));
    }

    fn stop(&mut self, names: &[String], condition: Condition) -> Result<(), EngineError> {
        let hosts = self.shared.fates().hosts.all(names)?;
        for host in hosts {
            if self.shared.fates().hosts.take_down(host, condition).is_some() {
                let _in_runtime = self.runtime.enter();
                if let Some(message) = self.hosts[host].roster.end() {
                    let (name, after_s) =
                        (self.shared.fates().hosts.name(host).to_owned(), pump::elapsed() as f64 / 1e9);
                    let reason =
                        format!("a task on {name} panicked while it was killed after {after_s:.3} s: {message}");
                    return Err(EngineError::Failed(reason));
                }
            }
        }
        Ok(())
    }

    fn start_again(&mut self, names: &[String]) -> Result<(), EngineError> {
        let hosts = self.shared.fates().hosts.all(names)?;
        for host in hosts {
            let started = self.shared.fates().hosts.start_again(host)?;
            if let Some((old, _)) = started {
                self.shared.fates().machine_replaced(old, pump::elapsed());
                self.start(host);
            }
        }
        Ok(())
    }

    /// All directed links between two sets of hosts, in the directions that are concerned.
    fn links(&self, left: &[String], right: &[String], way: Way) -> Result<Vec<(usize, usize)>, EngineError> {
        let fates = self.shared.fates();
        let (left, right) = (fates.hosts.all(left)?, fates.hosts.all(right)?);
        let pairs = left.iter().flat_map(|one| right.iter().map(move |other| (*one, *other)));
        let directed = pairs.flat_map(|(one, other)| {
            let there = (way != Way::RightToLeft).then_some((one, other));
            there.into_iter().chain((way != Way::LeftToRight).then_some((other, one)))
        });
        Ok(directed.collect())
    }

    fn broken(&self) -> Result<(), EngineError> {
        match (self.panics.take(), tasks::stray()) {
            (Some(panic), _) => Err(panic.into()),
            (None, Some(stray)) => Err(EngineError::Failed(stray)),
            (None, None) => Ok(()),
        }
    }
}

impl Engine for EventEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn add_host(&mut self, name: &str, program: Program) {
        let machines = 1 + self.starts.get(name).copied().unwrap_or_default();
        self.shared.fates().hosts.add(name, machines);
        self.hosts.push(HostRun { program, roster: Arc::default() });
    }

    fn clock(&self) -> Arc<Clock> {
        self.clock.clone()
    }

    fn begin(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), EngineError> {
        let now = pump::elapsed();
        match action {
            FaultAction::Partition { left, right, way } => {
                for (from, to) in self.links(left, right, *way)? {
                    self.shared.fates().link(from, to, |link| link.cut(fault, now));
                }
            }
            FaultAction::Latency { left, right, added } => {
                for (from, to) in self.links(left, right, Way::Both)? {
                    self.shared.fates().link(from, to, |link| link.slow_down(fault, added.clone()));
                }
            }
            FaultAction::Loss { left, right, share } => {
                for (from, to) in self.links(left, right, Way::Both)? {
                    self.shared.fates().link(from, to, |link| link.lose(fault, *share));
                }
            }
            FaultAction::Kill { hosts } => self.stop(hosts, Condition::Killed)?,
            FaultAction::Lose { hosts } => self.stop(hosts, Condition::Lost)?,
            FaultAction::Bandwidth { .. }
            | FaultAction::Stop { .. }
            | FaultAction::Pause { .. }
            | FaultAction::ClockSkew { .. } => return Err(EngineError::CannotPlay(NAME)),
        }
        Ok(())
    }

    fn end(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), EngineError> {
        match action {
            FaultAction::Partition { left, right, .. }
            | FaultAction::Latency { left, right, .. }
            | FaultAction::Loss { left, right, .. } => {
                for (from, to) in self.links(left, right, Way::Both)? {
                    self.shared.fates().end_fault(fault, from, to, pump::elapsed());
                }
                Ok(())
            }
            FaultAction::Kill { hosts } | FaultAction::Lose { hosts } => self.start_again(hosts),
            FaultAction::Bandwidth { .. }
            | FaultAction::Stop { .. }
            | FaultAction::Pause { .. }
            | FaultAction::ClockSkew { .. } => Err(EngineError::CannotPlay(NAME)),
        }
    }

    fn step(&mut self, until_ns: Nanos) -> Result<(), EngineError> {
        self.enter();
        let EventEngine { runtime, shared, net, sent, step, .. } = self;
        let Stage::Entered(net, _) = net else { return Ok(()) };
        let enough_ns = pump::elapsed().saturating_add(crate::clock::nanos(*step)).min(until_ns);
        runtime.block_on(async {
            loop {
                pump::moment(net, shared, until_ns, sent).await;
                if pump::elapsed() >= enough_ns {
                    break;
                }
            }
        });
        self.broken()
    }
}
