//! `rehearsal plan`: what a seed makes of a scenario, as a time-line or as JSON.

use crate::cli::{Format, ShowPlan, WorldName};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::source;
use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::timeline;

/// Prints the plan.
pub fn run(arguments: &ShowPlan) -> Result<Exit, Failure> {
    let world = match arguments.world {
        WorldName::Simulated => World::Simulated,
        WorldName::Live => World::Live,
    };
    let plan = source::find(&arguments.file, &arguments.settings)?.scenario(None)?.plan(arguments.seed, world);
    match arguments.format {
        Format::Text => output::print_to_stdout(&timeline(&plan)),
        Format::Json => output::print_line(&serde_json::json!({ "format": 1, "plan": plan })),
    }
    Ok(Exit::Expected)
}
