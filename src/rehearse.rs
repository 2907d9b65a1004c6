//! [`scenario`]: a scenario file, played against a system of the caller's: over many seeds, or live on this machine.
//! Neighbours: `sim::explore` and `loadgen::live` play. Left out: the terminal, which is the program's.

use crate::scenario_file::ScenarioFile;
use rehearsal_loadgen::live::deployment::{Deployment, LiveSystem};
use rehearsal_loadgen::live::options::{Interrupt, LiveOptions};
use rehearsal_loadgen::live::{self, machine, threads, url};
use rehearsal_loadgen::system::System;
use rehearsal_loadgen::target::user_agent;
use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::render::text::{self, Style};
use rehearsal_scenarios::plan::{Expectation, Plan, Service, World};
use rehearsal_scenarios::{Overrides, Scenario, load, variant_names};
use rehearsal_sim::explore::{ExploreOptions, SeedRange, explore_system, outcome_of};
use rehearsal_sim::reference_system::Reference;
use rehearsal_sim::seed::NO_SYSTEM;
use rehearsal_sim::system::SharedSystem;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// A rehearsal in the making: a scenario, a system, and a world.
#[must_use = "it plays nothing before `run`"]
pub struct Rehearsal {
    file: PathBuf,
    system: Option<Handed>,
    seeds: RangeInclusive<u64>,
    world: World,
    expect: Option<Expectation>,
    variant: Option<String>,
}

/// A system, as each world takes it.
struct Handed {
    simulated: SharedSystem,
    live: Arc<dyn LiveSystem>,
}

impl Handed {
    fn new(system: impl System) -> Handed {
        let system = Arc::new(system);
        Handed { simulated: system.clone(), live: system }
    }
}

/// Why nothing could be rehearsed.
#[derive(Clone, PartialEq, Eq)]
pub struct Trouble(String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As [`Display`](fmt::Display): a test that returns it prints this one.
impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

/// The scenario in this file. `cargo test` runs in the folder of the package, so that `"race.toml"` lies beside its
/// `Cargo.toml`.
pub fn scenario(file: impl AsRef<Path>) -> Rehearsal {
    let (world, file) = (World::Simulated, file.as_ref().to_owned());
    Rehearsal { file, system: None, seeds: 1..=100, world, expect: None, variant: None }
}

impl Rehearsal {
    /// The system to play against; the reference signaling service if none.
    pub fn system(mut self, system: impl System) -> Rehearsal {
        self.system = Some(Handed::new(system));
        self
    }

    /// Which seeds; 1 to 100 if nothing is said. `seeds(7..=7)` plays one again.
    pub fn seeds(mut self, seeds: RangeInclusive<u64>) -> Rehearsal {
        self.seeds = seeds;
        self
    }

    /// Plays once, live, in place of many simulated seeds: the system runs in this process at a free port of 127.0.0.1, and
    /// users load it over real sockets as `rehearsal load` does. The plan is that of the first seed.
    pub fn live(mut self) -> Rehearsal {
        self.world = World::Live;
        self
    }

    /// Which of the file's variants.
    pub fn variant(mut self, name: &str) -> Rehearsal {
        self.variant = Some(name.to_owned());
        self
    }

    /// Expects this check to be broken in some seed, in place of what the file expects.
    pub fn expect_broken(mut self, check: &str) -> Rehearsal {
        self.expect = Some(Expectation::Broken(vec![check.to_owned()]));
        self
    }

    /// Plays and returns what it came to.
    ///
    /// # Panics
    /// If it is not as the scenario expects (verdicts and thresholds), with verdicts, story and lowest
    /// seed; or as [`Rehearsal::try_run`] fails.
    #[track_caller]
    pub fn run(self) -> Outcome {
        match self.try_run() {
            Ok(outcome) if outcome.passes() => outcome,
            Ok(outcome) => panic!("\n{}", text::outcome(&outcome, Style::Plain)),
            Err(trouble) => panic!("\n{trouble}"),
        }
    }

    /// Plays and returns what it came to, as expected or not.
    ///
    /// # Errors
    /// If the file cannot be read or has faults, or for want of a system. Simulated: if there are no seeds, this machine cannot
    /// simulate, the engine cannot play the scenario, or a seed played differently the second time. Live: if the system
    /// does not listen, panics, ends too early or not at all, or is never reached, or the scenario has faults that strike servers.
    pub fn try_run(self) -> Result<Outcome, Trouble> {
        let scenario = self.load()?;
        let plan = scenario.plan(*self.seeds.start(), self.world);
        if self.system.is_none() && plan.system.service == Service::Own {
            return Err(self.trouble(format!("{NO_SYSTEM}; hand it in with `.system(…)`")));
        }
        match self.world {
            World::Simulated => self.simulate(&scenario, &plan),
            World::Live => self.play_live(plan),
        }
    }

    fn simulate(self, scenario: &Scenario, plan: &Plan) -> Result<Outcome, Trouble> {
        let (first, last) = (*self.seeds.start(), *self.seeds.end());
        let count = last.checked_sub(first).and_then(|more| more.checked_add(1));
        let Some(count) = count else {
            return Err(Trouble(format!("{first}..={last} holds no seeds, or all of them")));
        };
        let options = ExploreOptions { seeds: SeedRange::Count { first, count }, ..ExploreOptions::default() };
        if let Some(reason) = rehearsal_sim::unsupported().or_else(|| options.engine.refuses(plan)) {
            return Err(self.trouble(reason));
        }
        let plan_of = |seed| scenario.plan(seed, World::Simulated);
        let system = self.system.map(|handed| handed.simulated);
        let exploration = explore_system(system, &plan_of, &options, &mut |_| ControlFlow::Continue(()));
        if let Some(seed) = exploration.not_deterministic {
            let why = "the system reads the machine's clock, randomness or threads past what it was handed";
            return Err(Trouble(format!("seed {seed} played differently the second time: {why}")));
        }
        Ok(outcome_of(plan, &exploration, options.engine))
    }

    /// The record stays where the run did not come to what is expected, and the outcome's notes say where.
    fn play_live(self, plan: Plan) -> Result<Outcome, Trouble> {
        let handed = match &self.system {
            Some(handed) => handed.live.clone(),
            None => Arc::new(Reference::of(&plan).map_err(|error| self.trouble(error.to_string()))?),
        };
        let deployment = Deployment::start(&*handed, &plan).map_err(|error| self.trouble(error.to_string()))?;
        let mut plan = plan;
        // The system has them; to a load they would be those of a server that somebody else has started.
        plan.system.defects.clear();
        let options = self.live_options(&plan, &deployment.url());
        let out = options.as_ref().ok().and_then(|options| options.out.clone());
        let played = options.and_then(|options| self.load_live(plan, options));
        let wrong = deployment.stop();
        match played {
            Ok((mut outcome, _)) if wrong.is_empty() && outcome.passes() => {
                // What cannot be removed lies in the folder for temporary files, where the machine does.
                out.into_iter().for_each(|out| drop(std::fs::remove_dir_all(out)));
                outcome.record = None;
                Ok(outcome)
            }
            Ok((mut outcome, record)) if wrong.is_empty() => {
                outcome.notes.push(format!("its record is in {}", record.display()));
                Ok(outcome)
            }
            Err(trouble) if wrong.is_empty() => Err(trouble),
            Ok((_, record)) => {
                let what = wrong.join("; ");
                Err(self.trouble(format!("the system: {what}; its record is in {}", record.display())))
            }
            Err(trouble) => Err(self.trouble(format!("the system: {}; {trouble}", wrong.join("; ")))),
        }
    }

    /// The outcome, and where its record is.
    fn load_live(&self, plan: Plan, options: LiveOptions) -> Result<(Outcome, PathBuf), Trouble> {
        let (_never, interrupt) = watch::channel(Interrupt::None);
        let play = || {
            let runtime = threads::runtime();
            let runtime = runtime.map_err(|error| format!("no runtime to play in: {error}"))?;
            let run = runtime.block_on(live::run(Arc::new(plan), options, Box::new(|_| ()), interrupt));
            run.map_err(|error| error.to_string())
        };
        // On a thread of its own, since the test's may be inside of another runtime.
        #[allow(clippy::disallowed_methods, reason = "live runs use the machine's threads")]
        let played = std::thread::scope(|scope| scope.spawn(play).join());
        let played = played.unwrap_or_else(|_| Err("playing it panicked; this is a bug of rehearsal".to_owned()));
        let run = played.map_err(|reason| self.trouble(reason))?;
        if let Some(reason) = run.unreachable {
            return Err(self.trouble(format!("{reason}; its record is in {}", run.record.display())));
        }
        Ok((run.outcome, run.record))
    }

    fn live_options(&self, plan: &Plan, at: &str) -> Result<LiveOptions, Trouble> {
        let (surroundings, _) = machine::surroundings();
        let run_id = surroundings.random_hex(8);
        let target = url::target(at, None, user_agent(&run_id)).map_err(|error| self.trouble(error.to_string()))?;
        Ok(LiveOptions {
            out: Some(std::env::temp_dir().join(format!("rehearsal-{run_id}"))),
            scenario_text: String::from_utf8_lossy(&self.read()?.bytes).into_owned(),
            parameters: plan.parameters.clone(),
            versions: BTreeMap::from([("rehearsal".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
            lock_hash: env!("REHEARSAL_LOCK_HASH").to_owned(),
            ..LiveOptions::new(target, run_id)
        })
    }

    fn load(&self) -> Result<Scenario, Trouble> {
        let ScenarioFile { name, bytes, unreadable_rows } = self.read()?;
        let variants = variant_names(&bytes);
        if self.variant.is_none() && !variants.is_empty() {
            let named = variants.join(", ");
            return Err(self.trouble(format!("it has the variants {named}: choose one with `.variant(…)`")));
        }
        let overrides = Overrides { unreadable_rows, ..self.overrides() };
        load(&name, &bytes, &overrides).map_err(|faults| Trouble(faults.to_string()))
    }

    fn overrides(&self) -> Overrides {
        Overrides { expect: self.expect.clone(), variant: self.variant.clone(), ..Overrides::default() }
    }

    fn read(&self) -> Result<ScenarioFile, Trouble> {
        let unreadable = |error| Trouble(format!("cannot read {}: {error}", self.file.display()));
        ScenarioFile::read(&self.file, &self.overrides()).map_err(unreadable)
    }

    fn trouble(&self, reason: String) -> Trouble {
        Trouble(format!("{}: {reason}", self.file.display()))
    }
}
