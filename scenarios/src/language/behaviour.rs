//! What the users of a group do: the built-in worker, the built-in client, or a flow of the scenario's own.
//! Neighbours: `users` (the table), `flow` (steps). Left out: how it is done; `reference` and `loadgen` know.

use crate::diagnostics::{Fault, Faults};
use crate::distribution::Distribution;
use crate::language::defects::{self, Side};
use crate::language::flow::Flow;
use crate::language::shape::{NameRule, Names, Shape, Table, Words, key, later};
use crate::language::view::View;
use crate::plan::{Behaviour, ClientPlan, Strategy, WorkerPlan};
use crate::scenario::Group;
use crate::tree::Entry;
use std::collections::BTreeMap;

/// The strategies of the operational document.
pub(crate) static STRATEGIES: Words =
    Words { words: &["reject_when_busy", "metadata_first", "reservation"], later: &[] };

/// `choose`.
pub(crate) static CHOOSE: Table = Table {
    name: "`choose`",
    doc: "what a worker must have",
    keys: &[key(
        "properties",
        Shape::Names(&FILTERS),
        "Property filters: plain values, or `{ \"$gte\" = 8192 }` with $gte, $lte, $eq.",
    )],
    one_of: &[],
    later: &[later("tags", "choosing by tag is not there yet: choose by properties")],
};

static FILTERS: Names = Names { what: "property filter", rule: NameRule::Any, value: Shape::Json };

const WORKER_KEYS: [&str; 3] = ["strategy", "defects", "job"];
const CLIENT_KEYS: [&str; 6] = ["strategy", "jobs", "think", "choose", "ask", "cancel_after"];

/// Which behaviour a group has.
pub(crate) enum Kind<'f> {
    Worker,
    Client,
    /// The flow, if it exists.
    Flow(Option<&'f Flow>),
}

impl Kind<'_> {
    /// The role to register with.
    pub fn role(&self, view: &View<'_>) -> String {
        let default = match self {
            Kind::Worker => "worker",
            Kind::Client => "client",
            Kind::Flow(_) => "peer",
        };
        view.text("role").unwrap_or_else(|| default.to_owned())
    }
}

/// Which behaviour the group asks for. A group called `workers` or `clients` need not say its role.
pub(crate) fn kind<'f>(
    group: &str,
    view: &View<'_>,
    flows: &'f BTreeMap<String, Flow>,
    faults: &mut Faults,
) -> Kind<'f> {
    if let Some(flow) = view.text("flow") {
        if !flows.contains_key(&flow) {
            let fault = Fault::new(&view.span("flow"), format!("there is no flow `{flow}`"));
            faults.push(
                fault
                    .among(&flow, flows.keys().map(String::as_str))
                    .hint(format!("write `[flow.{flow}]` with `steps = […]`")),
            );
        }
        return Kind::Flow(flows.get(&flow));
    }
    let role = view.text("role");
    match role.as_deref().unwrap_or(group) {
        "worker" => Kind::Worker,
        "client" => Kind::Client,
        "workers" if role.is_none() => Kind::Worker,
        "clients" if role.is_none() => Kind::Client,
        other => {
            let fault = match &role {
                Some(_) => Fault::new(&view.span("role"), format!("role `{other}` has no built-in behaviour"))
                    .among(other, ["worker", "client"]),
                None => Fault::new(&view.anchor, format!("group `{group}` says neither `role` nor `flow`"))
                    .expected("`role = \"worker\"`, `role = \"client\"`, or a `flow`"),
            };
            faults.push(fault.hint("other roles play a flow: `flow = \"NAME\"` and `[flow.NAME]`"));
            Kind::Flow(None)
        }
    }
}

/// What workers are tagged with unless the file says otherwise (API document).
pub(crate) fn default_tags(kind: &Kind<'_>) -> Vec<String> {
    match kind {
        Kind::Worker => vec!["sleap-rtc".to_owned(), "training-worker".to_owned()],
        Kind::Client | Kind::Flow(_) => Vec::new(),
    }
}

/// Reads the keys of the behaviour and refuses those of another.
pub(crate) fn read(kind: Kind<'_>, view: &View<'_>, faults: &mut Faults) -> Behaviour {
    refuse_foreign_keys(&kind, view, faults);
    match kind {
        Kind::Worker => Behaviour::Worker(Box::new(WorkerPlan {
            strategy: strategy(view).unwrap_or(Strategy::MetadataFirst),
            defects: defects::read(view.texts("defects"), Side::Worker, faults),
            job: view.distribution("job", faults).unwrap_or(Distribution::Fixed(0)),
        })),
        Kind::Client => Behaviour::Client(Box::new(ClientPlan {
            strategy: strategy(view).unwrap_or(Strategy::MetadataFirst),
            defects: Vec::new(),
            jobs: match view.has("pace") && !view.has("jobs") {
                true => u32::MAX,
                false => view.whole("jobs").unwrap_or(1) as u32,
            },
            think: view.distribution("think", faults).unwrap_or(Distribution::Fixed(0)),
            pace: None,
            choose: read_choose(&view.table("choose", &CHOOSE)),
            ask: view.whole("ask").unwrap_or(1) as u32,
            cancel_after: view.distribution("cancel_after", faults),
        })),
        Kind::Flow(flow) => Behaviour::Flow(flow.map(|flow| flow.steps.clone().into()).unwrap_or_default()),
    }
}

fn refuse_foreign_keys(kind: &Kind<'_>, view: &View<'_>, faults: &mut Faults) {
    let (own, who): (&[&str], &str) = match kind {
        Kind::Worker => (&WORKER_KEYS, "a worker"),
        Kind::Client => (&CLIENT_KEYS, "a client"),
        Kind::Flow(Some(_)) => (&[], "users that play a flow"),
        // What it should have been is not known, and a fault already.
        Kind::Flow(None) => return,
    };
    for name in WORKER_KEYS.iter().chain(&CLIENT_KEYS[1..]).filter(|name| !own.contains(name) && view.has(name)) {
        let owner = if WORKER_KEYS.contains(name) { "workers" } else { "clients" };
        let hint = match *name {
            "defects" if matches!(kind, Kind::Client) => "clients have no known defects; a server's are in `[system]`",
            _ => "remove it, or write it in the group that it is meant for",
        };
        faults.push(
            Fault::new(&view.key_span(name), format!("`{name}` means nothing for {who}"))
                .expected(format!("it in a group of built-in {owner}"))
                .hint(hint),
        );
    }
}

fn read_choose(view: &View<'_>) -> BTreeMap<String, serde_json::Value> {
    view.names("properties").iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect()
}

fn strategy(view: &View<'_>) -> Option<Strategy> {
    Some(match view.text("strategy")?.as_str() {
        "reject_when_busy" => Strategy::RejectWhenBusy,
        "reservation" => Strategy::Reservation,
        _ => Strategy::MetadataFirst,
    })
}

/// Built-in clients wait for workers: without one in their rooms they would wait in vain.
pub(crate) fn check_company(groups: &[Group], entries: &[Entry], faults: &mut Faults) {
    let has_worker = |rooms: &[u32]| {
        groups.iter().any(|group| group.role == "worker" && group.rooms.iter().any(|room| rooms.contains(room)))
    };
    for group in groups.iter().filter(|group| matches!(group.behaviour, Behaviour::Client(_))) {
        let Some(entry) = entries.iter().find(|entry| entry.key == group.name) else { continue };
        if !has_worker(&group.rooms) {
            faults.push(
                Fault::new(&entry.key_span, format!("group `{}` finds no worker in its rooms", group.name))
                    .hint("add a group with `role = \"worker\"`"),
            );
        }
    }
}

/// Clients that name no strategy take that of the workers in their rooms, which must agree.
pub(crate) fn adopt_strategies(groups: &mut [Group], entries: &[Entry], faults: &mut Faults) {
    let workers: Vec<(Vec<u32>, Strategy)> = groups
        .iter()
        .filter_map(|group| match &group.behaviour {
            Behaviour::Worker(worker) => Some((group.rooms.clone(), worker.strategy)),
            _ => None,
        })
        .collect();
    for group in groups {
        let Behaviour::Client(client) = &mut group.behaviour else { continue };
        let Some(entry) = entries.iter().find(|entry| entry.key == group.name) else { continue };
        if entry.node.get("strategy").is_some() {
            continue;
        }
        let mut met = workers.iter().filter(|(rooms, _)| rooms.iter().any(|room| group.rooms.contains(room)));
        let Some((_, first)) = met.next() else { continue };
        client.strategy = *first;
        if met.any(|(_, other)| other != first) {
            faults.push(
                Fault::new(&entry.key_span, format!("group `{}` meets workers of different strategies", group.name))
                    .hint("write the `strategy` that its clients follow, or give each strategy a room of its own"),
            );
        }
    }
}
