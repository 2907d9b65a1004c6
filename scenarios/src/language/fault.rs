//! `[[fault]]`: what goes wrong, to whom, when. Neighbours: `plan::expand` draws times and victims.

use crate::diagnostics::{Fault, Faults};
use crate::distribution::{Distribution, Nanos};
use crate::language::distribution::{self, DISTRIBUTION};
use crate::language::flow::unknown_group;
use crate::language::shape::{Shape, Table, Words, beside, default, later, needed};
use crate::language::view::View;
use crate::plan::{SystemPlan, Way};
use crate::scenario::{self, Action, Arrival, Group, Target};
use crate::tree::Node;

/// `[[fault]]`.
pub(crate) static FAULT: Table = Table {
    name: "a fault",
    doc: "what goes wrong, to whom, when",
    keys: &[
        default("name", Shape::Text, "''", "Its name in stories; what it does if left out."),
        needed(
            "do",
            Shape::Word(&DOINGS),
            "What happens: partition, latency, loss, kill (the process dies), restart (it dies and always comes back), \
             lose (the machine vanishes).",
        ),
        needed("at", DISTRIBUTION, "When it begins."),
        beside(
            LINK,
            "between",
            Shape::List(&TARGET, 2),
            None,
            "Between whom: two of `\"server\"`, `\"GROUP\"`, `{ users = \"GROUP\", pick = 1 }`.",
        ),
        beside(
            LINK,
            "way",
            Shape::Word(&WAYS),
            Some("'both'"),
            "Which way is cut: both, to_server, from_server, left_to_right, right_to_left.",
        ),
        beside(LINK, "for", DISTRIBUTION, None, "How long it lasts; until the measure phase ends if left out."),
        beside(LINK, "added", DISTRIBUTION, None, "`latency`: how much longer each message takes."),
        beside(LINK, "share", Shape::Number(0.0, 1.0), None, "`loss`: share of packets lost, 0 to 1."),
        beside(
            LINK,
            "who",
            TARGETS,
            None,
            "`kill`, `restart`, `lose`: `\"server\"`, `\"GROUP\"`, `{ users = \"GROUP\", pick = 1 }`, or a list of them.",
        ),
        beside(
            LINK,
            "back",
            DISTRIBUTION,
            None,
            "`kill`, `restart`, `lose`: how long until it starts again. If left out, a server takes `restart_takes`; a user \
             stays away, and takes 1s for `restart`.",
        ),
    ],
    one_of: &[],
    later: &[
        later("when", "faults that wait for something to happen are not there yet: write `at`, fixed or random"),
        later("nth", "faults that wait for something to happen are not there yet: write `at`, fixed or random"),
        later("skew", "clock skew is not there yet"),
    ],
};

/// Every fault has a `do`; which key belongs to which doing is checked by the reader, with better words.
const LINK: &[&str] = &["do"];

static DOINGS: Words = Words {
    words: &["partition", "latency", "loss", "kill", "restart", "lose"],
    later: &[
        later("stop", "stopping politely (SIGTERM) is not there yet: `kill` ends the process at once"),
        later("pause", "pausing a process is not there yet: a `partition` makes it silent"),
        later("deploy", "rolling out a new version is not there yet"),
    ],
};

static WAYS: Words =
    Words { words: &["both", "to_server", "from_server", "left_to_right", "right_to_left"], later: &[] };

const TARGET: Shape = Shape::Either(&[Shape::Text, Shape::Table(&SOME_USERS)]);

const TARGETS: Shape = Shape::Either(&[Shape::Text, Shape::Table(&SOME_USERS), Shape::List(&TARGET, 1)]);

static SOME_USERS: Table = Table {
    name: "users of a group",
    doc: "`{ users = \"GROUP\", pick = 1 }`",
    keys: &[
        needed("users", Shape::Text, "The group."),
        crate::language::shape::key("pick", Shape::Whole(1, 10_000), "How many of them, drawn; all if left out."),
    ],
    one_of: &[],
    later: &[],
};

const LINK_KEYS: [&str; 5] = ["between", "way", "for", "added", "share"];
const HOST_KEYS: [&str; 2] = ["who", "back"];

/// How long a user that is restarted stays away: a process manager starts it again at once.
const USER_RESTART_TAKES_NS: Nanos = 1_000_000_000;

/// All faults, in the order of the file.
pub(crate) fn read_all(
    list: &[Node],
    groups: &[Group],
    system: &SystemPlan,
    faults: &mut Faults,
) -> Vec<scenario::Fault> {
    let mut read_faults: Vec<scenario::Fault> = Vec::new();
    for node in list.iter().filter(|node| node.is_table()) {
        let view = View::new(&FAULT, Some(node), &node.span);
        let Some(mut fault) = read(&view, groups, system, faults) else { continue };
        if read_faults.iter().any(|other| other.name == fault.name) {
            if view.has("name") {
                faults.push(Fault::new(&view.span("name"), format!("two faults are called `{}`", fault.name)));
            }
            fault.name = format!("{} {}", fault.name, read_faults.len() + 1);
        }
        read_faults.push(fault);
    }
    read_faults
}

fn read(view: &View<'_>, groups: &[Group], system: &SystemPlan, faults: &mut Faults) -> Option<scenario::Fault> {
    let doing = view.text("do").filter(|doing| DOINGS.words.contains(&doing.as_str()))?;
    refuse_foreign_keys(view, &doing, faults);
    let action = match doing.as_str() {
        "kill" | "restart" => Action::Kill { who: who(view, groups, faults) },
        "lose" => Action::Lose { who: who(view, groups, faults) },
        link => read_link(link, view, groups, faults)?,
    };
    let mut lasts = view.distribution(if is_host(&doing) { "back" } else { "for" }, faults);
    if is_host(&doing) && lasts.is_none() {
        lasts = back_by_default(&doing, &action, system).map(Distribution::Fixed);
    }
    let name = view.text("name").filter(|name| !name.is_empty()).unwrap_or(doing);
    Some(scenario::Fault { name, at: view.distribution("at", faults)?, lasts, action })
}

fn is_host(doing: &str) -> bool {
    matches!(doing, "kill" | "restart" | "lose")
}

/// How long those who are hit stay away where the fault does not say; none if for good.
fn back_by_default(doing: &str, action: &Action, system: &SystemPlan) -> Option<Nanos> {
    match action.targets().contains(&&Target::Server) {
        true => Some(system.restart_takes_ns),
        false => (doing == "restart").then_some(USER_RESTART_TAKES_NS),
    }
}

fn refuse_foreign_keys(view: &View<'_>, doing: &str, faults: &mut Faults) {
    let mut foreign: Vec<&str> = if is_host(doing) { LINK_KEYS.to_vec() } else { HOST_KEYS.to_vec() };
    if doing != "latency" && !is_host(doing) {
        foreign.push("added");
    }
    if doing != "loss" && !is_host(doing) {
        foreign.push("share");
    }
    if doing != "partition" && !is_host(doing) {
        foreign.push("way");
    }
    for name in foreign.into_iter().filter(|name| view.has(name)) {
        let hint = match name {
            "for" => "how long a killed or lost host stays away is `back`",
            "back" => "how long it lasts is `for`",
            "between" => "whom it hits is `who`",
            "who" => "whom it hits is `between = [one, other]`",
            _ => "remove it",
        };
        faults.push(Fault::new(&view.key_span(name), format!("`{name}` means nothing for `{doing}`")).hint(hint));
    }
}

fn need<'v, T>(view: &View<'v>, doing: &str, name: &str, value: Option<T>, faults: &mut Faults) -> Option<T> {
    if value.is_none() && !view.has(name) {
        faults.push(Fault::new(&view.key_span("do"), format!("`{doing}` needs `{name}`")));
    }
    value
}

fn who(view: &View<'_>, groups: &[Group], faults: &mut Faults) -> Vec<Target> {
    let entry = need(view, &view.text("do").unwrap_or_default(), "who", view.entry("who"), faults);
    let nodes: Vec<&Node> = match entry.map(|entry| &entry.node) {
        Some(node) => node.as_list().map_or_else(|| vec![node], |list| list.iter().collect()),
        None => Vec::new(),
    };
    nodes.into_iter().filter_map(|node| target(node, groups, faults)).collect()
}

fn read_link(doing: &str, view: &View<'_>, groups: &[Group], faults: &mut Faults) -> Option<Action> {
    let entry = need(view, doing, "between", view.entry("between"), faults)?;
    let sides = entry.node.as_list().unwrap_or_default();
    if sides.len() > 2 {
        faults.push(Fault::new(&entry.node.span, "`between` has two sides").found(format!("{} sides", sides.len())));
    }
    let targets: Vec<Target> = sides.iter().filter_map(|node| target(node, groups, faults)).collect();
    let added = view.entry("added").and_then(|entry| distribution::read(&entry.node, faults));
    let added = if doing == "latency" { need(view, doing, "added", added, faults) } else { None };
    let share = if doing == "loss" { need(view, doing, "share", view.number("share"), faults) } else { None };
    let between: [Target; 2] = targets.try_into().ok()?;
    if between[0] == between[1] && !matches!(between[0], Target::Users { pick: Some(_), .. }) {
        faults.push(Fault::new(&entry.node.span, "both sides of `between` are the same"));
    }
    match doing {
        "latency" => Some(Action::Latency { between, added: added? }),
        "loss" => Some(Action::Loss { between, share: share? }),
        _ => Some(Action::Partition { way: way(view, &between, faults), between }),
    }
}

fn way(view: &View<'_>, between: &[Target; 2], faults: &mut Faults) -> Way {
    let word = view.text("way").unwrap_or_default();
    let (to_server, from_server) = match (between[0] == Target::Server, between[1] == Target::Server) {
        (true, _) => (Way::RightToLeft, Way::LeftToRight),
        _ => (Way::LeftToRight, Way::RightToLeft),
    };
    if word.ends_with("_server") && !between.contains(&Target::Server) {
        faults.push(
            Fault::new(&view.span("way"), format!("`{word}`, but the server is on neither side"))
                .expected("`left_to_right`, `right_to_left` or `both`"),
        );
    }
    match word.as_str() {
        "to_server" => to_server,
        "from_server" => from_server,
        "left_to_right" => Way::LeftToRight,
        "right_to_left" => Way::RightToLeft,
        _ => Way::Both,
    }
}

fn target(node: &Node, groups: &[Group], faults: &mut Faults) -> Option<Target> {
    let names = || groups.iter().map(|group| group.name.as_str());
    if let Some(name) = node.as_text() {
        if name == "server" {
            return Some(Target::Server);
        }
        if groups.iter().any(|group| group.name == name) {
            return Some(Target::Users { group: name.to_owned(), pick: None });
        }
        faults.push(unknown_group(name, &node.span, names().chain(["server"])));
        return None;
    }
    let view = View::new(&SOME_USERS, Some(node), &node.span);
    let name = view.text("users")?;
    let Some(group) = groups.iter().find(|group| group.name == name) else {
        faults.push(unknown_group(&name, &view.span("users"), names()));
        return None;
    };
    let pick = view.whole("pick").map(|pick| pick as u32);
    let count = match &group.arrival {
        Arrival::Drawn { count, .. } | Arrival::OverRamp { count, .. } => Some(*count),
        Arrival::Listed(starts) => Some(starts.len() as u32),
        Arrival::Rate { .. } => None,
    };
    if let (Some(pick), Some(count)) = (pick, count)
        && pick > count
    {
        faults.push(
            Fault::new(&view.span("pick"), format!("group `{name}` has fewer users than that"))
                .found(format!("{pick} of {count}")),
        );
    }
    Some(Target::Users { group: name, pick })
}
