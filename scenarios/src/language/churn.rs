//! `churn`: users that leave and come back until the measure phase ends. Neighbours: `users` (the table), `loadgen` (plays
//! it).

use crate::diagnostics::{Fault, Faults};
use crate::language::distribution::{DISTRIBUTION, DISTRIBUTION_TABLE};
use crate::language::shape::{Form, Shape, Table, default, key, needed};
use crate::language::step::ENDINGS;
use crate::language::units;
use crate::language::verb::ending;
use crate::language::view::View;
use crate::plan::ChurnPlan;

/// `churn`.
pub(crate) static CHURN: Table = Table {
    name: "`churn`",
    doc: "`{ stay = { exponential = \"8m\" }, leave = \"clean\", back = \"5s\" }`",
    keys: &[
        needed("stay", DISTRIBUTION, "How long a user stays."),
        default(
            "leave",
            Shape::Either(&[Shape::Word(&ENDINGS), Shape::Table(&SHARES)]),
            "'clean'",
            "How it leaves: `clean` (it says so), `abrupt` (its process ends), `silent` (its connection stays open, unused); or \
             a share of each.",
        ),
        default(
            "back",
            Shape::Either(&[Shape::Form(&AWAY), Shape::Table(&DISTRIBUTION_TABLE)]),
            "'never'",
            "How long it stays away; `never` is for good.",
        ),
    ],
    one_of: &[],
    later: &[],
};

static AWAY: Form = Form {
    what: "a duration or `never`",
    example: "\"5s\"",
    pattern: r"^(never|([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d) ?)+)$",
    accepts: |text| if text == "never" { Ok(()) } else { units::duration(text).map(drop) },
};

const SHARE: Shape = Shape::Number(0.0, f64::MAX);

static SHARES: Table = Table {
    name: "shares of leaving",
    doc: "`{ clean = 0.7, abrupt = 0.2, silent = 0.1 }`",
    keys: &[
        key("clean", SHARE, "It says that it leaves."),
        key("abrupt", SHARE, "Its process ends without a word."),
        key("silent", SHARE, "Its connection stays open and is not used any more."),
    ],
    one_of: &[],
    later: &[],
};

/// How the users of a group come and go, if they do.
pub(crate) fn read(group: &View<'_>, faults: &mut Faults) -> Option<ChurnPlan> {
    group.entry("churn")?;
    let view = group.table("churn", &CHURN);
    let leave = view.value("leave")?;
    let leave = match leave.as_text() {
        Some(word) => vec![(ending(Some(word)), 1.0)],
        None => {
            // In an order of their own, so that a seed draws the same however the file sorts them.
            let shares = SHARES.keys.iter().filter_map(|key| Some((key.name, leave.get(key.name)?.as_number()?)));
            shares.filter(|(_, share)| *share > 0.0).map(|(word, share)| (ending(Some(word)), share)).collect()
        }
    };
    if leave.is_empty() {
        let fault = Fault::new(&view.span("leave"), "all shares are 0, so nobody can leave");
        faults.push(fault.expected("one way, such as `clean`, or a share above 0"));
    }
    let back = match view.value("back")?.as_text() {
        Some("never") => None,
        _ => Some(view.distribution("back", faults)?),
    };
    Some(ChurnPlan { stay: view.distribution("stay", faults)?, leave, back })
}
