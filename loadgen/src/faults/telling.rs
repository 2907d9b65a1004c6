//! What the record says about faults: one event when a fault begins, one when it ends, with the hosts and users that it
//! concerns. Neighbours: `schedule` tells, `reports::checks` know these words.

use crate::sink::Draft;
use crate::steward::RUN;
use rehearsal_reports::event::{Body, Kind, Name};
use rehearsal_scenarios::plan::{FaultAction, Plan};
use std::collections::BTreeSet;

/// Which part of a fault is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Begins,
    /// Programs that were told to stop have done so.
    Exited,
    Ends,
}

/// The event that tells it.
pub(super) fn told(plan: &Plan, name: &str, told: Told, action: &FaultAction) -> Draft {
    let concerned: BTreeSet<&String> = action.hosts().collect();
    let users = plan.users.iter().filter(|user| concerned.contains(&user.host));
    let body = Body::Fault {
        name: name.into(),
        what: words(told, action).into(),
        hosts: concerned.iter().map(|host| Name::from(host.as_str())).collect(),
        users: users.map(|user| Name::from(user.name.as_str())).collect(),
    };
    Draft::new(RUN.into(), Kind::Fault, "".into(), body)
}

fn words(told: Told, action: &FaultAction) -> &'static str {
    let (begins, ends) = match action {
        FaultAction::Partition { .. } => ("partition begins", "partition ends"),
        FaultAction::Latency { .. } => ("added latency begins", "added latency ends"),
        FaultAction::Loss { .. } => ("packet loss begins", "packet loss ends"),
        FaultAction::Bandwidth { .. } => ("low bandwidth begins", "low bandwidth ends"),
        FaultAction::Stop { .. } => ("told to stop", "restarted"),
        FaultAction::Kill { .. } => ("killed", "restarted"),
        FaultAction::Lose { .. } => ("machine lost", "restarted"),
        FaultAction::Pause { .. } => ("pause begins", "pause ends"),
        FaultAction::ClockSkew { .. } => ("clock skew begins", "clock skew ends"),
    };
    match told {
        Told::Begins => begins,
        Told::Exited => "exited",
        Told::Ends => ends,
    }
}
