//! Checks: properties over the history, one file each. A check is a streaming fold over events, its state bounded by what
//! is open, so that it can run beside a live load.
//!
//! To add one: a file here that implements [`Check`], a line in [`NAMES`] and in `make`, tests with one history that breaks it
//! and one near miss (`history_for_tests` writes them). Neighbours: `event` (what is folded), [`cast`] (who plays, folded
//! once for all checks), [`findings`] (evidence and counts), [`standstills`] (what a late generator explains),
//! `verdict` (what comes out), `judge` (runs them).

pub mod cast;
pub mod declared;
pub mod faults;
pub mod findings;
pub mod moment;
pub mod names;
pub mod standstills;

mod acknowledged_status_is_seen;
mod alike;
mod departed_peers_disappear;
mod filters;
mod flow;
mod flows_come_to_their_end;
mod history_is_linearizable;
mod job_is_begun_by_one_worker;
mod messages_arrive_once_in_order_unchanged;
mod metadata;
mod nobody_speaks_for_another;
mod nothing_is_left_behind;
mod omissions;
mod reservation_always_ends;
mod room_sees_only_its_own;
mod word;
mod worker_runs_one_job_at_a_time;

#[cfg(test)]
pub(crate) mod history_for_tests;
#[cfg(test)]
pub(crate) mod plan_for_tests;

use crate::verdict::CheckVerdict;
use cast::Cast;
use moment::Moment;
use rehearsal_scenarios::plan::Plan;
use serde::{Deserialize, Serialize};

/// A property over events, folded one at a time.
pub trait Check: Send {
    /// Takes the next event into account. Events come in the order in which they were written; the cast has seen it.
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast);
    /// The verdict once the run has ended.
    fn finish(self: Box<Self>, end: RunEnd, cast: &Cast) -> CheckVerdict;
}

/// How a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// Plan time of the last thing known, in nanoseconds.
    pub t_ns: i64,
    /// Whether the run came to its planned end; a killed run did not, and what was open then stays open.
    pub complete: bool,
}

/// The names of all checks, as scenarios, records and reports use them.
pub const NAMES: [&str; 11] = [
    worker_runs_one_job_at_a_time::NAME,
    job_is_begun_by_one_worker::NAME,
    acknowledged_status_is_seen::NAME,
    room_sees_only_its_own::NAME,
    messages_arrive_once_in_order_unchanged::NAME,
    nobody_speaks_for_another::NAME,
    reservation_always_ends::NAME,
    departed_peers_disappear::NAME,
    nothing_is_left_behind::NAME,
    flows_come_to_their_end::NAME,
    history_is_linearizable::NAME,
];

/// Checks that only a scenario which names them is judged by: they hold what the run does until it has ended.
pub const ON_REQUEST: [&str; 1] = [history_is_linearizable::NAME];

/// The check that judges what the run itself leaves on its target, not what the system does.
pub const CLEANED_UP: &str = nothing_is_left_behind::NAME;

/// All checks that the plan does not skip, ready to fold, and then those that the scenario declares.
pub fn all(plan: &Plan) -> Vec<Box<dyn Check>> {
    let built_in = NAMES
        .iter()
        .filter(|name| !plan.checks.skipped.contains_key(**name))
        .filter(|name| !ON_REQUEST.contains(name) || plan.checks.named.iter().any(|named| named == *name))
        .filter_map(|name| make(name, plan.checks.within_ns.get(*name).map(|bound| *bound as i64)));
    built_in.chain(plan.checks.declared.iter().map(declared::make)).collect()
}

/// The check of this name, with the bound that the scenario sets.
fn make(name: &str, within_ns: Option<i64>) -> Option<Box<dyn Check>> {
    Some(match name {
        worker_runs_one_job_at_a_time::NAME => Box::new(worker_runs_one_job_at_a_time::OneJobAtATime::default()),
        job_is_begun_by_one_worker::NAME => Box::new(job_is_begun_by_one_worker::OneWorker::default()),
        acknowledged_status_is_seen::NAME => Box::new(acknowledged_status_is_seen::StatusIsSeen::default()),
        room_sees_only_its_own::NAME => Box::new(room_sees_only_its_own::OnlyItsOwn::default()),
        messages_arrive_once_in_order_unchanged::NAME => {
            Box::new(messages_arrive_once_in_order_unchanged::MessagesArrive::new(within_ns))
        }
        nobody_speaks_for_another::NAME => Box::new(nobody_speaks_for_another::NobodySpeaksForAnother::default()),
        reservation_always_ends::NAME => Box::new(reservation_always_ends::ReservationEnds::new(within_ns)),
        departed_peers_disappear::NAME => Box::new(departed_peers_disappear::DepartedDisappear::new(within_ns)),
        nothing_is_left_behind::NAME => Box::new(nothing_is_left_behind::NothingLeft::default()),
        flows_come_to_their_end::NAME => Box::new(flows_come_to_their_end::FlowsEnd::default()),
        history_is_linearizable::NAME => Box::new(history_is_linearizable::Linearizable::default()),
        _ => return None,
    })
}
