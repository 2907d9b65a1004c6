//! [`scenario`]: a scenario file, played against a system of the caller's over many seeds. Neighbours: `sim::explore` plays.
//! Left out: records and the terminal, which are the program's.

use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::render::text::{self, Style};
use rehearsal_scenarios::plan::{Expectation, Service, World};
use rehearsal_scenarios::{Overrides, Scenario, load};
use rehearsal_sim::explore::{ExploreOptions, SeedRange, explore_system, outcome_of};
use rehearsal_sim::seed::NO_SYSTEM;
use rehearsal_sim::system::{SharedSystem, System};
use std::fmt;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A rehearsal in the making: a scenario, a system, and seeds.
#[must_use = "it plays nothing before `run`"]
pub struct Rehearsal {
    file: PathBuf,
    system: Option<SharedSystem>,
    seeds: RangeInclusive<u64>,
    expect: Option<Expectation>,
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
    Rehearsal { file: file.as_ref().to_owned(), system: None, seeds: 1..=100, expect: None }
}

impl Rehearsal {
    /// The system to play against; the reference signaling service if none.
    pub fn system(mut self, system: impl System + 'static) -> Rehearsal {
        self.system = Some(Arc::new(system));
        self
    }

    /// Which seeds; 1 to 100 if nothing is said. `seeds(7..=7)` plays one again.
    pub fn seeds(mut self, seeds: RangeInclusive<u64>) -> Rehearsal {
        self.seeds = seeds;
        self
    }

    /// Expects this check to be broken in some seed, in place of what the file expects.
    pub fn expect_broken(mut self, check: &str) -> Rehearsal {
        self.expect = Some(Expectation::Broken(vec![check.to_owned()]));
        self
    }

    /// Plays all seeds and returns what they came to.
    ///
    /// # Panics
    /// If it is not as the scenario expects, with verdicts, story and lowest seed; or as [`Rehearsal::try_run`] fails.
    #[track_caller]
    pub fn run(self) -> Outcome {
        match self.try_run() {
            Ok(outcome) if outcome.expected => outcome,
            Ok(outcome) => panic!("\n{}", text::outcome(&outcome, Style::Plain)),
            Err(trouble) => panic!("\n{trouble}"),
        }
    }

    /// Plays all seeds and returns what they came to, as expected or not.
    ///
    /// # Errors
    /// If the file cannot be read or has faults, there are no seeds, this machine cannot simulate, the engine cannot play
    /// the scenario, or a seed played differently the second time.
    pub fn try_run(self) -> Result<Outcome, Trouble> {
        let scenario = self.load()?;
        let (first, last) = (*self.seeds.start(), *self.seeds.end());
        let count = last.checked_sub(first).and_then(|more| more.checked_add(1));
        let Some(count) = count else {
            return Err(Trouble(format!("{first}..={last} holds no seeds, or all of them")));
        };
        let options = ExploreOptions { seeds: SeedRange::Count { first, count }, ..ExploreOptions::default() };
        let plan = scenario.plan(first, World::Simulated);
        if let Some(reason) = rehearsal_sim::unsupported().or_else(|| options.engine.refuses(&plan)) {
            return Err(Trouble(format!("{}: {reason}", self.file.display())));
        }
        if self.system.is_none() && plan.system.service == Service::Own {
            return Err(Trouble(format!("{}: {NO_SYSTEM}; hand it in with `.system(…)`", self.file.display())));
        }
        let plan_of = |seed| scenario.plan(seed, World::Simulated);
        let exploration = explore_system(self.system, &plan_of, &options, &mut |_| ControlFlow::Continue(()));
        if let Some(seed) = exploration.not_deterministic {
            let why = "the system reads the machine's clock, randomness or threads past what it was handed";
            return Err(Trouble(format!("seed {seed} played differently the second time: {why}")));
        }
        Ok(outcome_of(&plan, &exploration, options.engine))
    }

    fn load(&self) -> Result<Scenario, Trouble> {
        let shown = self.file.display();
        let bytes = std::fs::read(&self.file).map_err(|error| Trouble(format!("cannot read {shown}: {error}")))?;
        let name = self.file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let overrides = Overrides { expect: self.expect.clone(), ..Overrides::default() };
        load(&name, &bytes, &overrides).map_err(|faults| Trouble(faults.to_string()))
    }
}
