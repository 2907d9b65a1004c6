//! The history is linearizable: what peers say of themselves and others see, who holds a worker, and who runs a job can each
//! be put into one order that explains all answers. Stronger than the checks that fold: it follows every value through
//! all operations that may overlap. It holds operations until the run has ended, so a scenario asks for it by name.
//!
//! - [`directory`]: a peer's entry in its room, as a register that discoveries read, and as membership
//! - [`reservation`]: a worker's reservation, as a lock with a lease whose newest token counts
//! - [`job`]: who runs a job, as a lock that is taken once
//! - [`calls`]: the calls of one object
//!
//! Neighbour: [`crate::linearizable`] searches. Each room and peer, worker or job is searched by itself.

mod calls;
mod directory;
mod job;
mod reservation;
#[cfg(test)]
mod tests;

use super::cast::Cast;
use super::findings::{Findings, Profile};
use super::moment::Moment;
use super::{Check, RunEnd};
use crate::verdict::CheckVerdict;

pub(super) const NAME: &str = "history_is_linearizable";

/// Operations that are held; a longer run is judged by its first ones.
const CALLS_MAX: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Linearizable {
    directory: directory::Directory,
    reservations: reservation::Reservations,
    jobs: job::Jobs,
}

impl Check for Linearizable {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        if self.directory.calls() + self.reservations.calls() + self.jobs.calls() < CALLS_MAX {
            self.directory.observe(moment, cast);
            self.reservations.observe(moment, cast);
            self.jobs.observe(moment, cast);
        }
    }

    fn finish(self: Box<Self>, end: RunEnd, cast: &Cast) -> CheckVerdict {
        let mut findings = Findings::default();
        self.directory.judge(end.t_ns, cast, &mut findings);
        self.reservations.judge(end.t_ns, cast, &mut findings);
        self.jobs.judge(cast, &mut findings);
        findings.verdict(Profile {
            name: NAME,
            property: "the history is linearizable",
            judged_what: "operations",
            idle: "nobody registered, reserved or ran a job",
        })
    }
}
