//! The shapes of steps: a step is a bare word (`"join"`) or a table with one verb and a few keys beside it.
//! Neighbours: `verb` reads them, `flow` holds them.

use crate::language::distribution::DISTRIBUTION;
use crate::language::shape::{
    Form, Key, NameRule, Names, Shape, Table, Words, beside, default, elsewhere, key, later, needed,
};
use crate::language::units::DURATION;
use crate::plan::Malformed;

/// A step. Lists of steps are written out where they occur: a constant of them would refer to itself.
pub(crate) static STEP: Shape = Shape::Either(&[Shape::Word(&BARE), Shape::Table(&STEP_TABLE)]);

/// Verbs that need no more words.
static BARE: Words = Words {
    words: &["join", "connect", "register", "discover", "disconnect", "reconnect", "stop"],
    later: &[
        elsewhere("update_metadata", "write `{ update_metadata = { properties = { … } } }`"),
        elsewhere("send", "write `{ send = { to = \"PEER\", payload = { … } } }`"),
        elsewhere("raw", "write `{ raw = { type = \"…\" } }`"),
        elsewhere("expect", "write `{ expect = { type = \"…\" } }`"),
        elsewhere("expect_one_of", "write `{ expect_one_of = [{ message = { … }, then = \"FLOW\" }, …] }`"),
        elsewhere("expect_none", "write `{ expect_none = { type = \"…\" }, for = \"1s\" }`"),
        elsewhere(
            "expect_close",
            "write `{ expect_close = {} }`, or with its code `{ expect_close = { code = 1009 } }`",
        ),
        elsewhere("malformed", "write `{ malformed = \"unmasked\" }`"),
        elsewhere("http", "write `{ http = { path = \"/…\" } }`"),
        elsewhere("at", "write `{ at = \"10s\" }`"),
        elsewhere("think", "write `{ think = \"1s\" }`"),
        elsewhere("stop_reading", "write `{ stop_reading = \"5s\" }`"),
        elsewhere("repeat", "write `{ repeat = { times = 3, steps = […] } }`"),
        elsewhere("meet", "write `{ meet = \"POINT\" }`"),
    ],
};

/// The verbs.
pub(crate) const VERBS: &[&str] = &[
    "join",
    "connect",
    "register",
    "discover",
    "update_metadata",
    "send",
    "raw",
    "expect",
    "expect_one_of",
    "expect_none",
    "expect_close",
    "malformed",
    "http",
    "at",
    "think",
    "stop_reading",
    "repeat",
    "meet",
    "disconnect",
    "reconnect",
    "stop",
];

/// Verbs whose answer can be kept.
const ANSWERED: &[&str] = &["join", "register", "discover", "update_metadata", "expect", "expect_close", "http"];

/// A step as a table.
pub(crate) static STEP_TABLE: Table = Table {
    name: "a step",
    doc: "one verb, and keys beside it",
    keys: &[
        key("join", NOTHING, "Connect and register: all of joining."),
        key("connect", NOTHING, "Open the WebSocket only."),
        key("register", NOTHING, "Register on the open connection."),
        key(
            "discover",
            Shape::Table(&FILTERS),
            "`discover_peers` with these filters; an empty table asks for everybody.",
        ),
        key("update_metadata", Shape::Table(&METADATA), "`update_metadata` with these tags and properties."),
        key("send", Shape::Table(&SEND), "`peer_message` to a peer."),
        key(
            "raw",
            Shape::Either(&[Shape::Text, Shape::JsonTable]),
            "Anything on the WebSocket: a table is sent as JSON, a string as it is, broken JSON included.",
        ),
        key(
            "expect",
            Shape::JsonTable,
            "Wait for a message that contains this: every key present and equal, tables partially.",
        ),
        key(
            "expect_one_of",
            Shape::List(&Shape::Table(&BRANCH), 1),
            "Wait for the first message that contains one of several things, and do what follows that one.",
        ),
        key(
            "expect_none",
            Shape::JsonTable,
            "Wait for all of `for`, and fail if a message that contains this comes, or has come unasked.",
        ),
        key(
            "expect_close",
            Shape::Table(&CLOSE),
            "Wait until the other side ends the connection; an empty table takes any end.",
        ),
        key(
            "malformed",
            Shape::Word(&MALFORMED),
            "Send bytes that break the WebSocket protocol: a frame that is `unmasked`, has a `reserved_bit` or a \
             `reserved_opcode`, says that it is `endless` (a tebibyte), is a `stray_continuation`, a `long_ping`, or a text \
             that is `not_utf8`.",
        ),
        key("http", Shape::Table(&HTTP), "An HTTP request."),
        key(
            "at",
            DURATION,
            "Wait until this time of the plan, counted from its start; what comes next was planned for it, or for as much later \
             as the user pauses before it.",
        ),
        key("think", DISTRIBUTION, "Do nothing for a while; the connection is read meanwhile."),
        key(
            "stop_reading",
            DISTRIBUTION,
            "Do nothing for a while and read nothing either, as a slow reader: what comes fills the buffers on its way.",
        ),
        key("repeat", Shape::Table(&REPEAT), "Do steps again."),
        key(
            "meet",
            Shape::Text,
            "Wait until all users of the groups that come to this point are here; who gives up waiting is here no longer.",
        ),
        key("disconnect", Shape::Either(&[ENDING, Shape::Table(&DISCONNECT)]), "End the connection."),
        key(
            "reconnect",
            Shape::Either(&[ENDING, Shape::Table(&RECONNECT)]),
            "End the connection, wait, and join again as the same peer.",
        ),
        key("stop", NOTHING, "End the flow here, without a failure."),
        key("name", Shape::Text, "Its name in tables and events; the verb if left out."),
        key(
            "otherwise",
            Shape::Word(&OTHERWISE),
            "What to do when it fails or times out: `fail` (if left out), `stop` or `continue`.",
        ),
        beside(
            ANSWERED,
            "save",
            Shape::Names(&SAVED),
            None,
            "Values to keep: variable = JSON pointer into the answer; used as `${variable}`.",
        ),
        beside(&["discover"], "retry", Shape::Table(&RETRY), None, "Ask again until somebody matches."),
        beside(
            &["expect", "expect_one_of", "expect_close", "meet"],
            "within",
            DURATION,
            None,
            "How long to wait; 5s for `expect`, `expect_one_of` and `expect_close`, 20s for `meet` if left out.",
        ),
        beside(&["expect_none"], "for", DURATION, Some("'1s'"), "For how long no such message may come."),
        key(
            "span",
            Shape::Text,
            "The span that it belongs to: from the begin of the first step that says so to the end of the last one it is \
             one operation of this name, in tables, plots and thresholds. It fails if one of its steps does.",
        ),
        beside(&["meet"], "of", OF, None, "The groups that meet; all whose flow comes to this point if left out."),
    ],
    one_of: VERBS,
    later: &[
        elsewhere("then", "branches stand in `expect_one_of`: `[{ message = { … }, then = \"FLOW\" }, …]`"),
        elsewhere("spans", "each step of a span says `span = \"NAME\"`"),
        elsewhere("pace", "a planned pace is `repeat = { every = …, steps = […] }`, or `pace` of the group"),
        later("mesh_connect", "mesh steps are not there yet: write the message with `raw`"),
    ],
};

const NOTHING: Shape = Shape::Either(&[Shape::Flag, Shape::Table(&EMPTY)]);

static EMPTY: Table =
    Table { name: "this step", doc: "`{}`: it needs no more words", keys: &[], one_of: &[], later: &[] };

static MALFORMED: Words = Words { words: &Malformed::WORDS, later: &[] };

/// How a connection is expected to end.
pub(crate) static CLOSE: Table = Table {
    name: "an expected close",
    doc: "`{ code = 1009 }`, or `{}` for any end",
    keys: &[key(
        "code",
        Shape::Whole(1000, 4999),
        "The code that the close frame must have (RFC 6455, section 7.4); a connection that is lost has none.",
    )],
    one_of: &[],
    later: &[],
};

/// One of the things that `expect_one_of` waits for.
pub(crate) static BRANCH: Table = Table {
    name: "a branch",
    doc: "`{ message = { … }, then = … }`",
    keys: &[
        needed("message", Shape::JsonTable, "What the message contains, as for `expect`."),
        key("save", Shape::Names(&SAVED), "Values to keep: variable = JSON pointer into the message."),
        key(
            "then",
            Shape::Either(&[Shape::Text, Shape::List(&STEP, 0)]),
            "What to do: steps, the name of a flow whose steps are played, or `stop`; goes on if left out.",
        ),
    ],
    one_of: &[],
    later: &[],
};

/// Filters of `discover_peers` (API document).
pub(crate) static FILTERS: Table = Table {
    name: "discovery filters",
    doc: "role, tags, properties",
    keys: &[
        key("role", Shape::Text, "The role."),
        key("tags", Shape::List(&Shape::Text, 0), "Any of these tags; an empty list matches nobody."),
        key("properties", Shape::JsonTable, "Property filters: plain values, or tables with $gte, $lte, $eq."),
    ],
    one_of: &[],
    later: &[],
};

static METADATA: Table = Table {
    name: "metadata",
    doc: "tags, properties",
    keys: &[
        key("tags", Shape::List(&Shape::Text, 0), "Tags to add."),
        key("properties", Shape::JsonTable, "Properties to set."),
    ],
    one_of: &[],
    later: &[],
};

pub(crate) static SEND: Table = Table {
    name: "`send`",
    doc: "`{ to = \"${peer}\", payload = { … } }`",
    keys: &[
        needed("to", Shape::Text, "The receiver's peer id, usually a saved variable or `${peer.workers-0}`."),
        needed("payload", Shape::JsonTable, "Any table; the server never interprets it."),
    ],
    one_of: &[],
    later: &[],
};

pub(crate) static HTTP: Table = Table {
    name: "`http`",
    doc: "`{ path = \"/health\" }`",
    keys: &[
        default("method", Shape::Word(&METHODS), "'GET'", "The method."),
        needed("path", Shape::Form(&PATH), "The path, with a leading slash."),
        key("body", Shape::Json, "A JSON body."),
        default("bearer", Shape::Flag, "false", "Send the user's identity token."),
        default("status", STATUSES, "200", "The status that counts as success, or a list of them."),
    ],
    one_of: &[],
    later: &[],
};

const STATUS: Shape = Shape::Whole(100, 599);

const STATUSES: Shape = Shape::Either(&[STATUS, Shape::List(&STATUS, 1)]);

static METHODS: Words = Words { words: &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"], later: &[] };

static PATH: Form = Form {
    what: "a path",
    example: "\"/health\"",
    pattern: "^/",
    accepts: |text| match text {
        _ if !text.starts_with('/') => Err("a path begins with a slash; the host is the target's".to_owned()),
        _ if text.chars().any(|c| c.is_control() || c == ' ') => Err("a path has no blanks".to_owned()),
        _ => Ok(()),
    },
};

pub(crate) static REPEAT: Table = Table {
    name: "`repeat`",
    doc: "`{ times = 10, steps = […] }`",
    keys: &[
        key("times", Shape::Whole(1, 1_000_000_000), "How often; until the measure phase ends if left out."),
        key("every", DISTRIBUTION, "Planned distance between starts; back to back if left out."),
        key("first", DISTRIBUTION, "How long to wait before the first time."),
        key(
            "until",
            Shape::JsonTable,
            "End once the saved variables contain this: `{ state = \"done\" }`. Needs `times`; the step fails if they \
             never do; what the end of the measure phase cuts short is judged by nobody.",
        ),
        needed("steps", Shape::List(&STEP, 1), "What to repeat."),
    ],
    one_of: &[],
    later: &[],
};

const ENDING: Shape = Shape::Word(&ENDINGS);

const HOW_IT_ENDS: Key = default(
    "ending",
    ENDING,
    "'clean'",
    "How the connection ends: `clean` (a close), `abrupt` (a reset), `silent` (it stays open, unused).",
);

pub(crate) static ENDINGS: Words = Words { words: &["clean", "abrupt", "silent"], later: &[] };

pub(crate) static DISCONNECT: Table = Table {
    name: "`disconnect`",
    doc: "`{ ending = \"abrupt\" }`, or the ending alone",
    keys: &[HOW_IT_ENDS],
    one_of: &[],
    later: &[],
};

pub(crate) static RECONNECT: Table = Table {
    name: "`reconnect`",
    doc: "`{ ending = \"abrupt\", after = \"1s\" }`",
    keys: &[HOW_IT_ENDS, default("after", DISTRIBUTION, "'0s'", "How long to stay away.")],
    one_of: &[],
    later: &[],
};

pub(crate) static RETRY: Table = Table {
    name: "`retry`",
    doc: "`{ every = \"500ms\", for = \"10s\" }`",
    keys: &[
        default("every", DURATION, "'500ms'", "Pause between attempts."),
        default("for", DURATION, "'10s'", "When to give up, from the first attempt."),
    ],
    one_of: &[],
    later: &[],
};

static OTHERWISE: Words = Words { words: &["fail", "stop", "continue"], later: &[] };

static SAVED: Names = Names { what: "variable", rule: NameRule::Plain, value: Shape::Form(&POINTER) };

static POINTER: Form = Form {
    what: "a JSON pointer",
    example: "\"/peers/0/peer_id\"",
    pattern: "^(/.*)?$",
    accepts: |text| match text.is_empty() || text.starts_with('/') {
        true => Ok(()),
        false => Err("a JSON pointer begins with a slash".to_owned()),
    },
};

const OF: Shape = Shape::Either(&[Shape::Text, Shape::List(&Shape::Text, 1)]);
