//! What `[system] service = "own"` means for a file: users connect, and everything else is in their flows. Rooms, sign-ins,
//! roles and the built-in behaviours and checks are the reference service's. Neighbours: `system` reads the key.

use crate::diagnostics::{Fault, Faults};
use crate::language::system::SYSTEM;
use crate::language::thresholds;
use crate::language::users::GROUP;
use crate::language::view::View;
use crate::language::{checks, fill};
use crate::plan::{Behaviour, ChecksPlan};
use crate::scenario::Group;
use crate::tree::{Entry, Node, Span, Value};

/// The built-in check that asks nothing of the service.
const APPLIES: &str = "flows_come_to_their_end";

const NOT_THERE: &str = "it judges rooms, workers and sign-ins, which a service of one's own has not";

/// Keys of `[system]` that only the reference service reads.
const OF_THE_REFERENCE: [&str; 4] = ["profile", "identity", "defects", "limits"];

/// Keys of a group that only users of the reference service have.
const OF_ITS_USERS: [&str; 5] = ["role", "protocol", "rooms", "tags", "properties"];

/// Names of the strings of steps that stand for what only the reference service gives.
const OF_ITS_NAMES: [&str; 3] = ["room.id", "room.token", "user.token"];

/// Operations that users of any service do. All other built-in ones are of the reference.
const OF_ANY_SERVICE: [&str; 2] = ["connect", "deliver"];

/// Leaves out the built-in checks that could judge nothing.
pub(crate) fn leave_out_what_it_has_not(plan: &mut ChecksPlan) {
    for name in checks::names().filter(|name| *name != APPLIES && !plan.named.iter().any(|named| named == name)) {
        plan.skipped.entry(name.to_owned()).or_insert_with(|| NOT_THERE.to_owned());
    }
}

/// Refuses what only the reference service has.
pub(crate) fn check(root: &View<'_>, groups: &[Group], plan: &ChecksPlan, faults: &mut Faults) {
    let system = root.table("system", &SYSTEM);
    refuse_keys(&system, &OF_THE_REFERENCE, "a service of your own says itself how it is set up", faults);
    if root.has("rooms") {
        faults.push(refused(&root.key_span("rooms"), "`[rooms]`", "it has no rooms; its flows say what users share"));
    }
    for name in plan.named.iter().filter(|name| *name != APPLIES) {
        let checks = root.table("checks", &checks::CHECKS);
        let hint = "write a check of your own: `[check.NAME]`";
        faults.push(refused(&checks.key_span(name), &format!("`{name}`"), hint));
    }
    for entry in root.names("users") {
        let view = View::new(&GROUP, Some(&entry.node), &entry.key_span);
        refuse_keys(&view, &OF_ITS_USERS, "what users say of themselves is in their flow", faults);
        let Some(group) = groups.iter().find(|group| group.name == entry.key) else { continue };
        match &group.behaviour {
            Behaviour::Worker(_) | Behaviour::Client(_) => {
                let hint = "give the group a `flow` of `connect`, `raw`, `expect` and `http`";
                faults.push(refused(&entry.key_span, "a group without a flow", hint));
            }
            Behaviour::Flow(_) => {}
        }
    }
    for entry in root.names("flow") {
        entry.node.get("steps").into_iter().for_each(|steps| check_steps(steps, faults));
    }
    let flows = || root.names("flow").iter().map(|entry| &entry.node);
    for entry in root.names("thresholds").iter().filter(|entry| is_of_the_reference(&entry.key)) {
        if !flows().any(|flow| names_a_step(flow, &entry.key)) {
            let hint = "name a step of a flow: `name = \"NAME\"` or `span = \"NAME\"`";
            faults.push(refused(&entry.key_span, &format!("operation `{}`", entry.key), hint));
        }
    }
}

/// Steps of a flow, and those within them: of a repetition, or of a branch.
fn check_steps(steps: &Node, faults: &mut Faults) {
    for step in steps.as_list().unwrap_or_default() {
        if let Some(verb) = step.as_text() {
            check_verb(verb, &step.span, faults);
        }
        for entry in step.entries() {
            check_verb(&entry.key, &entry.key_span, faults);
            check_names(&entry.node, faults);
            entry.node.get("steps").into_iter().for_each(|steps| check_steps(steps, faults));
            let branches = entry.node.as_list().unwrap_or_default().iter();
            branches.filter_map(|branch| branch.get("then")).for_each(|steps| check_steps(steps, faults));
            if entry.node.get("bearer").is_some_and(|node| matches!(node.value, Value::Flag(true))) {
                let hint = "nobody signs in before time 0: ask for a token with `http` in the flow";
                faults.push(refused(&entry.node.span, "`bearer`", hint));
            }
        }
    }
}

fn check_verb(verb: &str, span: &Span, faults: &mut Faults) {
    let instead = match verb {
        "join" | "register" => "write `connect`, and say who you are with `raw`",
        "discover" | "update_metadata" | "send" => "write the message itself: `raw`, then `expect`",
        _ => return,
    };
    faults.push(refused(span, &format!("step `{verb}`"), instead));
}

/// Names of the strings of a step.
fn check_names(node: &Node, faults: &mut Faults) {
    let mut uses = Vec::new();
    fill::find_uses(node, &mut uses);
    for (name, span) in uses.into_iter().filter(|(name, _)| OF_ITS_NAMES.contains(&name.as_str())) {
        faults.push(refused(
            &span,
            &format!("`${{{name}}}`"),
            "keep what the service answers: `save = { variable = \"/pointer\" }`",
        ));
    }
}

/// Whether a step, however deep, says that it is called this.
fn names_a_step(node: &Node, name: &str) -> bool {
    let is_named = |entry: &Entry| matches!(entry.key.as_str(), "name" | "span") && entry.node.as_text() == Some(name);
    node.entries().iter().any(|entry| is_named(entry) || names_a_step(&entry.node, name))
        || node.as_list().unwrap_or_default().iter().any(|item| names_a_step(item, name))
}

fn is_of_the_reference(operation: &str) -> bool {
    !OF_ANY_SERVICE.contains(&operation) && thresholds::measured().any(|measured| measured == operation)
}

fn refuse_keys(view: &View<'_>, keys: &[&str], hint: &'static str, faults: &mut Faults) {
    for key in keys.iter().filter(|key| view.has(key)) {
        faults.push(refused(&view.key_span(key), &format!("`{key}`"), hint));
    }
}

fn refused(span: &Span, what: &str, hint: &str) -> Fault {
    Fault::new(
        span,
        format!("{what} belongs to the reference service, and `service = \"own\"` says that this is yours"),
    )
    .hint(hint)
}

#[cfg(test)]
mod tests {
    use crate::plan::World;
    use crate::{Overrides, load};

    fn faults(rest: &str) -> String {
        let text = format!("format = 1\n[system]\nservice = \"own\"\n{rest}");
        load("test", text.as_bytes(), &Overrides::default()).err().map(|faults| faults.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_service_of_ones_own_has_no_rooms_and_is_judged_by_what_its_author_declares() {
        let text = "format = 1\nsystem.service = \"own\"\nusers.fans = { flow = \"f\", count = 2 }\n\
                    flow.f.steps = [\"connect\", { raw = { type = \"hello\" } }]\n";
        let plan = load("test", text.as_bytes(), &Overrides::default()).unwrap().plan(1, World::Simulated);
        assert_eq!((plan.rooms.len(), plan.users.len()), (0, 2));
        let judged = crate::check_names().filter(|name| !plan.checks.skipped.contains_key(*name));
        assert_eq!(judged.collect::<Vec<_>>(), ["flows_come_to_their_end"]);
    }

    #[test]
    fn what_only_the_reference_service_has_is_refused_with_what_to_write_instead() {
        let flow = |steps: &str| format!("[users.a]\nflow = \"f\"\n[flow.f]\nsteps = [{steps}]\n");
        let cases = [
            (flow("\"join\""), "write `connect`"),
            (flow("\"connect\", { repeat = { times = 2, steps = [{ discover = {} }] } }"), "then `expect`"),
            (flow("\"connect\"") + "[rooms]\ncount = 2\n", "it has no rooms"),
            (flow("\"connect\"") + "[checks]\nroom_sees_only_its_own = true\n", "[check.NAME]"),
            ("[users.a]\nflow = \"f\"\ntags = [\"x\"]\n[flow.f]\nsteps = [\"connect\"]\n".to_owned(), "in their flow"),
            ("[users.workers]\n".to_owned(), "give the group a `flow`"),
            (flow("\"connect\", { raw = { in = \"${room.id}\" } }"), "`${room.id}` belongs"),
            (flow("\"connect\"") + "[thresholds]\ndiscover = \"p99 < 1s\"\n", "operation `discover`"),
            (flow("{ http = { path = \"/\", bearer = true } }"), "nobody signs in"),
            (flow("\"connect\", { expect_one_of = [{ message = {}, then = [\"register\"] }] }"), "step `register`"),
            ("profile = \"deployed\"\n".to_owned() + &flow("\"connect\""), "how it is set up"),
        ];
        let own = flow("\"connect\", { raw = {}, name = \"discover\" }") + "[thresholds]\ndiscover = \"p99 < 1s\"\n";
        assert_eq!(faults(&own), "", "a step of this name is one's own");
        for (rest, expected) in cases {
            let found = faults(&rest);
            assert!(found.contains("belongs to the reference service") && found.contains(expected), "{rest}: {found}");
        }
    }
}
