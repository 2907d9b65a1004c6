//! `[capacity]`: which parameter is the load, and between which values `rehearsal capacity` looks for the highest one at which
//! thresholds and checks hold. Neighbours: `params` (what the parameter fills), `reports::capacity` (the search).

use crate::diagnostics::{Fault, Faults};
use crate::language::shape::{Shape, Table, default, needed};
use crate::language::view::View;
use crate::plan::CapacityPlan;
use crate::tree::{Node, Value};

/// `[capacity]`.
pub(crate) static CAPACITY: Table = Table {
    name: "`[capacity]`",
    doc: "the search for the highest load that the target bears, as `rehearsal capacity` plays it",
    keys: &[
        needed("search", Shape::Text, "The parameter that is the load: a rate, a number of users, the size of a room."),
        needed(
            "between",
            Shape::Pair(&Shape::Number(0.0, 1e9)),
            "The least and the highest load to try, such as `[5.0, 400.0]`; of whole numbers only whole ones are tried.",
        ),
        default(
            "precision",
            Shape::Number(0.001, 0.5),
            "0.025",
            "How near the two ends of the answer must be: 0.025 is two and a half per cent of it.",
        ),
    ],
    one_of: &[],
    later: &[],
};

/// The search, if the file has one.
pub(crate) fn read(root: &View<'_>, faults: &mut Faults) -> Option<CapacityPlan> {
    root.entry("capacity")?;
    let view = root.table("capacity", &CAPACITY);
    let parameter = view.text("search")?;
    check_parameter(root, &view, &parameter, faults);
    if !root.has("thresholds") {
        let fault = Fault::new(&view.anchor, "nothing says when the target is too slow");
        faults.push(fault.hint("a capacity needs `[thresholds]`, such as `discover = \"p99 < 100ms\"`"));
    }
    let ends = view.list("between");
    let [low, high] = ends.as_slice() else { return None };
    let is_whole = [low, high].into_iter().all(|end| matches!(end.value, Value::Whole(_)));
    let (low, high) = (low.as_number()?, high.as_number()?);
    if !(low > 0.0 && low < high) {
        let fault = Fault::new(&view.span("between"), "the load rises from its least to its highest value");
        faults.push(fault.found(format!("{low} to {high}")).expected("a value above 0, then a higher one"));
    }
    Some(CapacityPlan { parameter, low, high, is_whole, precision: view.number("precision")? })
}

fn check_parameter(root: &View<'_>, view: &View<'_>, parameter: &str, faults: &mut Faults) {
    let params = root.names("params");
    let span = view.span("search");
    match params.iter().find(|entry| entry.key == parameter) {
        None => {
            let fault = Fault::new(&span, format!("there is no parameter `{parameter}`"));
            let names = params.iter().map(|entry| entry.key.as_str());
            faults.push(fault.among(parameter, names).hint("`[params]` names what the load is: `job_rate = 20.0`"));
        }
        Some(entry) if !is_number(&entry.node) => {
            let fault = Fault::new(&span, format!("the parameter `{parameter}` is no number"));
            faults.push(fault.found(entry.node.describe()).hint("a load is a rate, a number of users, or a size"));
        }
        Some(_) => {}
    }
}

/// A number, or one for each world.
fn is_number(node: &Node) -> bool {
    node.as_number().is_some() || node.get("live").is_some_and(|live| live.as_number().is_some())
}

#[cfg(test)]
mod tests {
    use crate::plan::World;
    use crate::{Overrides, load};

    fn read(capacity: &str, rest: &str) -> Result<crate::plan::Plan, String> {
        let text = format!(
            "format = 1\nabout = \"${{word}}\"\nparams = {{ rate = 5.0, word = \"x\" }}\n[capacity]\n{capacity}\n[users.seekers]\nflow = \"seek\"\n\
             pace = {{ rate = \"${{rate}}\" }}\n[flow.seek]\nsteps = [\"join\", {{ repeat = {{ steps = [\"discover\"] }} }}]\n{rest}"
        );
        let scenario = load("test", text.as_bytes(), &Overrides::default()).map_err(|faults| faults.to_string())?;
        Ok(scenario.plan(1, World::Live))
    }

    const SLOW: &str = "[thresholds]\ndiscover = \"p99 < 100ms\"\n";

    #[test]
    fn a_search_names_a_parameter_and_its_ends() {
        let plan = read("search = \"rate\"\nbetween = [5, 400]", SLOW).unwrap().live.capacity.unwrap();
        assert_eq!((plan.parameter.as_str(), plan.low, plan.high, plan.is_whole), ("rate", 5.0, 400.0, true));
        let plan = read("search = \"rate\"\nbetween = [0.5, 4]\nprecision = 0.1", SLOW).unwrap().live.capacity.unwrap();
        assert_eq!((plan.is_whole, plan.precision), (false, 0.1));
    }

    #[test]
    fn what_cannot_be_searched_is_told() {
        let good = "search = \"rate\"\nbetween = [5, 400]";
        for (capacity, rest, expected) in [
            ("search = \"rat\"\nbetween = [5, 400]", SLOW, "there is no parameter `rat`"),
            ("search = \"word\"\nbetween = [5, 400]", SLOW, "is no number"),
            ("search = \"rate\"\nbetween = [400, 5]", SLOW, "rises from its least"),
            ("search = \"rate\"\nbetween = [1, 2, 3]", SLOW, "the list is of the wrong length"),
            (good, "", "too slow"),
        ] {
            let faults = read(capacity, rest).unwrap_err();
            assert!(faults.contains(expected), "{faults}");
        }
    }
}
