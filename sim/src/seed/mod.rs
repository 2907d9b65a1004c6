//! One seed: a world is built from a plan, played, disturbed, healed, settled, cleaned up and judged.
//!
//! - `programs`: what runs on each host: reference servers, users, and the run itself (prepare and clean up)
//! - `driver`: the stages of a run, and when each is over; `failure`: why it does not come to its end
//! - `stricken`: how faults take hold of a world; when they do is `loadgen::faults`
//!
//! Neighbours: `explore` plays many. Left out: files and words for a terminal.

mod driver;
mod failure;
mod programs;
mod stricken;

pub use self::failure::{Pending, SeedFailure};

use self::programs::Programs;
use crate::engine::{Engine, EngineError, EngineKind};
use crate::entropy::{self, Ledger};
use crate::event_engine::EventEngine;
use crate::event_log::{EventLog, Finished, Keep};
use crate::heap;
use crate::host::{Host, message_of};
use crate::host_clock::Clocks;
use crate::netlog::{self, NetworkLog};
use crate::reference_system::Reference;
use crate::system::SharedSystem;
use crate::turmoil_engine::TurmoilEngine;
use rehearsal_reference::identity::Identity;
use rehearsal_reference::surroundings::Task;
use rehearsal_reports::coverage::Covered;
use rehearsal_reports::event::Event;
use rehearsal_reports::unmatched::Unmatched;
use rehearsal_reports::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::{FaultAction, Plan, Service};
use std::sync::Arc;
use std::time::Duration;
use xxhash_rust::xxh3::Xxh3;

/// How long a tick of turmoil is unless somebody asks for another: events have this order of resolution between hosts.
pub const TICK: Duration = Duration::from_millis(5);

/// How far the event engine goes in one step, unless somebody asks it to stop before: the events of one are kept until it
/// is over.
const STEP: Duration = Duration::from_secs(1);

/// The stack of a seed's thread: judging and clients nest deeper in a debug build than the default allows for.
const STACK_BYTES: usize = 8 << 20;

/// How a seed is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedOptions {
    /// Which engine plays it.
    pub engine: EngineKind,
    /// How far virtual time goes in one step of turmoil; the event engine knows no ticks.
    pub tick: Duration,
    /// Whether the events are wanted.
    pub keep: Keep,
}

impl Default for SeedOptions {
    fn default() -> Self {
        SeedOptions { engine: EngineKind::default(), tick: TICK, keep: Keep::Events }
    }
}

/// A seed that was played.
pub struct SeedRun {
    /// What was played.
    pub plan: Arc<Plan>,
    /// What happened, if it was kept.
    pub events: Vec<Event>,
    /// How many events there were.
    pub event_count: u64,
    /// Messages that no step asked for.
    pub unmatched: Unmatched,
    /// What the checks say.
    pub verdicts: Vec<CheckVerdict>,
    /// What it covered.
    pub covered: Covered,
    /// Hash over all events, all draws of entropy, the verdicts and the end: the same for the same seed, always.
    pub hash: u64,
    /// What its programs asked the machine for.
    pub ledger: Ledger,
    /// Virtual time at which the plan's time 0 was, in nanoseconds; 0 if the run did not come to it.
    pub time_0_ns: u64,
    /// Virtual time that was played, prepare included, in nanoseconds.
    pub virtual_ns: u64,
    /// Why the run did not come to its end, if so.
    pub failure: Option<SeedFailure>,
}

impl SeedRun {
    /// A run of which there is nothing to tell but why it broke.
    fn broke(plan: Arc<Plan>, reason: String) -> SeedRun {
        let failure = Some(SeedFailure::Broke { seed: plan.seed, reason });
        SeedRun {
            plan,
            events: Vec::new(),
            event_count: 0,
            unmatched: Unmatched::default(),
            verdicts: Vec::new(),
            covered: Covered::default(),
            hash: 0,
            ledger: Ledger::default(),
            time_0_ns: 0,
            virtual_ns: 0,
            failure,
        }
    }

    /// Whether a check is broken, or the run did not come to its end.
    pub fn is_broken(&self) -> bool {
        self.failure.is_some() || self.verdicts.iter().any(|check| matches!(check.verdict, Verdict::Broken { .. }))
    }
}

/// Virtual time that users have to leave, for each room and user, before a run counts as stuck: each of them ends by itself within
/// less.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Plays a plan on a fresh thread, which determinism needs: the standard library and `rand` keep state per thread.
pub fn play(plan: Arc<Plan>, options: SeedOptions) -> SeedRun {
    play_with(plan, Setup { options, ..Setup::default() })
}

/// What a seed may be played with besides its plan.
#[derive(Clone)]
pub struct Setup {
    /// How it is played.
    pub options: SeedOptions,
    /// See [`PATIENCE`].
    pub patience: Duration,
    /// The system that is played against; the reference if none, which a service of one's own is not.
    pub system: Option<SharedSystem>,
    /// Who issues and verifies the reference system's identity tokens; as the plan says if none.
    pub identity: Option<Arc<dyn Identity>>,
    /// Who wants to know of packets, draws and turns of tasks.
    pub network_log: Option<Arc<dyn NetworkLog>>,
    /// Whether the ledger names callers.
    pub callers: Callers,
    /// Programs on hosts of their own, beside what the plan says.
    pub more_hosts: Vec<MoreHost>,
}

/// A further host, for programs that are not the reference system's.
#[derive(Clone)]
pub struct MoreHost {
    /// Its name.
    pub name: String,
    /// What it runs.
    pub program: Arc<dyn Fn(Host) -> Task + Send + Sync>,
}

/// Whether the entropy ledger names who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Calls are counted by host.
    Counted,
    /// Each function that calls is named, at the price of a look at the stack for each call.
    Named,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            options: SeedOptions::default(),
            patience: PATIENCE,
            system: None,
            identity: None,
            network_log: None,
            callers: Callers::Counted,
            more_hosts: Vec::new(),
        }
    }
}

/// Plays a plan with another setup than the usual one.
pub fn play_with(plan: Arc<Plan>, setup: Setup) -> SeedRun {
    let seed = plan.seed;
    let on_thread = plan.clone();
    #[allow(clippy::disallowed_methods, reason = "a fresh thread for each seed is what determinism needs")]
    let spawned = std::thread::Builder::new().name(format!("seed-{seed}")).stack_size(STACK_BYTES).spawn(move || {
        heap::use_on_this_thread();
        play_here(on_thread, setup)
    });
    match spawned.map(|thread| thread.join()) {
        Ok(Ok(run)) => run,
        Ok(Err(payload)) => SeedRun::broke(plan, message_of(payload.as_ref())),
        Err(error) => SeedRun::broke(plan, format!("no thread to play it on: {error}")),
    }
}

fn play_here(plan: Arc<Plan>, setup: Setup) -> SeedRun {
    let Setup { options, patience, system, identity, network_log, callers, more_hosts } = setup;
    let _writing = netlog::Writing::begin(network_log);
    if callers == Callers::Named {
        entropy::name_callers();
    }
    let mut engine = match engine_for(&plan, options) {
        Ok(engine) => engine,
        Err(error) => return SeedRun::broke(plan, error.to_string()),
    };
    let system = match system.map_or_else(|| reference(&plan, identity), Ok) {
        Ok(system) => system,
        Err(reason) => return SeedRun::broke(plan, reason),
    };
    let clock = engine.clock();
    let log = Arc::new(EventLog::new(&plan, clock.clone(), options.keep));
    let programs = Programs::new(plan.clone(), log.clone(), system);
    for MoreHost { name, program } in more_hosts {
        engine.add_host(&name, Box::new(move |host| program(host)));
    }
    let failure = driver::drive(engine.as_mut(), programs, patience).err();
    let Finished { verdicts, covered, hash, count, events, unmatched, time_0_ns } = log.finish(failure.is_none());
    let ledger = entropy::close_ledger();
    let hash = hash_of(hash, &ledger, &verdicts, failure.as_ref());
    let (event_count, virtual_ns) = (count, clock.now_ns());
    SeedRun { plan, events, event_count, unmatched, verdicts, covered, hash, ledger, time_0_ns, virtual_ns, failure }
}

/// Everything that must be the same when a seed is played again, as one number.
fn hash_of(events: u64, ledger: &Ledger, verdicts: &[CheckVerdict], failure: Option<&SeedFailure>) -> u64 {
    let mut hasher = Xxh3::with_seed(events);
    hasher.update(&ledger.hash.to_le_bytes());
    for CheckVerdict { name, verdict, judged, violations, .. } in verdicts {
        // Names and words are apart from each other by the numbers, which are always eight bytes.
        hasher.update(name.as_bytes());
        hasher.update(&judged.to_le_bytes());
        hasher.update(verdict.word().as_bytes());
        hasher.update(&violations.to_le_bytes());
    }
    if let Some(failure) = failure {
        hasher.update(failure.to_string().as_bytes());
    }
    hasher.digest()
}

/// The reference system, with this identity or the plan's.
fn reference(plan: &Plan, identity: Option<Arc<dyn Identity>>) -> Result<SharedSystem, String> {
    if plan.system.service == Service::Own {
        return Err(NO_SYSTEM.to_owned());
    }
    let reference = identity.map_or_else(|| Reference::of(plan), |identity| Ok(Reference::new(identity)));
    Ok(Arc::new(reference.map_err(|error| error.to_string())?))
}

/// Why a plan for a service of one's own is not played against the reference.
pub const NO_SYSTEM: &str = "the scenario is for a service of your own, and no such service was given";

fn engine_for(plan: &Plan, options: SeedOptions) -> Result<Box<dyn Engine>, EngineError> {
    match options.engine {
        EngineKind::Turmoil => match TurmoilEngine::new(plan.seed, options.tick, plan.network.clone()) {
            Ok(engine) => Ok(Box::new(engine)),
            Err(error) => Err(EngineError::Failed(error.to_string())),
        },
        EngineKind::Event => {
            let sets_clocks = plan.faults.iter().any(|fault| matches!(fault.action, FaultAction::ClockSkew { .. }));
            let clocks = if sets_clocks { Clocks::MayErr } else { Clocks::NeverErr };
            let engine = EventEngine::new(plan.seed, STEP, plan.network.clone())?;
            Ok(Box::new(engine.with_delay_points(plan.delay_points.clone()).with_clocks(clocks)))
        }
    }
}
