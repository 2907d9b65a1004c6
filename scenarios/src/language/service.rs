//! What `[system] service = "own"` means for a file: users connect, and everything else is in their flows. Rooms, sign-ins,
//! roles and the built-in behaviours and checks are the reference service's. Neighbours: `system` reads the key.

use crate::diagnostics::{Fault, Faults};
use crate::language::checks;
use crate::language::system::SYSTEM;
use crate::language::users::GROUP;
use crate::language::view::View;
use crate::plan::{Behaviour, ChecksPlan, Step, Verb};
use crate::scenario::Group;

/// The built-in check that asks nothing of the service.
const APPLIES: &str = "flows_come_to_their_end";

const NOT_THERE: &str = "it judges rooms, workers and sign-ins, which a service of one's own has not";

/// Keys of `[system]` that only the reference service reads.
const OF_THE_REFERENCE: [&str; 4] = ["profile", "identity", "defects", "limits"];

/// Keys of a group that only users of the reference service have.
const OF_ITS_USERS: [&str; 5] = ["role", "protocol", "rooms", "tags", "properties"];

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
            Behaviour::Flow(steps) => check_steps(&entry.key_span, steps, faults),
        }
    }
}

fn check_steps(span: &crate::tree::Span, steps: &[Step], faults: &mut Faults) {
    for step in steps {
        let instead = match &step.verb {
            Verb::Join | Verb::Register => "write `connect`, and say who you are with `raw`",
            Verb::Discover { .. } | Verb::UpdateMetadata { .. } | Verb::Send { .. } => {
                "write the message itself: `raw`, then `expect`"
            }
            Verb::Http { bearer: true, .. } => "nobody signs in before time 0: ask for a token with `http` in the flow",
            verb => {
                verb.inside().into_iter().for_each(|steps| check_steps(span, steps, faults));
                continue;
            }
        };
        faults.push(refused(span, &format!("step `{}`", step.name), instead));
    }
}

fn refuse_keys(view: &View<'_>, keys: &[&str], hint: &'static str, faults: &mut Faults) {
    for key in keys.iter().filter(|key| view.has(key)) {
        faults.push(refused(&view.key_span(key), &format!("`{key}`"), hint));
    }
}

fn refused(span: &crate::tree::Span, what: &str, hint: &str) -> Fault {
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
            ("profile = \"deployed\"\n".to_owned() + &flow("\"connect\""), "how it is set up"),
        ];
        for (rest, expected) in cases {
            let found = faults(&rest);
            assert!(found.contains("belongs to the reference service") && found.contains(expected), "{rest}: {found}");
        }
    }
}
