//! `[faults.NAME]`: what goes wrong, to whom, when. Neighbours: `target` (whom), `sight` (after which message), `plan::faults`
//! draws times and victims.

use crate::diagnostics::{Fault, Faults};
use crate::distribution::{Distribution, Nanos};
use crate::language::distribution::DISTRIBUTION;
use crate::language::quantities::{self, BANDWIDTH, OFFSET, SHARE};
use crate::language::shape::{NameRule, Names, Shape, Table, Words, beside, elsewhere, key, later, needed};
use crate::language::sight::{self, WHEN};
use crate::language::target::{self, SIDES, TARGETS};
use crate::language::units::DURATION;
use crate::language::view::View;
use crate::plan::{SystemPlan, Way};
use crate::scenario::{self, Action, Group, Target, When};
use crate::tree::Entry;

/// `[faults.NAME]`. The name stands in stories.
pub(crate) static FAULTS: Names = Names { what: "fault", rule: NameRule::Any, value: Shape::Table(&FAULT) };

static FAULT: Table = Table {
    name: "a fault",
    doc: "what goes wrong, to whom, when",
    keys: &[
        needed(
            "do",
            Shape::Word(&DOINGS),
            "What happens. To links: partition, latency, loss, bandwidth (it narrows). To processes: stop (SIGTERM: it finishes \
             and exits), kill (it dies), restart (it dies and always comes back), lose (the machine vanishes), pause (it is \
             held, time goes on and its machine keeps what arrives), clock_skew (its clocks are wrong).",
        ),
        key("at", DISTRIBUTION, "When it begins."),
        key("when", Shape::Table(&WHEN), "The message after which it begins."),
        beside(
            DOING,
            "between",
            SIDES,
            None,
            "The link between whom: two of `\"server\"`, `\"GROUP\"`, `{ users = \"GROUP\", pick = 1 }`, \
             `{ users = \"GROUP\", share = 0.5 }`.",
        ),
        beside(
            DOING,
            "way",
            Shape::Word(&WAYS),
            Some("'both'"),
            "Which way is cut: both, to_server, from_server, left_to_right, right_to_left.",
        ),
        beside(DOING, "for", DISTRIBUTION, None, "How long it lasts; until the measure phase ends if left out."),
        beside(DOING, "added", DISTRIBUTION, None, "`latency`: how much longer each message takes."),
        beside(DOING, "share", SHARE, None, "`loss`: share of packets lost, 0 to 1."),
        beside(DOING, "limit", BANDWIDTH, None, "`bandwidth`: what each direction carries between each pair of hosts."),
        beside(DOING, "who", TARGETS, None, "The processes of whom: one of what `between` takes, or a list of them."),
        beside(
            DOING,
            "back",
            DISTRIBUTION,
            None,
            "`stop`, `kill`, `restart`, `lose`: how long until it starts again, for `stop` from when it has exited. If left \
             out, a server takes `restart_takes`; a user stays away, and takes 1s for `restart`.",
        ),
        beside(DOING, "grace", DURATION, Some("'30s'"), "`stop`: how long it may take before it is killed."),
        beside(
            DOING,
            "offset",
            OFFSET,
            Some("'0s'"),
            "`clock_skew`: how far the wall clock is ahead, or behind with a minus: `\"-5s\"`, `{ uniform = [\"-5s\", \"5s\"] }`.",
        ),
        beside(
            DOING,
            "drift",
            Shape::Number(-0.9, 10.0),
            Some("0"),
            "`clock_skew`: how much too fast wall clock and timers run, or too slow with a minus; 0.01 is 1 %.",
        ),
    ],
    one_of: &["at", "when"],
    later: &[elsewhere("name", "the name of a fault is that of its table: `[faults.NAME]`")],
};

/// Every fault has a `do`; which key belongs to which doing is checked by the reader, with better words.
const DOING: &[&str] = &["do"];

/// The keys of every fault.
const COMMON_KEYS: [&str; 3] = ["do", "at", "when"];

/// What can be done, with the keys that mean something for it.
const KEYS: [(&str, &[&str]); 10] = [
    ("partition", &["between", "for", "way"]),
    ("latency", &["between", "for", "added"]),
    ("loss", &["between", "for", "share"]),
    ("bandwidth", &["between", "for", "limit"]),
    ("stop", &["who", "back", "grace"]),
    ("kill", &["who", "back"]),
    ("restart", &["who", "back"]),
    ("lose", &["who", "back"]),
    ("pause", &["who", "for"]),
    ("clock_skew", &["who", "for", "offset", "drift"]),
];

static DOINGS: Words = Words {
    words: &["partition", "latency", "loss", "bandwidth", "stop", "kill", "restart", "lose", "pause", "clock_skew"],
    later: &[later("deploy", "rolling out a new version is not there yet")],
};

static WAYS: Words =
    Words { words: &["both", "to_server", "from_server", "left_to_right", "right_to_left"], later: &[] };

/// How long a user that is restarted stays away: a process manager starts it again at once.
const USER_RESTART_TAKES_NS: Nanos = 1_000_000_000;

/// All faults, in the order of the file.
pub(crate) fn read_all(
    entries: &[Entry],
    groups: &[Group],
    system: &SystemPlan,
    faults: &mut Faults,
) -> Vec<scenario::Fault> {
    entries.iter().filter_map(|entry| read(entry, groups, system, faults)).collect()
}

fn read(entry: &Entry, groups: &[Group], system: &SystemPlan, faults: &mut Faults) -> Option<scenario::Fault> {
    let view = &View::new(&FAULT, Some(&entry.node), &entry.key_span);
    let doing = view.text("do")?;
    let (_, keys) = KEYS.iter().find(|(name, _)| *name == doing)?;
    refuse_foreign_keys(view, &doing, keys, faults);
    let action = match keys.contains(&"between") {
        true => read_link(&doing, view, groups, faults)?,
        false => read_host(&doing, view, groups, faults)?,
    };
    let lasts = match keys.contains(&"back") {
        true => {
            let by_default = || back_by_default(&doing, &action, system).map(Distribution::Fixed);
            view.distribution("back", faults).or_else(by_default)
        }
        false => view.distribution("for", faults),
    };
    let when = match view.has("when") {
        true => When::After(sight::read(&view.table("when", &WHEN), action.targets(), groups, faults)?),
        false => When::At(view.distribution("at", faults)?),
    };
    Some(scenario::Fault { name: entry.key.clone(), when, lasts, action })
}

/// How long those who are hit stay away where the fault does not say; none if for good.
fn back_by_default(doing: &str, action: &Action, system: &SystemPlan) -> Option<Nanos> {
    match action.targets().contains(&Target::Server) {
        true => Some(system.restart_takes_ns),
        false => (doing == "restart").then_some(USER_RESTART_TAKES_NS),
    }
}

fn refuse_foreign_keys(view: &View<'_>, doing: &str, keys: &[&str], faults: &mut Faults) {
    let is_foreign = |name: &&str| !COMMON_KEYS.contains(name) && !keys.contains(name) && view.has(name);
    for name in FAULT.keys.iter().map(|key| key.name).filter(is_foreign) {
        let hint = match name {
            "for" => "how long a host stays away is `back`",
            "back" => "how long it lasts is `for`",
            "between" => "whom it hits is `who`",
            "who" => "whom it hits is `between = [one, other]`",
            _ => "remove it",
        };
        faults.push(Fault::new(&view.key_span(name), format!("`{name}` means nothing for `{doing}`")).hint(hint));
    }
}

fn need<T>(view: &View<'_>, doing: &str, name: &str, value: Option<T>, faults: &mut Faults) -> Option<T> {
    if value.is_none() && !view.has(name) {
        faults.push(Fault::new(&view.key_span("do"), format!("`{doing}` needs `{name}`")));
    }
    value
}

fn read_host(doing: &str, view: &View<'_>, groups: &[Group], faults: &mut Faults) -> Option<Action> {
    let entry = need(view, doing, "who", view.entry("who"), faults)?;
    let who = target::targets(&entry.node, groups, faults);
    Some(match doing {
        "stop" => Action::Stop { who, grace_ns: view.duration("grace")? },
        "lose" => Action::Lose { who },
        "pause" => Action::Pause { who },
        "clock_skew" => {
            if !view.has("offset") && !view.has("drift") {
                faults.push(Fault::new(&view.key_span("do"), "`clock_skew` needs `offset`, `drift` or both"));
            }
            let offset_ns = quantities::read_offset(&*view.value("offset")?, faults)?;
            Action::ClockSkew { who, offset_ns, drift_ppm: (view.number("drift")? * 1e6).round() as i64 }
        }
        _ => Action::Kill { who },
    })
}

fn read_link(doing: &str, view: &View<'_>, groups: &[Group], faults: &mut Faults) -> Option<Action> {
    let between = need(view, doing, "between", view.entry("between"), faults)?;
    let between = target::sides(&between.node, groups, faults);
    Some(match doing {
        "latency" => {
            let added = need(view, doing, "added", view.distribution("added", faults), faults);
            Action::Latency { between: between?, added: added? }
        }
        "loss" => {
            let share = need(view, doing, "share", view.number("share"), faults);
            Action::Loss { between: between?, share: share? }
        }
        "bandwidth" => {
            let limit = view.text("limit").and_then(|limit| quantities::bytes_per_s(&limit).ok());
            let limit = need(view, doing, "limit", limit, faults);
            Action::Bandwidth { between: between?, bytes_per_s: limit? }
        }
        _ => {
            let between = between?;
            Action::Partition { way: way(view, &between, faults), between }
        }
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_doing_has_its_keys_and_every_key_a_doing() {
        assert!(KEYS.iter().map(|(doing, _)| *doing).eq(DOINGS.words.iter().copied()));
        for key in FAULT.keys.iter().filter(|key| !COMMON_KEYS.contains(&key.name)) {
            assert!(KEYS.iter().any(|(_, keys)| keys.contains(&key.name)), "{}", key.name);
        }
        assert!(KEYS.iter().flat_map(|(_, keys)| *keys).all(|name| FAULT.key(name).is_some()));
    }
}
