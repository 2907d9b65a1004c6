//! `[time]` and `[prepare]`: how long each phase takes. A phase may have another length in each world.
//! Neighbours: `plan::expand` derives the phases that the file leaves open.

use crate::diagnostics::{Fault, Faults};
use crate::distribution::Nanos;
use crate::language::shape::{Shape, Table, Words, default, key};
use crate::language::units::{self, DURATION, duration_text};
use crate::language::view::View;
use crate::language::world_name;
use crate::plan::{Identities, PreparePlan, World};
use crate::scenario::{self, Arrival, Group, PerWorld, Time};

/// `[time]`.
pub(crate) static TIME: Table = Table {
    name: "`[time]`",
    doc: "lengths of the phases",
    keys: &[
        key(
            "prepare",
            PER_WORLD,
            "Rooms and sign-ins, before time 0; a run that is not ready by then is not played. Left out: a minute for each room \
             and user, and live a minute, with a second for each and what `sign_in_rate` takes.",
        ),
        default("ramp", PER_WORLD, "'0s'", "Users arrive."),
        default("warmup", PER_WORLD, "'0s'", "All are there, thresholds judge nothing yet."),
        key(
            "measure",
            PER_WORLD,
            "What thresholds judge; ends early when all users are done. Left out: long enough for all plans, at least 60s.",
        ),
        default(
            "settle",
            PER_WORLD,
            "{ simulated = '15s', live = '2s' }",
            "No new work; everything heals and must come to rest. Live, nobody leaves before what was begun is answered, or half of \
             this is over.",
        ),
        key(
            "cleanup",
            PER_WORLD,
            "What was made is removed again; what is there after it is told, and stays for `rehearsal cleanup`. Left out: a \
             minute for each room and user, and live a minute, with a second for each.",
        ),
    ],
    one_of: &[],
    later: &[],
};

const PER_WORLD: Shape = Shape::Either(&[DURATION, Shape::Table(&WORLDS)]);

static WORLDS: Table = Table {
    name: "a duration for each world",
    doc: "`{ simulated = \"15s\", live = \"2s\" }`",
    keys: &[key("simulated", DURATION, "In the simulated world."), key("live", DURATION, "In the live world.")],
    one_of: &[],
    later: &[],
};

/// `[prepare]`.
pub(crate) static PREPARE: Table = Table {
    name: "`[prepare]`",
    doc: "how users get ready before time 0",
    keys: &[
        default("sign_in_rate", Shape::Number(0.01, 10_000.0), "50", "Most sign-ins a second, live only."),
        default(
            "identities",
            Shape::Word(&IDENTITIES),
            "'per_user'",
            "Who signs in: each user (`per_user`), one for the users of each room (`per_room`), or one for all (`shared`). \
             Users that share an identity have peer ids of their own.",
        ),
    ],
    one_of: &[],
    later: &[],
};

static IDENTITIES: Words = Words { words: &["per_user", "per_room", "shared"], later: &[] };

/// The lengths.
pub(crate) fn read(view: &View<'_>) -> Time {
    let fixed = |name| {
        let PerWorld { simulated, live } = per_world(view, name);
        PerWorld { simulated: simulated.unwrap_or_default(), live: live.unwrap_or_default() }
    };
    Time {
        prepare_ns: per_world(view, "prepare"),
        ramp_ns: fixed("ramp"),
        warmup_ns: fixed("warmup"),
        measure_ns: per_world(view, "measure"),
        settle_ns: fixed("settle"),
        cleanup_ns: per_world(view, "cleanup"),
    }
}

fn per_world(view: &View<'_>, name: &str) -> PerWorld<Option<Nanos>> {
    let Some(node) = view.value(name) else { return PerWorld::both(None) };
    if let Some(text) = node.as_text() {
        return PerWorld::both(units::duration(text).ok());
    }
    let one = |world| {
        let text = node.get(world_name(world)).and_then(|node| node.as_text())?;
        units::duration(text).ok()
    };
    PerWorld { simulated: one(World::Simulated), live: one(World::Live) }
}

/// How users get ready.
pub(crate) fn read_prepare(view: &View<'_>) -> PreparePlan {
    let identities = match view.text("identities").as_deref() {
        Some("per_room") => Identities::PerRoom,
        Some("shared") => Identities::Shared,
        _ => Identities::PerUser,
    };
    PreparePlan { sign_in_rate: view.number("sign_in_rate").unwrap_or(1.0), identities }
}

/// Refuses a live run that could not get ready in time, however fast its target is: `requests` are the rooms and sign-ins that it
/// makes at least.
pub(crate) fn check_prepare(root: &View<'_>, time: &Time, rate: f64, requests: u64, faults: &mut Faults) {
    let Some(within_ns) = *time.prepare_ns.of(World::Live) else { return };
    // The first has not to wait for its turn.
    let takes_ns = requests.saturating_sub(1) as f64 / rate * 1e9;
    if takes_ns > within_ns as f64 {
        let fault = Fault::new(&root.table("time", &TIME).span("prepare"), "a live run cannot get ready in this time");
        let takes = units::duration_text((takes_ns / 1e9).ceil() as Nanos * 1_000_000_000);
        faults.push(
            fault
                .found(format!("{requests} rooms and sign-ins take {takes} at {rate} a second"))
                .hint("make `prepare` longer, leave it out, or raise `sign_in_rate` in `[prepare]`"),
        );
    }
}

/// Finds what would never happen because the phases are too short.
pub(crate) fn check_against(
    root: &View<'_>,
    time: &Time,
    groups: &[Group],
    fault_list: &[scenario::Fault],
    faults: &mut Faults,
) {
    let view = root.table("time", &TIME);
    for group in groups {
        if matches!(group.arrival, Arrival::OverRamp { .. }) && time.ramp_ns.simulated.min(time.ramp_ns.live) == 0 {
            faults.push(
                Fault::new(
                    &view.key_span("ramp"),
                    format!("group `{}` arrives over the ramp, which is 0s long", group.name),
                )
                .hint("write `[time]` with `ramp = \"30s\"`, or `arrive = { rate = …, for = … }`"),
            );
        }
    }
    for world in [World::Simulated, World::Live] {
        let Some(measure_ns) = *time.measure_ns.of(world) else { continue };
        let end_ns = time.ramp_ns.of(world) + time.warmup_ns.of(world) + measure_ns;
        let late_faults = fault_list.iter().map(|fault| (format!("fault `{}`", fault.name), fault.when.minimum()));
        let late_groups = groups.iter().map(|group| (format!("group `{}`", group.name), group.arrival.earliest_ns()));
        let waits = |group: &Group| Some((format!("an `at` of group `{}`", group.name), group.behaviour.latest_ns()?));
        let late_steps = groups.iter().filter_map(waits);
        for (what, at_ns) in
            late_faults.chain(late_groups).chain(late_steps).filter(|(_, at_ns)| *at_ns >= end_ns.max(1))
        {
            faults.push(
                Fault::new(&view.span("measure"), format!("{what} begins after the measure phase has ended"))
                    .found(format!("begins at {}, measure ends at {}", duration_text(at_ns), duration_text(end_ns)))
                    .hint("make `measure` longer, or leave it out: it is then long enough"),
            );
        }
    }
}
