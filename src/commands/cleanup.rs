//! `rehearsal cleanup`: removes what a crashed live run left on its target, by the journal in its record.

use super::runtime;
use crate::cli::Cleanup;
use crate::exit::{Exit, Failure};
use crate::output;
use rehearsal_loadgen::live::{finish, tls::Trust};

/// Removes everything that the journal says is left.
pub fn run(arguments: &Cleanup) -> Result<Exit, Failure> {
    let trust = arguments.ca.clone().map_or(Trust::Machine, Trust::Private);
    let work = finish::finish(&arguments.record, &trust, &arguments.yes_i_may_load);
    let finished = runtime::multi_thread()?.block_on(work).map_err(|error| Failure::usage(error.to_string(), ""))?;
    output::print_line(&format_args!("removed {} rooms and identities from {}", finished.removed, finished.http));
    if finished.unknown > 0 {
        output::print_line(&format_args!(
            "{} creations had no answer; if they exist, they expire by themselves",
            finished.unknown
        ));
    }
    if finished.left.is_nothing() {
        output::print_line(&"left behind nothing");
        return Ok(Exit::Expected);
    }
    output::print_line(&format_args!(
        "left behind {} rooms and {} identities",
        finished.left.rooms.len(),
        finished.left.identities.len()
    ));
    Err(Failure::new(
        Exit::Unreachable,
        finished.failure.unwrap_or_else(|| "not everything could be removed".to_owned()),
        "",
    ))
}
