//! The scenario language. Start at [`ROOT`]: each section is a file with its table of keys and the reader for them.
//!
//! - `pinned`: files whose choices are all made
//! - `shape`, `check`, `schema`, `reference`, `view`: the description, and what is derived from it
//! - `params` with `fill`: values with a name, filled in before anything is read
//! - `units`, `quantities`, `distribution`, `templates`: values
//! - `system` with `service` and `existing`, `users`, `arrive`, `pace`, `churn`, `rows`, `behaviour`, `flow` with `order`, `step`, `verb`, `network`,
//!   `fault` with `target` and `sight`, `search`, `time`, `checks`, `declared` with `event_pattern`, `thresholds`, `expect`: sections
//! - `capacity`, `abort`, `observe`: sections that steer a live run
//!
//! A file is read in two passes: `check` finds faults of form, the sections find contradictions; both go on after a
//! fault.

pub(crate) mod abort;
pub(crate) mod arrive;
pub(crate) mod behaviour;
pub(crate) mod capacity;
pub(crate) mod check;
pub(crate) mod checks;
pub(crate) mod churn;
pub(crate) mod declared;
pub(crate) mod defects;
pub(crate) mod distribution;
pub(crate) mod event_pattern;
pub(crate) mod existing;
pub(crate) mod expect;
pub(crate) mod fault;
pub(crate) mod fill;
pub(crate) mod flow;
pub(crate) mod network;
pub(crate) mod observe;
pub(crate) mod order;
pub(crate) mod pace;
pub(crate) mod params;
pub(crate) mod pinned;
pub(crate) mod quantities;
pub(crate) mod reference;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod service;
pub(crate) mod shape;
pub(crate) mod sight;
pub(crate) mod step;
pub(crate) mod system;
pub(crate) mod target;
pub(crate) mod templates;
pub(crate) mod thresholds;
pub(crate) mod time;
pub(crate) mod units;
pub(crate) mod users;
pub(crate) mod verb;
pub(crate) mod view;

use crate::diagnostics::{Diagnostics, Fault, Faults};
use crate::plan::{LivePlan, Service, World};
use crate::scenario::{Choices, Overrides, PerWorld, Scenario, Script};
use crate::source::Source;
use crate::tree::{self, Node};
use event_pattern::Known;
use fill::{Resolved, Values};
use shape::{NameRule, Names, Shape, Table, default, elsewhere, key, needed};
use std::sync::Arc;
use view::View;

/// The version of the language that this program reads.
const FORMAT: u64 = 1;

/// The whole file.
pub(crate) static ROOT: Table = Table {
    name: "a scenario",
    doc: "who does what in which system, what goes wrong, and what must hold",
    keys: &[
        needed("format", Shape::Whole(1, u64::MAX), "Version of the language: 1."),
        default("about", Shape::Text, "''", "What the scenario is about, in a sentence."),
        key(
            "params",
            Shape::Names(&params::PARAMS),
            "Values with a name, used anywhere as `\"${name}\"`: one for both worlds, or `{ simulated = …, live = … }`.",
        ),
        key(
            "variants",
            Shape::Names(&params::VARIANTS),
            "Sets of other values for parameters, each under a name; played one after the other.",
        ),
        key("expect", expect::EXPECT, "The verdict that is expected; every check holds if left out."),
        key("system", Shape::Table(&system::SYSTEM), "The deployment that is rehearsed."),
        key("rooms", Shape::Table(&system::ROOMS), "The rooms that users meet in."),
        needed("users", Shape::Names(&users::GROUPS), "Groups of users: who takes part."),
        key(
            "files",
            Shape::Names(&rows::FILES),
            "Rows of CSV files, each under the name that `rows` gives: rehearsal writes this behind the text that a record keeps.",
        ),
        key("flow", Shape::Names(&FLOWS), "Flows: steps that a group plays instead of a built-in behaviour."),
        key("network", Shape::Table(&network::NETWORK), "The simulated network between faults."),
        key(
            "faults",
            Shape::Names(&fault::FAULTS),
            "What goes wrong, each under a name. A live run plays what hits users alone, inside the generator.",
        ),
        key(
            "search",
            Shape::Table(&search::SEARCH),
            "Which orders the simulated world tries, and what each of its seeds draws for itself.",
        ),
        key("time", Shape::Table(&time::TIME), "Lengths of the phases."),
        key("prepare", Shape::Table(&time::PREPARE), "How users get ready before time 0."),
        key("checks", Shape::Table(&checks::CHECKS), "What must hold, and with which bounds."),
        key("check", Shape::Names(&declared::DECLARED), "Checks of your own, over messages and operations."),
        key(
            "thresholds",
            Shape::Names(&thresholds::THRESHOLDS),
            "Service-level objectives, judged live only; `late = \"share < 0.1%\"` judges how much of the planned work was dropped.",
        ),
        key("abort", Shape::Table(&abort::ABORT), "Rules that end a live run politely."),
        key(
            "observe",
            Shape::Names(&observe::OBSERVE),
            "Metrics addresses by name, fetched each second of a live run.",
        ),
        key("capacity", Shape::Table(&capacity::CAPACITY), "The search for the highest load, live only."),
    ],
    one_of: &[],
    later: &[
        elsewhere("fault", "what goes wrong has a name: write `[faults.NAME]` in place of `[[fault]]`"),
        elsewhere(
            "sometimes",
            "what must be seen in some seed is a check of your own: `[check.NAME]` with `sometimes = { … }`",
        ),
        elsewhere("spans", "each step of a span says `span = \"NAME\"`"),
        elsewhere("churn", "churn stands on its group: `[users.NAME]` with `churn = { stay = … }`"),
    ],
};

static FLOWS: Names = Names { what: "flow", rule: NameRule::Plain, value: Shape::Table(&flow::FLOW) };

/// Reads a scenario: `name` is the file name without ending, `source` its bytes. Of a file with variants it is the one
/// that is asked for, or else the first.
///
/// # Errors
/// All faults of the file at once: bytes that are no text, syntax, unknown keys, wrong kinds, contradictions.
pub fn load(name: &str, source: &[u8], overrides: &Overrides) -> Result<Scenario, Diagnostics> {
    load_all(name, source, overrides).map(|mut all| all.swap_remove(0))
}

/// Reads all variants of a scenario, in the order of the file; never none.
///
/// # Errors
/// As [`load`].
pub fn load_all(name: &str, source: &[u8], overrides: &Overrides) -> Result<Vec<Scenario>, Diagnostics> {
    let (text, refusal) = Source::new(source);
    if let Some(fault) = refusal {
        return Err(Diagnostics::new(name, &text, vec![fault]));
    }
    let mut faults = Faults::default();
    let root = tree::parse(text.text, &mut faults);
    // Half of a document would be full of faults that are none.
    if !faults.is_empty() {
        return Err(Diagnostics::new(name, &text, faults.into_vec()));
    }
    let mut scenarios = Vec::new();
    if pinned::is_pinned(&root) {
        let choices = pinned::read(&root, overrides, &mut faults).map(|pinned| Choices::Made(Arc::new(pinned)));
        let of = |choices| Scenario { name: name.to_owned(), variant: None, source: text.text.to_owned(), choices };
        scenarios.extend(choices.map(of));
        return whole(name, &text, scenarios, faults);
    }
    params::check(&root, overrides, &mut faults);
    for variant in params::variants(&root, overrides, &mut faults) {
        let Some(scripts) = read_worlds(&root, variant.as_deref(), overrides, &mut faults) else { continue };
        let name = variant.iter().fold(name.to_owned(), |name, variant| format!("{name}.{variant}"));
        let choices = Choices::Open(scripts);
        scenarios.push(Scenario { name, variant, source: text.text.to_owned(), choices });
    }
    whole(name, &text, scenarios, faults)
}

/// A file counts as a whole, or not at all.
fn whole(
    name: &str,
    text: &Source<'_>,
    scenarios: Vec<Scenario>,
    faults: Faults,
) -> Result<Vec<Scenario>, Diagnostics> {
    if faults.is_empty() && !scenarios.is_empty() {
        Ok(scenarios)
    } else {
        Err(Diagnostics::new(name, text, faults.into_vec()))
    }
}

/// What each world plays. Both share one script where no parameter tells them apart.
fn read_worlds(
    root: &Node,
    variant: Option<&str>,
    overrides: &Overrides,
    faults: &mut Faults,
) -> Option<PerWorld<Arc<Script>>> {
    let [simulated, live] = [World::Simulated, World::Live]
        .map(|world| fill::resolve(&params::values(root, variant, world, overrides), faults));
    let first = read_filled(root, &simulated, overrides, faults);
    let second = if live == simulated { first.clone() } else { read_filled(root, &live, overrides, faults) };
    Some(PerWorld { simulated: first?, live: second? })
}

fn read_filled(root: &Node, resolved: &Resolved, overrides: &Overrides, faults: &mut Faults) -> Option<Arc<Script>> {
    let mut own = Faults::default();
    let mut filled = fill::fill(root, resolved, &mut own);
    rows::place(&mut filled.root, &overrides.unreadable_rows, &mut own);
    check::check(&Shape::Table(&ROOT), &filled.root, &(0..0), &mut own);
    let script = read(&filled.root, &resolved.values, overrides, &mut own);
    own.explain_filled(&filled.places, &filled.hollow);
    faults.extend(own);
    script.map(Arc::new)
}

fn read(root: &Node, values: &Values, overrides: &Overrides, faults: &mut Faults) -> Option<Script> {
    let view = View::new(&ROOT, Some(root), &(0..0));
    check_format(&view, faults);
    let rooms_view = view.table("rooms", &system::ROOMS);
    let existing_rooms = existing::read(&rooms_view, faults);
    let rooms = match existing_rooms.len() as u32 {
        0 => system::read_rooms(&rooms_view),
        existing => existing,
    };
    let roster = users::roster(view.names("users"), rooms);
    let flows = flow::read_all(view.names("flow"), view.names("users"), &roster, faults);
    let groups = users::read_all(view.names("users"), rooms, &flows, faults);
    let meetings = flow::meetings(view.names("users"), view.names("flow"), &flows, faults);
    let mut time = time::read(&view.table("time", &time::TIME));
    if let Some(measure_ns) = overrides.measure_ns {
        time.measure_ns = PerWorld::both(Some(measure_ns));
    }
    let system = system::read(&view.table("system", &system::SYSTEM), faults);
    let fault_list = fault::read_all(view.names("faults"), &groups, &system, faults);
    time::check_against(&view, &time, &groups, &fault_list, faults);
    let prepare = time::read_prepare(&view.table("prepare", &time::PREPARE));
    if system.service == Service::Reference {
        let made = if existing_rooms.is_empty() { rooms } else { 0 };
        let users = roster.values().flatten().map(|(least, _)| least).sum();
        let requests = u64::from(made) + prepare.least_sign_ins(users);
        time::check_prepare(&view, &time, prepare.sign_in_rate, requests, faults);
    }
    let mut checks = checks::read(&view.table("checks", &checks::CHECKS), &groups, faults);
    let known = Known::of(&roster, &flows);
    checks.declared = declared::read_all(view.names("check"), &known, faults);
    if system.service == Service::Own {
        service::leave_out_what_it_has_not(&mut checks);
        service::check(&view, &groups, &checks, faults);
    }
    let expect = match &overrides.expect {
        Some(expect) => PerWorld::both(expect.clone()),
        None => expect::read(view.value("expect").as_deref(), &checks, faults),
    };
    Some(Script {
        about: view.text("about")?,
        parameters: values.iter().map(|(name, node)| (name.clone(), node.to_json())).collect(),
        system,
        network: network::read(&view.table("network", &network::NETWORK), faults)?,
        links: network::read_links(&view.table("network", &network::NETWORK), &groups, faults),
        swarm: search::read(&view.table("search", &search::SEARCH), view.names("users"), rooms, faults),
        rooms,
        thresholds: thresholds::read(view.names("thresholds"), &flows, faults),
        live: LivePlan {
            abort: abort::read(&view, &flows, faults),
            observe: observe::read(view.names("observe")),
            capacity: capacity::read(&view, faults),
            existing_rooms,
        },
        groups,
        meetings,
        faults: fault_list,
        prepare,
        time,
        checks,
        expect,
    })
}

fn check_format(view: &View<'_>, faults: &mut Faults) {
    if let Some(format) = view.whole("format").filter(|format| *format != FORMAT && *format != 0) {
        faults.push(
            Fault::new(&view.span("format"), format!("format {format} is newer than this program"))
                .expected(format!("`format = {FORMAT}`"))
                .hint("a newer rehearsal reads this file"),
        );
    }
}

/// The name of a world in a scenario.
pub(crate) fn world_name(world: World) -> &'static str {
    match world {
        World::Simulated => "simulated",
        World::Live => "live",
    }
}

#[cfg(test)]
mod tests {
    use super::shape::Presence;
    use super::*;
    use std::collections::BTreeMap;

    /// All tables that a shape leads to.
    fn collect(shape: &Shape, tables: &mut BTreeMap<&'static str, Vec<&'static Table>>) {
        match shape {
            Shape::Table(table) => {
                let known = tables.entry(table.name).or_default();
                if !known.iter().any(|one| std::ptr::eq(*one, *table)) {
                    known.push(table);
                    table.keys.iter().for_each(|key| collect(&key.shape, tables));
                }
            }
            Shape::List(item, _) | Shape::Pair(item) => collect(item, tables),
            Shape::Names(names) => collect(&names.value, tables),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| collect(shape, tables)),
            _ => {}
        }
    }

    fn tables() -> BTreeMap<&'static str, Vec<&'static Table>> {
        let mut tables = BTreeMap::new();
        collect(&Shape::Table(&ROOT), &mut tables);
        tables
    }

    #[test]
    fn every_default_has_the_shape_of_its_key() {
        for key in tables().values().flatten().flat_map(|table| table.keys) {
            if let Presence::Default(text) = key.presence {
                let node = tree::parse_value(text).unwrap_or_else(|| panic!("`{}`: `{text}` is not TOML", key.name));
                let mut faults = Faults::default();
                check::check(&key.shape, &node, &(0..0), &mut faults);
                assert!(faults.is_empty(), "`{}`: {:?}", key.name, faults.into_vec());
            }
        }
    }

    #[test]
    fn tables_have_names_of_their_own_since_the_schema_refers_to_them_by_name() {
        for (name, tables) in tables() {
            assert_eq!(tables.len(), 1, "{name}");
        }
    }

    #[test]
    fn what_a_table_says_about_its_keys_is_about_keys_that_it_has() {
        for table in tables().into_values().flatten() {
            let beside = table.keys.iter().flat_map(|key| key.with);
            for name in table.one_of.iter().chain(beside) {
                assert!(table.key(name).is_some(), "{}: {name}", table.name);
            }
            for later in table.later {
                assert!(table.key(later.name).is_none(), "{} is there and not there: {}", table.name, later.name);
            }
        }
    }
}
