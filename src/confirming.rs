//! Plays a plan in a process of its own, which shares nothing with the one that found the failure, and compares what
//! happened by its hash. Neighbours: `exploring` asks before it tells of a failure.

use crate::cli::Confirm;
use crate::exit::{Exit, Failure};
use crate::itself;
use crate::output;
use crate::simulated::{self, How, not_deterministic};
use crate::source::Source;
use rehearsal_scenarios::plan::Plan;
use rehearsal_sim::event_log::Keep;
use rehearsal_sim::explore::Exploration;
use rehearsal_sim::seed::{SeedOptions, play};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The lowest seed of each way to fail is played once more in a process of its own before it is told: what only fails in
/// this process is no failure of the system.
pub fn confirm(source: &Source, exploration: &Exploration, how: How) -> Result<(), Failure> {
    confirm_by(source, exploration, |plan| hash_in_own_process(plan, how))
}

fn confirm_by(
    source: &Source,
    exploration: &Exploration,
    hash_elsewhere: impl Fn(&Plan) -> Result<u64, Failure>,
) -> Result<(), Failure> {
    let lowest: BTreeSet<u64> = exploration.groups.iter().map(|group| group.lowest_seed).collect();
    for run in exploration.kept.iter().filter(|run| lowest.contains(&run.plan.seed)) {
        if hash_elsewhere(&run.plan)? != run.hash {
            let seed = run.plan.seed;
            return Err(not_deterministic(format!(
                "{}: seed {seed} played differently in a process of its own",
                source.shown
            )));
        }
    }
    Ok(())
}

/// The hash of this plan, played by another process of this program.
fn hash_in_own_process(plan: &Plan, How { engine, tick }: How) -> Result<u64, Failure> {
    let failed = |why: String| {
        Failure::usage(format!("a failure could not be confirmed in a process of its own: {why}"), "try again")
    };
    let ask = || -> std::io::Result<std::process::Output> {
        let mut process = Command::new(itself::program()?)
            .args(["confirm", "--engine", engine.name(), "--tick", &format!("{}ms", tick.as_secs_f64() * 1e3)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = process.stdin.take() {
            stdin.write_all(&serde_json::to_vec(plan)?)?;
        }
        process.wait_with_output()
    };
    let output = ask().map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    u64::from_str_radix(said.trim(), 16).map_err(|_| {
        failed(format!("it said {:?} and {:?}", said.trim(), String::from_utf8_lossy(&output.stderr).trim()))
    })
}

/// The other process.
pub fn run(arguments: &Confirm) -> Result<Exit, Failure> {
    let mut json = Vec::new();
    std::io::stdin()
        .read_to_end(&mut json)
        .map_err(|error| Failure::usage(format!("cannot read stdin: {error}"), ""))?;
    let plan: Plan = serde_json::from_slice(&json).map_err(|error| {
        Failure::usage(format!("stdin holds no plan: {error}"), "`rehearsal plan --format json` prints one")
    })?;
    let engine = simulated::engine(&arguments.engine)?;
    let run = play(Arc::new(plan), SeedOptions { engine, tick: arguments.tick, keep: Keep::VerdictsOnly });
    output::print_line(&format_args!("{:016x}", run.hash));
    Ok(Exit::Expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Settings;
    use crate::source;
    use rehearsal_scenarios::plan::World;
    use rehearsal_sim::engine::EngineKind;
    use rehearsal_sim::explore::{ExploreOptions, SeedRange, explore};
    use std::ops::ControlFlow;

    /// What comes of failures that were found on the usual engine and play elsewhere on this one.
    fn confirmed_on(elsewhere: EngineKind) -> Result<(), Failure> {
        let options = ExploreOptions { seeds: SeedRange::Count { first: 1, count: 2 }, ..ExploreOptions::default() };
        let source = source::find("two_clients_race_naive_worker", &Settings::default()).expect("it is in the library");
        let scenario = source.scenario(None).expect("it loads");
        let plan_of = |seed| scenario.plan(seed, World::Simulated);
        let found = explore(&plan_of, &options, &mut |_| ControlFlow::Continue(()));
        assert!(!found.groups.is_empty(), "nothing to confirm");
        confirm_by(&source, &found, |plan| {
            let options = SeedOptions { engine: elsewhere, tick: options.tick, keep: Keep::VerdictsOnly };
            Ok(play(Arc::new(plan.clone()), options).hash)
        })
    }

    /// Another engine is another disorder: such a play stands for one that depends on its process.
    #[test]
    fn a_failure_that_plays_differently_elsewhere_is_not_told_and_one_that_plays_the_same_is() {
        let failure = confirmed_on(EngineKind::Turmoil).expect_err("it played differently");
        assert_eq!(failure.exit, Exit::NotDeterministic);
        assert!(failure.message.contains("seed 1 played differently in a process of its own"), "{failure}");
        assert!(confirmed_on(EngineKind::default()).is_ok());
    }
}
