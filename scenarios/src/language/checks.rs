//! `[checks]`: which properties must hold, and with which bounds. Without the section every check that applies is on.
//! Neighbours: `reports` holds the checks themselves; the names here are theirs.

use crate::diagnostics::{Fault, Faults};
use crate::language::shape::{Key, Later, NameRule, Names, Shape, Table, elsewhere, key};
use crate::language::units::DURATION;
use crate::language::view::View;
use crate::plan::{Behaviour, ChecksPlan};
use crate::scenario::Group;
use crate::tree::Value;

/// `[checks]`.
pub(crate) static CHECKS: Table = Table {
    name: "`[checks]`",
    doc: "what must hold, and with which bounds",
    keys: &[
        check("worker_runs_one_job_at_a_time", "A worker runs one job at a time."),
        check("job_is_begun_by_one_worker", "A job is begun once, by one worker."),
        check("acknowledged_status_is_seen", "An acknowledged status is seen by later discoveries."),
        check("room_sees_only_its_own", "A room sees only its own."),
        bounded(
            "messages_arrive_once_in_order_unchanged",
            "A message is delivered at most once, in order, unchanged, or its loss is explained.",
        ),
        check("nobody_speaks_for_another", "Nobody speaks for another."),
        bounded(
            "reservation_always_ends",
            "A reservation or assignment always ends, and a reservation has one holder.",
        ),
        bounded("departed_peers_disappear", "Departed peers disappear within a bound."),
        check("nothing_is_left_behind", "Nothing is left behind at the end."),
        check("flows_come_to_their_end", "A user comes to the end of its flow."),
        check(
            "history_is_linearizable",
            "Operations have one order that explains all answers. Only if named: it holds them until the run has ended.",
        ),
        key("skip", Shape::Names(&SKIPPED), "Checks to leave out, each with the reason."),
    ],
    one_of: &[],
    later: LATER,
};

const LATER: &[Later] = &[elsewhere(
    "whole_again",
    "say who must be back and how soon: `[check.whole_again]` with `answered = { from = { event = \"closed\" }, to = { \
     event = \"ok\", op = \"register\" }, within = \"30s\", unless = { event = \"died\" } }` and `by = \"user\"`",
)];

const fn check(name: &'static str, property: &'static str) -> Key {
    key(name, ASKED, property)
}

const fn bounded(name: &'static str, property: &'static str) -> Key {
    key(name, ASKED_WITH_BOUND, property)
}

const ASKED: Shape = Shape::Either(&[Shape::Flag, Shape::Table(&UNBOUND)]);

const ASKED_WITH_BOUND: Shape = Shape::Either(&[Shape::Flag, Shape::Table(&BOUND)]);

static UNBOUND: Table = Table {
    name: "a check without a bound",
    doc: "`true` or `{}`: naming it asks for it",
    keys: &[],
    one_of: &[],
    later: &[],
};

static BOUND: Table = Table {
    name: "a check with a bound",
    doc: "`true`, or `{ within = \"30s\" }`",
    keys: &[key("within", DURATION, "The bound; each check documents its default.")],
    one_of: &[],
    later: &[],
};

static SKIPPED: Names = Names { what: "check", rule: NameRule::Plain, value: Shape::Text };

/// Names of all checks that a scenario can name; `reports` has a check for each.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.keys.iter().map(|key| key.name).filter(|name| *name != "skip")
}

fn is_bounded(check: &str) -> bool {
    let is_bound = |shape: &Shape| matches!(shape, Shape::Table(table) if std::ptr::eq(*table, &BOUND));
    CHECKS.key(check).is_some_and(|key| matches!(key.shape, Shape::Either(shapes) if shapes.iter().any(is_bound)))
}

/// Checks that only jobs of built-in workers exercise.
const OF_WORKERS: [&str; 2] = ["worker_runs_one_job_at_a_time", "job_is_begun_by_one_worker"];

/// The checks.
pub(crate) fn read(view: &View<'_>, groups: &[Group], faults: &mut Faults) -> ChecksPlan {
    let mut plan = ChecksPlan::default();
    for name in names().filter(|name| view.has(name)) {
        if view.entry(name).is_some_and(|entry| matches!(entry.node.value, Value::Flag(false))) {
            let hint = format!("to leave it out: `skip = {{ {name} = \"REASON\" }}`");
            faults.push(Fault::new(&view.span(name), format!("`{name}` is left out without a reason")).hint(hint));
            continue;
        }
        plan.named.push(name.to_owned());
        if is_bounded(name)
            && let Some(within_ns) = view.table(name, &BOUND).duration("within")
        {
            plan.within_ns.insert(name.to_owned(), within_ns);
        }
        let has_workers = groups.iter().any(|group| matches!(group.behaviour, Behaviour::Worker(_)));
        if OF_WORKERS.contains(&name) && !has_workers {
            faults.push(
                Fault::new(&view.key_span(name), format!("`{name}` can judge nothing: no group runs jobs"))
                    .hint("add a group with `role = \"worker\"`, or remove the check"),
            );
        }
    }
    for entry in view.names("skip") {
        if !names().any(|name| name == entry.key) {
            let fault = Fault::new(&entry.key_span, format!("unknown check `{}`", entry.key));
            faults.push(fault.among(&entry.key, names()).hint("a check of your own is left out by removing it"));
            continue;
        } else if plan.named.contains(&entry.key) {
            faults.push(Fault::new(&entry.key_span, format!("`{}` is both asked for and left out", entry.key)));
        }
        let reason = entry.node.as_text().unwrap_or_default();
        if reason.trim().is_empty() && entry.node.as_text().is_some() {
            faults.push(
                Fault::new(&entry.node.span, "the reason is empty")
                    .hint("say why this check is left out: readers of the report will ask"),
            );
        }
        plan.skipped.insert(entry.key.clone(), reason.to_owned());
    }
    plan
}
