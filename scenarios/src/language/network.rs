//! `[network]`: how the simulated network behaves between faults. Live runs have the network that they have. Neighbours:
//! `target` (whom a link joins), `plan::faults` draws hosts.

use crate::diagnostics::{Fault, Faults};
use crate::language::distribution::DISTRIBUTION;
use crate::language::quantities::{self, BANDWIDTH, SHARE};
use crate::language::shape::{NameRule, Names, Shape, Table, default, key, later, needed};
use crate::language::target::{self, SIDES};
use crate::language::units::DURATION;
use crate::language::view::View;
use crate::plan::{DatagramPlan, NetworkPlan};
use crate::scenario::{Group, Link};

/// `[network]`.
pub(crate) static NETWORK: Table = Table {
    name: "`[network]`",
    doc: "the simulated network between faults",
    keys: &[
        default("latency", DISTRIBUTION, "{ uniform = ['1ms', '20ms'] }", "One-way latency of each message."),
        default(
            "tcp_timeout",
            DURATION,
            "'20s'",
            "How long an end waits for an acknowledgement or a connect before it gives up.",
        ),
        key(
            "bandwidth",
            BANDWIDTH,
            "What each direction carries between each pair of hosts; without limit if left out. Users that share a host \
             share it.",
        ),
        key("datagrams", Shape::Table(&DATAGRAMS), "What becomes of UDP datagrams."),
        key("links", Shape::Names(&LINKS), "Links that differ; of several that join two hosts, the last counts."),
    ],
    one_of: &[],
    later: &[later("loss", "steady loss is not there yet: use a fault with `do = \"loss\"`")],
};

static DATAGRAMS: Table = Table {
    name: "`network.datagrams`",
    doc: "what becomes of UDP datagrams, besides the latency of each",
    keys: &[
        default("loss", SHARE, "0", "Share that is lost."),
        default("duplicate", SHARE, "0", "Share that arrives twice."),
        default("reorder", SHARE, "0", "Share that others may overtake; the rest arrive as they were sent."),
    ],
    one_of: &[],
    later: &[],
};

static LINKS: Names = Names { what: "link", rule: NameRule::Plain, value: Shape::Table(&LINK) };

static LINK: Table = Table {
    name: "a link",
    doc: "how the network between two sides differs, in both directions",
    keys: &[
        needed(
            "between",
            SIDES,
            "Between whom: two of `\"server\"`, `\"GROUP\"`, `{ users = \"GROUP\", pick = 1 }`, \
             `{ users = \"GROUP\", share = 0.5 }`.",
        ),
        key("latency", DISTRIBUTION, "One-way latency of each message; as everywhere if left out."),
        key(
            "bandwidth",
            BANDWIDTH,
            "What each direction carries between each pair of hosts; as everywhere if left out.",
        ),
    ],
    one_of: &[],
    later: &[],
};

/// The network, without its links.
pub(crate) fn read(view: &View<'_>, faults: &mut Faults) -> Option<NetworkPlan> {
    let datagrams = view.table("datagrams", &DATAGRAMS);
    Some(NetworkPlan {
        latency: view.distribution("latency", faults)?,
        tcp_timeout_ns: view.duration("tcp_timeout")?,
        bandwidth_bytes_per_s: bandwidth(view),
        datagrams: DatagramPlan {
            loss: datagrams.number("loss")?,
            duplicate: datagrams.number("duplicate")?,
            reorder: datagrams.number("reorder")?,
        },
        links: Vec::new(),
    })
}

/// The links that differ, in the order of the file.
pub(crate) fn read_links(view: &View<'_>, groups: &[Group], faults: &mut Faults) -> Vec<Link> {
    let mut links = Vec::new();
    for entry in view.names("links").iter().filter(|entry| entry.node.is_table()) {
        let view = View::new(&LINK, Some(&entry.node), &entry.key_span);
        if !view.has("latency") && !view.has("bandwidth") {
            faults.push(
                Fault::new(&entry.key_span, format!("the link `{}` does not differ", entry.key))
                    .expected("`latency`, `bandwidth` or both"),
            );
        }
        let latency = view.distribution("latency", faults);
        let between = view.entry("between").and_then(|entry| target::sides(&entry.node, groups, faults));
        let bandwidth_bytes_per_s = bandwidth(&view);
        links.extend(between.map(|between| Link { name: entry.key.clone(), between, latency, bandwidth_bytes_per_s }));
    }
    links
}

fn bandwidth(view: &View<'_>) -> Option<u64> {
    view.text("bandwidth").and_then(|text| quantities::bytes_per_s(&text).ok())
}
