//! `[users.NAME]`: a group of users that are alike. Neighbours: `arrive` (how many, when), `behaviour` (what they do).

use crate::diagnostics::{Fault, Faults};
use crate::language::arrive::{self, ARRIVE, COUNT_MAX};
use crate::language::behaviour::{self, CHOOSE, STRATEGIES};
use crate::language::churn::{self, CHURN};
use crate::language::distribution::{DISTRIBUTION, WEIGHTS, weights};
use crate::language::flow::Flow;
use crate::language::pace::{self, PACE};
use crate::language::quantities::{self, COUNT};
use crate::language::rows::{self, ROWS};
use crate::language::shape::{NameRule, Names, Shape, Table, Words, default, elsewhere, key, needed};
use crate::language::units::DURATION;
use crate::language::view::View;
use crate::plan::hosts::SERVER;
use crate::plan::{Protocol, Step, Verb};
use crate::scenario::{Group, Pace, Property, Spread};
use crate::tree::Entry;
use std::collections::BTreeMap;

/// All groups.
pub(crate) static GROUPS: Names = Names { what: "group", rule: NameRule::Plain, value: Shape::Table(&GROUP) };

/// `[users.NAME]`.
pub(crate) static GROUP: Table = Table {
    name: "a group of users",
    doc: "users that are alike",
    keys: &[
        key(
            "role",
            Shape::Text,
            "The role they register with. `worker` and `client` have a built-in behaviour, which groups called `workers` and \
             `clients` have unasked; others need a flow, whose users are of the role `peer` if this is left out.",
        ),
        key("flow", Shape::Text, "The flow that they play instead of a built-in behaviour."),
        default("count", COUNT, "1", "How many; or a range that each seed draws from: `{ uniform = [1, 8] }`."),
        default(
            "start",
            START,
            "'0s'",
            "When each begins: a duration, a distribution, or a list with one time for each.",
        ),
        key("arrive", ARRIVE, "Arrivals a second instead of a count; or `exponential` or `even` over the ramp phase."),
        default("protocol", Shape::Word(&PROTOCOLS), "'v2'", "Version of the signaling protocol they speak."),
        default(
            "rooms",
            ROOM_CHOICE,
            "'even'",
            "Which rooms they take: `even` (all, in turn), `zipf` (the first ones more often), `{ per_room = 5 }`, a room's \
             number, or a list of numbers.",
        ),
        key(
            "pace",
            Shape::Table(&PACE),
            "How often planned work begins: jobs of built-in clients, which then ask until the measure phase ends; in a \
             flow its first-level `repeat` that says neither `times` nor `every`.",
        ),
        key(
            "drop_when_late",
            DURATION,
            "Planned work whose user is busy for longer than this is dropped and counted; without it all of it is done, \
             late, and timed from its plan. What the end of the measure phase finds not begun is dropped as well.",
        ),
        key("churn", Shape::Table(&CHURN), "How users leave and come back."),
        key(
            "rows",
            ROWS,
            "A table, or a CSV file beside the scenario, whose rows they take in turn: `${row.COLUMN}` in a flow.",
        ),
        key("tags", Shape::List(&Shape::Text, 0), "Tags in their metadata."),
        key(
            "properties",
            Shape::Names(&PROPERTIES),
            "Properties in their metadata: values, or `{ pick = […], weights = […] }`.",
        ),
        key(
            "strategy",
            Shape::Word(&STRATEGIES),
            "Workers: how they protect themselves from two jobs at once; clients: that of their workers.",
        ),
        default("defects", Shape::List(&Shape::Text, 0), "[]", "Workers: known flaws that they are told to have."),
        default("job", DISTRIBUTION, "'5s'", "Workers: how long a job takes."),
        default("jobs", Shape::Whole(1, 1_000_000), "1", "Clients: jobs that each wants done, one after the other."),
        default("think", DISTRIBUTION, "'1s'", "Clients: pause before each further job."),
        key("choose", Shape::Table(&CHOOSE), "Clients: what a worker must have besides being available."),
        default("ask", Shape::Whole(1, 100), "3", "Clients: how many workers are asked at once."),
        key("cancel_after", DISTRIBUTION, "Clients: cancel each job this long after it began."),
    ],
    one_of: &[],
    later: &[
        elsewhere("late", "how late work may be is `drop_when_late = \"5s\"`"),
        elsewhere("spans", "each step of a span says `span = \"NAME\"`"),
        elsewhere("steps", "steps are written in `[flow.NAME]`, and the group says `flow = \"NAME\"`"),
    ],
};

static PROTOCOLS: Words = Words { words: &["v1", "v2"], later: &[] };

const START: Shape = Shape::Either(&[DISTRIBUTION, Shape::List(&DURATION, 1)]);

const ROOM_CHOICE: Shape = Shape::Either(&[
    Shape::Word(&Words { words: &["even", "zipf"], later: &[] }),
    Shape::Table(&PER_ROOM),
    Shape::Whole(0, 999),
    Shape::List(&Shape::Whole(0, 999), 1),
]);

static PER_ROOM: Table = Table {
    name: "a number in each room",
    doc: "`{ per_room = 5 }`",
    keys: &[needed("per_room", Shape::Whole(1, COUNT_MAX), "So many users in each room, in place of `count`.")],
    one_of: &[],
    later: &[],
};

static PROPERTIES: Names = Names { what: "property", rule: NameRule::Any, value: PROPERTY };

/// Either a value or, as a table with `pick`, a choice; `read_properties` tells them apart.
const PROPERTY: Shape = Shape::Json;

static PICK: Table = Table {
    name: "a choice",
    doc: "`{ pick = […], weights = […] }`",
    keys: &[
        key("pick", Shape::List(&Shape::Json, 1), "One of these."),
        key("weights", WEIGHTS, "How often each is picked, in relation."),
    ],
    one_of: &[],
    later: &[],
};

/// How many users each group has at least and at most; none where arrivals decide.
pub(crate) type Roster = BTreeMap<String, Option<(u64, u64)>>;

/// All groups with their counts.
pub(crate) fn roster(entries: &[Entry], rooms: u32) -> Roster {
    let count = |entry: &Entry| match entry.node.get("arrive") {
        Some(arrive) if arrive.as_text().is_none() => None,
        _ => Some(counts(&View::new(&GROUP, Some(&entry.node), &entry.key_span), rooms, &mut Faults::default())),
    };
    entries.iter().map(|entry| (entry.key.clone(), count(entry))).collect()
}

/// Whether there is such a user in every seed.
pub(crate) fn is_user(user: &str, roster: &Roster) -> bool {
    is_below(user, roster, |(least, _)| least)
}

/// Whether there is such a user in some seed.
pub(crate) fn may_be_user(user: &str, roster: &Roster) -> bool {
    is_below(user, roster, |(_, most)| most)
}

fn is_below(user: &str, roster: &Roster, count: fn((u64, u64)) -> u64) -> bool {
    let Some((group, number)) = user.rsplit_once('-') else { return false };
    match (roster.get(group), number.parse::<u64>()) {
        (Some(Some(counts)), Ok(number)) => number < count(*counts),
        (Some(None), Ok(_)) => true,
        _ => false,
    }
}

/// How many users a group has at least and at most, unless arrivals decide.
pub(crate) fn counts(view: &View<'_>, rooms: u32, faults: &mut Faults) -> (u64, u64) {
    if let Some(per_room) = per_room(view) {
        let all = per_room * u64::from(rooms);
        return (all, all);
    }
    let written = view.value("count").and_then(|node| quantities::read_whole(&node, faults));
    written.unwrap_or((1, 1))
}

fn per_room(view: &View<'_>) -> Option<u64> {
    view.entry("rooms").and_then(|entry| entry.node.get("per_room")?.as_whole())
}

/// All groups, in the order of the file.
pub(crate) fn read_all(
    entries: &[Entry],
    rooms: u32,
    flows: &BTreeMap<String, Flow>,
    faults: &mut Faults,
) -> Vec<Group> {
    if entries.is_empty() && faults.is_empty() {
        let fault = Fault::new(&(0..0), "nobody takes part").expected("a group of users");
        faults.push(fault.hint("write `[users.workers]` and `[users.clients]`, or a group with a `flow`"));
    }
    let mut groups: Vec<Group> =
        entries.iter().filter(|entry| entry.node.is_table()).map(|entry| read(entry, rooms, flows, faults)).collect();
    behaviour::adopt_strategies(&mut groups, entries, faults);
    behaviour::check_company(&groups, entries, faults);
    groups
}

fn read(entry: &Entry, rooms: u32, flows: &BTreeMap<String, Flow>, faults: &mut Faults) -> Group {
    if entry.key == SERVER {
        let fault = Fault::new(&entry.key_span, "a group called `server` cannot be told from the servers");
        faults.push(fault.hint("faults and links call the servers so: give the group another name"));
    }
    let view = View::new(&GROUP, Some(&entry.node), &entry.key_span);
    let kind = behaviour::kind(&entry.key, &view, flows, faults);
    let protocol = match view.text("protocol").as_deref() {
        Some("v1") => Protocol::V1,
        _ => Protocol::V2,
    };
    let tags = match view.has("tags") {
        true => view.texts("tags").into_iter().map(|(tag, _)| tag).collect(),
        false => behaviour::default_tags(&kind),
    };
    if protocol == Protocol::V1 {
        check_v1(&view, &kind, faults);
    }
    let (least, most) = counts(&view, rooms, faults);
    Group {
        name: entry.key.clone(),
        role: kind.role(&view),
        arrival: arrive::read(&view, (least, most), faults),
        protocol,
        rooms: read_rooms(&view, rooms, faults),
        spread: read_spread(&view, rooms, faults),
        pace: read_pace(&view, &kind, faults),
        drop_when_late_ns: view.duration("drop_when_late"),
        churn: churn::read(&view, faults),
        rows: rows::read(&view),
        tags,
        properties: view.names("properties").iter().map(|entry| read_property(entry, faults)).collect(),
        behaviour: behaviour::read(kind, &view, faults),
    }
}

/// Version 1 registers without role and metadata and knows no discovery (API document).
fn check_v1(view: &View<'_>, kind: &behaviour::Kind<'_>, faults: &mut Faults) {
    if !matches!(kind, behaviour::Kind::Flow(_)) {
        faults.push(
            Fault::new(&view.span("protocol"), "the built-in worker and client speak version 2")
                .hint("peers of version 1 need a flow of `join`, `raw` and `expect`"),
        );
    }
    for name in ["tags", "properties"].into_iter().filter(|name| view.has(name)) {
        faults.push(Fault::new(&view.key_span(name), format!("peers of version 1 have no metadata, so no {name}")));
    }
}

fn read_rooms(view: &View<'_>, rooms: u32, faults: &mut Faults) -> Vec<u32> {
    let chosen: Vec<u64> = match view.value("rooms") {
        Some(node) if node.as_whole().is_some() => node.as_whole().into_iter().collect(),
        Some(node) if node.as_list().is_some() => {
            view.list("rooms").iter().filter_map(|node| node.as_whole()).collect()
        }
        _ => (0..u64::from(rooms)).collect(),
    };
    for room in chosen.iter().filter(|room| **room >= u64::from(rooms)) {
        faults.push(
            Fault::new(&view.span("rooms"), format!("there is no room {room}"))
                .expected(format!("a number from 0 to {}", rooms - 1))
                .hint("`[rooms]` says how many rooms there are: `count = …`"),
        );
    }
    chosen.into_iter().map(|room| room as u32).collect()
}

fn read_spread(view: &View<'_>, rooms: u32, faults: &mut Faults) -> Spread {
    let Some(per_room) = per_room(view) else {
        let is_zipf = view.text("rooms").as_deref() == Some("zipf");
        return if is_zipf { Spread::Zipf } else { Spread::InTurn };
    };
    for other in ["count", "arrive"].into_iter().filter(|name| view.has(name)) {
        // Over the ramp phase so many can arrive as anywhere else.
        if view.entry(other).is_some_and(|entry| other == "count" || entry.node.as_text().is_none()) {
            let fault =
                Fault::new(&view.key_span(other), format!("`{other}` and a number in each room exclude each other"));
            faults.push(fault.hint("how many users there are follows from `per_room` and the rooms"));
        }
    }
    if per_room * u64::from(rooms) > COUNT_MAX {
        let fault = Fault::new(&view.span("rooms"), "this makes too many users");
        faults
            .push(fault.found(format!("{per_room} in each of {rooms} rooms")).expected(format!("at most {COUNT_MAX}")));
    }
    Spread::PerRoom(per_room as u32)
}

fn read_pace(view: &View<'_>, kind: &behaviour::Kind<'_>, faults: &mut Faults) -> Option<Pace> {
    let pace = pace::read(view, faults);
    let is_paced = |step: &Step| matches!(step.verb, Verb::Repeat { times: None, every: None, .. });
    let unpaced = match kind {
        behaviour::Kind::Worker => Some("a worker works when it is asked"),
        behaviour::Kind::Flow(Some(flow)) if !flow.steps.iter().any(is_paced) => {
            Some("the flow has no `repeat` without `times` and `every` that could follow it")
        }
        _ => None,
    };
    if let (Some(_), Some(why)) = (&pace, unpaced) {
        faults.push(Fault::new(&view.key_span("pace"), "`pace` means nothing here").hint(why));
    }
    if view.has("drop_when_late") && matches!(kind, behaviour::Kind::Worker) {
        let fault = Fault::new(&view.key_span("drop_when_late"), "`drop_when_late` means nothing for a worker");
        faults.push(fault.hint("a worker works when it is asked"));
    }
    pace
}

fn read_property(entry: &Entry, faults: &mut Faults) -> (String, Property) {
    if entry.node.get("pick").is_none() {
        return (entry.key.clone(), Property::Fixed(entry.node.to_json()));
    }
    crate::language::check::check(&Shape::Table(&PICK), &entry.node, &entry.key_span, faults);
    let view = View::new(&PICK, Some(&entry.node), &entry.key_span);
    let values: Vec<_> = view.list("pick").iter().map(|node| node.to_json()).collect();
    let weights = weights(&view.list("weights"), values.len(), &view.span("weights"), faults).unwrap_or_default();
    (entry.key.clone(), Property::Pick { values, weights })
}
