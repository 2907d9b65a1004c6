//! `rehearsal load`: plays a scenario as load against a real deployment.

use crate::cli::Load;
use crate::exit::{Exit, Failure};
use crate::live::{self, Where};
use crate::output;
use crate::progress::Verbosity;
use crate::source;
use rehearsal_scenarios::plan::{Profile, World};

/// Plays the file against the target.
pub fn run(arguments: &Load) -> Result<Exit, Failure> {
    output::prepare(&arguments.output)?;
    let source = source::find(&arguments.file)?;
    let plan = source.scenario(arguments.expect)?.plan(arguments.seed, World::Live);
    let place = Where {
        target: &arguments.target,
        http: arguments.http.as_deref(),
        allowed_hosts: &arguments.yes_i_may_load,
        ca: arguments.ca.as_deref(),
        out: arguments.output.out.as_deref(),
    };
    let options = live::options(&source, &place)?;
    if arguments.preflight_only {
        let found = live::preflight(plan, &options)?;
        let profile = match found.profile {
            Some(Profile::Documented) => "documented",
            Some(Profile::Deployed) => "deployed",
            None => "unknown",
        };
        output::print_line(&format_args!(
            "preflight  one user of each group, {} in all: ok; profile {profile}",
            found.joined
        ));
        found.remarks.iter().for_each(|remark| output::print_line(&format_args!("remark     {remark}")));
        return Ok(Exit::Expected);
    }
    let run = live::play(plan, options, Verbosity::of(arguments.output.quiet))?;
    let outcome = live::outcome_of(&run);
    let exit = live::exit_of(&run);
    let html = run.record.join("report.html");
    output::write_html(&html, &outcome.scenario, vec![outcome.clone()], Some(output::closing(exit)))?;
    output::print_outcome(&outcome, arguments.output.format);
    output::print_report_path(&html, arguments.output.format);
    output::conclude(&source.name, vec![outcome], exit, &arguments.output)
}
