//! `when = { sends = { … }, after = "100ms" }`: a fault that waits for a message. Neighbours: `fault`, `plan::faults`.

use crate::diagnostics::{Fault, Faults};
use crate::language::distribution::DISTRIBUTION;
use crate::language::flow::unknown_group;
use crate::language::quantities::{self, NTH};
use crate::language::shape::{Shape, Table, default, key};
use crate::language::view::View;
use crate::plan::Passing;
use crate::scenario::{Group, Sight, Target};

/// `when` of a fault.
pub(crate) static WHEN: Table = Table {
    name: "`when`",
    doc: "a message that the fault waits for; it then hits the user whose message it was, alone of those that it names",
    keys: &[
        key(
            "sends",
            Shape::JsonTable,
            "A user sends a message that has all of this, in itself or in the payload that it carries.",
        ),
        key("receives", Shape::JsonTable, "A user receives such a message."),
        key("by", Shape::Text, "The group whose messages count; the users that the fault names if left out."),
        default("after", DISTRIBUTION, "'0s'", "How long after it the fault begins."),
        default("nth", NTH, "1", "Which of the messages that match, from 1."),
    ],
    one_of: &["sends", "receives"],
    later: &[],
};

/// What a fault on these waits for.
pub(crate) fn read(view: &View<'_>, on: &[Target], groups: &[Group], faults: &mut Faults) -> Option<Sight> {
    let passing = if view.has("sends") { Passing::Sent } else { Passing::Received };
    let pattern = match passing {
        Passing::Sent => view.value("sends")?.to_json(),
        Passing::Received => view.value("receives")?.to_json(),
    };
    let by = view.text("by");
    if let Some(by) = by.as_ref().filter(|by| !groups.iter().any(|group| group.name == **by)) {
        faults.push(unknown_group(by, &view.span("by"), groups.iter().map(|group| group.name.as_str())));
    }
    if by.is_none() && on.iter().all(|target| *target == Target::Server) {
        faults.push(
            Fault::new(&view.anchor, "whose message is it? only users' messages are seen")
                .expected("`by = \"GROUP\"` in `when`"),
        );
    }
    let nth = quantities::read_whole(&*view.value("nth")?, faults)?;
    Some(Sight { passing, pattern, by, nth, delay: view.distribution("after", faults)? })
}
