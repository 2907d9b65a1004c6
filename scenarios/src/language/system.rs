//! `[system]` and `[rooms]`: what is deployed. Neighbours: `defects`. Left out: who uses it.

use crate::diagnostics::{Fault, Faults};
use crate::language::defects::{self, Side};
use crate::language::existing;
use crate::language::shape::{Shape, Table, Words, default, key, later};
use crate::language::units::DURATION;
use crate::language::view::View;
use crate::plan::{IdentityKind, Limits, Profile, Service, Stage, SystemPlan};

/// `[system]`.
pub(crate) static SYSTEM: Table = Table {
    name: "`[system]`",
    doc: "the deployment that is rehearsed",
    keys: &[
        default(
            "service",
            Shape::Word(&SERVICES),
            "'reference'",
            "Whose service it is: the `reference` one, or your `own`, whose users connect and do all else in their flows.",
        ),
        default(
            "stage",
            Shape::Word(&STAGES),
            "'single'",
            "The way to deploy: `single` is one server, state in memory.",
        ),
        default("servers", Shape::Whole(1, 16), "1", "How many servers; 1 on the single stage."),
        default(
            "profile",
            Shape::Word(&PROFILES),
            "'documented'",
            "`documented`, or `deployed` with the quirks of a real server.",
        ),
        default(
            "identity",
            Shape::Word(&IDENTITIES),
            "'hs256'",
            "How simulated identity tokens are signed: `hs256` (fast), or `rs256` as deployments do. A live target has its own.",
        ),
        default("defects", Shape::List(&Shape::Text, 0), "[]", "Known flaws that the server is told to have."),
        key("server", Shape::Table(&SERVER), "Each server."),
        key("limits", Shape::Table(&LIMITS), "Bounds that the server enforces."),
    ],
    one_of: &[],
    later: &[
        later("redis", "the stage with Redis is not there yet: `stage = \"single\"`"),
        later("instances", "cloud instances are not there yet"),
    ],
};

static SERVICES: Words = Words { words: &["reference", "own"], later: &[] };

static STAGES: Words = Words {
    words: &["single"],
    later: &[
        later("redis", "only `single` is there: one server, state in memory"),
        later("enterprise", "only `single` is there: one server, state in memory"),
    ],
};

static IDENTITIES: Words = Words { words: &["hs256", "rs256"], later: &[] };

static PROFILES: Words = Words { words: &["documented", "deployed"], later: &[] };

static SERVER: Table = Table {
    name: "`system.server`",
    doc: "each server",
    keys: &[default(
        "restart_takes",
        DURATION,
        "'3s'",
        "Until a killed server serves again, where its fault names no time.",
    )],
    one_of: &[],
    later: &[later("service_time", "service times are not there yet: simulated servers answer at once")],
};

static LIMITS: Table = Table {
    name: "`system.limits`",
    doc: "bounds that the server enforces",
    keys: &[
        default("message_bytes", Shape::Whole(1_024, 1 << 26), "1048576", "Largest incoming message, in bytes."),
        default(
            "metadata_bytes",
            Shape::Whole(64, 1 << 24),
            "65536",
            "Largest metadata of one peer, in bytes of JSON.",
        ),
        default("room_peers", Shape::Whole(1, 100_000), "2000", "Most peers in one room."),
        default(
            "outbound_queue",
            Shape::Whole(1, 1 << 20),
            "1024",
            "Messages that wait for one slow receiver before its connection is closed.",
        ),
    ],
    one_of: &[],
    later: &[],
};

/// `[rooms]`.
pub(crate) static ROOMS: Table = Table {
    name: "`[rooms]`",
    doc: "the rooms that users meet in",
    keys: &[
        default("count", Shape::Whole(1, 1_000), "1", "How many rooms; they are called room-0, room-1, …"),
        key(
            "existing",
            existing::EXISTING,
            "Live: rooms of the target that are joined and never deleted, in place of `count`: where each one's `ID:TOKEN` is, \
             `env:NAME` or `file:PATH`. The simulated world makes as many of its own.",
        ),
    ],
    one_of: &[],
    later: &[],
};

/// The deployment.
pub(crate) fn read(view: &View<'_>, faults: &mut Faults) -> SystemPlan {
    let servers = view.whole("servers").unwrap_or(1) as u32;
    let service = match view.text("service").as_deref() {
        Some("own") => Service::Own,
        _ => Service::Reference,
    };
    if servers > 1 && service == Service::Reference {
        faults.push(
            Fault::new(&view.span("servers"), "the single stage has one server")
                .found(format!("`servers = {servers}`"))
                .hint("stages with several servers are not there yet"),
        );
    }
    let defaults = Limits::default();
    let limits = view.table("limits", &LIMITS);
    SystemPlan {
        service,
        stage: Stage::Single,
        servers,
        defects: defects::read(view.texts("defects"), Side::Server, faults),
        restart_takes_ns: view.table("server", &SERVER).duration("restart_takes").unwrap_or_default(),
        profile: match view.text("profile").as_deref() {
            Some("deployed") => Profile::Deployed,
            _ => Profile::Documented,
        },
        identity: match view.text("identity").as_deref() {
            Some("rs256") => IdentityKind::Rs256,
            _ => IdentityKind::Hs256,
        },
        limits: Limits {
            message_bytes_max: limits.whole("message_bytes").unwrap_or(defaults.message_bytes_max),
            metadata_bytes_max: limits.whole("metadata_bytes").unwrap_or(defaults.metadata_bytes_max),
            room_peers_max: limits.whole("room_peers").map_or(defaults.room_peers_max, |n| n as u32),
            outbound_queue_max: limits.whole("outbound_queue").map_or(defaults.outbound_queue_max, |n| n as u32),
        },
    }
}

/// How many rooms.
pub(crate) fn read_rooms(view: &View<'_>) -> u32 {
    view.whole("count").unwrap_or(1).clamp(1, 1_000) as u32
}
