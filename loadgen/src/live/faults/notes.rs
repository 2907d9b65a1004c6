//! Where a fault that the generator plays on its own users differs from what it stands for: remarks for the report.
//! Neighbours: `guard` refuses what cannot be played at all, `outcome` shows this.

use rehearsal_reports::event::Name;
use rehearsal_scenarios::plan::{FaultAction, FaultPlan, Plan};
use std::collections::BTreeSet;

/// A sentence for each kind of fault of the plan, with the names of those that struck, and one for those that did not.
pub fn notes(plan: &Plan, struck: &BTreeSet<Name>) -> Vec<String> {
    let has_struck = |fault: &FaultPlan| struck.contains(fault.name.as_str());
    let listed = |which: &dyn Fn(&FaultPlan) -> bool| {
        let names = plan.faults.iter().filter(|fault| which(fault)).map(|fault| format!("`{}`", fault.name));
        Some(names.collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty())
    };
    let named = |of_kind: fn(&FaultAction) -> bool| listed(&|fault| has_struck(fault) && of_kind(&fault.action));
    let idle = listed(&|fault| !has_struck(fault))
        .map(|names| format!("did not strike, since what they wait for did not come or all was over: {names}"));
    let cuts = named(|action| matches!(action, FaultAction::Partition { .. }));
    let slow = named(|action| {
        matches!(action, FaultAction::Latency { .. } | FaultAction::Loss { .. } | FaultAction::Bandwidth { .. })
    });
    let silent = named(|action| matches!(action, FaultAction::Lose { .. } | FaultAction::Pause { .. }));
    let ended = named(|action| matches!(action, FaultAction::Kill { .. } | FaultAction::Stop { .. }));
    let note = |names: Option<String>, words: &str| {
        names.map(|names| format!("played inside the generator, the target was not touched: {names}. {words}"))
    };
    [
        note(
            cuts,
            "Unlike in a real cut, this machine's kernel goes on acknowledging what the server sends: it learns of the cut \
             by its own pings, not by TCP, and a connection that is opened meanwhile is not dialled before the cut heals",
        ),
        note(
            slow,
            "Bytes wait in the generator, above TCP: the server sees late messages, but no lost packets, no smaller windows \
             and no slower handshakes of TLS",
        ),
        note(
            silent,
            "Nothing is sent or read, as after a power cut or a freeze; this machine's kernel still acknowledges what the \
             server sends until its buffers are full",
        ),
        note(ended, "For the server this is the real thing: its peers' sockets close as those of any process do"),
        idle,
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_scenarios::plan::World;
    use rehearsal_scenarios::{Overrides, load};

    #[test]
    fn what_did_not_strike_is_not_said_to_have_been_played() {
        let text = "format = 1\n[users.workers]\n[users.clients]\n\
                    [faults.early]\ndo = 'kill'\nwho = 'workers'\nat = '1s'\n\
                    [faults.never]\ndo = 'kill'\nwho = 'workers'\nwhen = { sends = { type = 'nothing' } }\n";
        let scenario = load("faults", text.as_bytes(), &Overrides::default()).unwrap();
        let told = notes(&scenario.plan(1, World::Live), &BTreeSet::from(["early".into()]));
        let [played, idle] = told.as_slice() else { panic!("{told:?}") };
        assert!(played.starts_with("played inside the generator") && played.contains("`early`."), "{played}");
        assert!(idle.starts_with("did not strike") && idle.ends_with(": `never`"), "{idle}");
    }
}
