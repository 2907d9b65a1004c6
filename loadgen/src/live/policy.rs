//! What a project allows its live runs, and what it hands in: caps that no scenario may exceed, and an identity token in place of
//! anonymous sign-ins. Neighbours: `guard` refuses what exceeds a cap, `umpires` watches the rate, the command line reads
//! `rehearsal.toml`. Left out: further headers, which are the target's.

use super::breaker::Patience;
use super::secrets::Secret;
use rehearsal_scenarios::plan::Plan;
use std::time::Duration;

/// A project's policy. Without one only the program's own caps apply.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Most users of one run.
    pub users_max: Option<u64>,
    /// Most operations a second, planned or not.
    pub rate_max: Option<f64>,
    /// Most sign-ins and rooms a second; a scenario that wants more gets so many.
    pub sign_in_rate_max: Option<f64>,
    /// Longest run, from its first sign-in to the end of settling.
    pub time_max: Option<Duration>,
    /// What the circuit breaker puts up with.
    pub patience: Patience,
    /// Where the identity token is that all users take, in place of signing in.
    pub token: Option<Secret>,
}

impl Policy {
    /// The plan, as slow in its sign-ins as this allows.
    pub fn slowed_down(&self, mut plan: Plan) -> Plan {
        if let Some(most) = self.sign_in_rate_max
            && (plan.prepare.sign_in_rate > most || plan.prepare.sign_in_rate <= 0.0)
        {
            plan.prepare.sign_in_rate = most;
        }
        plan
    }
}
