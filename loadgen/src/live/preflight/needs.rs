//! What a plan needs that a server of this profile does not have: such a plan is refused before it plays, with the step
//! that needs it. What users can do without is a remark. Pure. Neighbours: `contact` finds the profile.
//!
//! The facts are the protocol's: nobody has deployed reservations and `/extend-room`, and a deployed answer to a
//! registration has no `peers`. A step that expects to be refused needs nothing.

use super::super::guard::Refused;
use rehearsal_scenarios::plan::{Behaviour, Branch, Otherwise, Plan, Profile, Step, Strategy, Verb};
use std::collections::BTreeSet;

/// Messages to the server that a deployed one answers with `UNKNOWN_MESSAGE_TYPE`.
const MESSAGES: [&str; 2] = ["reserve_worker", "release_worker"];
/// What only answers to those are.
const ANSWERS: [&str; 2] = ["worker_reserved", "worker_released"];
/// Paths that a deployed server does not serve.
const PATHS: [&str; 1] = ["/extend-room"];

/// Refuses a plan that cannot be played on a server of this profile.
pub(super) fn check(plan: &Plan, profile: Profile) -> Result<(), Refused> {
    if profile == Profile::Documented {
        return Ok(());
    }
    for user in &plan.users {
        if let Behaviour::Flow(steps) = &user.behaviour
            && let Some((step, does)) = first_need(steps, expects_refusals(steps))
        {
            let who = format!("step `{}` of `{}`", step.name, user.name);
            return Err(Refused::Lacking { who, does });
        }
    }
    Ok(())
}

/// What users do otherwise on a server of this profile than the plan says.
pub(super) fn remarks(plan: &Plan, profile: Profile) -> Vec<String> {
    if profile == Profile::Documented {
        return Vec::new();
    }
    let reserving = plan.users.iter().filter(
        |user| matches!(&user.behaviour, Behaviour::Client(client) if client.strategy == Strategy::Reservation),
    );
    let groups: BTreeSet<&str> = reserving.map(|user| user.group.as_str()).collect();
    let remark = |group| format!("a deployed server knows no reservations: `{group}` ask for workers without them");
    groups.into_iter().map(remark).collect()
}

/// Whether a flow waits for an error somewhere: then what it sends may be meant to be refused.
fn expects_refusals(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.verb {
        Verb::Expect { pattern, .. } => pattern["type"] == "error",
        Verb::ExpectOneOf { branches, .. } => {
            let is_refusal = |branch: &Branch| branch.pattern["type"] == "error" || expects_refusals(&branch.steps);
            branches.iter().any(is_refusal)
        }
        Verb::Repeat { steps, .. } => expects_refusals(steps),
        _ => false,
    })
}

fn first_need(steps: &[Step], may_be_refused: bool) -> Option<(&Step, String)> {
    steps.iter().find_map(|step| match &step.verb {
        Verb::Repeat { steps, .. } => first_need(steps, may_be_refused),
        // Which branch is played, the server's answer decides.
        verb => need(step, verb, may_be_refused).map(|does| (step, does)),
    })
}

fn need(step: &Step, verb: &Verb, may_be_refused: bool) -> Option<String> {
    match verb {
        Verb::Raw { message } if !may_be_refused => {
            among(&MESSAGES, message["type"].as_str()).map(|message| format!("sends `{message}`"))
        }
        _ if step.otherwise != Otherwise::Fail => None,
        Verb::Expect { pattern, .. } => {
            among(&ANSWERS, pattern["type"].as_str()).map(|answer| format!("waits for `{answer}`"))
        }
        Verb::Http { path, status, .. } if !status.iter().any(|status| *status >= 400) => {
            among(&PATHS, path.split('?').next()).map(|path| format!("asks for `{path}`"))
        }
        Verb::Join | Verb::Register => {
            let pointer = step.save.values().find(|pointer| pointer.split('/').nth(1) == Some("peers"));
            pointer.map(|pointer| format!("keeps `{pointer}` of the answer to its registration"))
        }
        _ => None,
    }
}

fn among(words: &[&'static str], word: Option<&str>) -> Option<&'static str> {
    words.iter().find(|known| Some(**known) == word).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_scenarios::plan::World;
    use rehearsal_scenarios::{Overrides, library, load};

    fn refusal(plan: &Plan) -> Option<String> {
        check(plan, Profile::Deployed).err().map(|refused| refused.to_string())
    }

    fn flow(steps: &str) -> Plan {
        let text = format!("format = 1\n[users.a]\nflow = \"f\"\n[flow.f]\nsteps = [{steps}]\n");
        load("test", text.as_bytes(), &Overrides::default()).unwrap().plan(1, World::Live)
    }

    #[test]
    fn only_the_embedded_scenario_that_rests_on_reservations_cannot_be_played_on_a_deployed_server() {
        let refused = library::names().filter(|name| {
            let text = library::get(name).unwrap();
            let plan = load(name, text.as_bytes(), &Overrides::default()).unwrap().plan(1, World::Live);
            assert_eq!(check(&plan, Profile::Documented), Ok(()));
            refusal(&plan).is_some()
        });
        assert_eq!(refused.collect::<Vec<_>>(), ["defect_reservation_never_expires"]);
    }

    #[test]
    fn what_a_deployed_server_does_not_have_is_named_with_the_step_that_needs_it() {
        let cases = [
            (
                "\"join\", { raw = { type = \"reserve_worker\" }, name = \"lock\" }",
                "step `lock` of `a-0` sends `reserve_worker`",
            ),
            (
                "\"join\", { expect = { type = \"worker_reserved\" } }",
                "step `expect` of `a-0` waits for `worker_reserved`",
            ),
            (
                "{ http = { method = \"POST\", path = \"/extend-room\" } }",
                "step `http` of `a-0` asks for `/extend-room`",
            ),
            ("{ join = {}, save = { first = \"/peers/0/peer_id\" } }", "step `join` of `a-0` keeps `/peers/0/peer_id`"),
        ];
        for (steps, expected) in cases {
            let message = refusal(&flow(steps)).unwrap_or_default();
            assert!(message.contains(expected), "{steps}: {message:?}");
        }
    }

    #[test]
    fn whoever_expects_to_be_refused_needs_nothing() {
        let cases = [
            "\"join\", { raw = { type = \"reserve_worker\" } }, { expect = { type = \"error\", code = \"UNKNOWN_MESSAGE_TYPE\" } }",
            "{ http = { method = \"POST\", path = \"/extend-room\", status = [404] } }",
            "\"join\", { raw = { type = \"discover_peers\" } }",
        ];
        assert_eq!(cases.map(|steps| refusal(&flow(steps))), [None, None, None]);
    }
}
