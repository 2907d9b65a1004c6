//! `rooms.existing`: rooms of a target that a live run joins and never deletes. The file says where their credentials are, never
//! what they are. Neighbours: `system` (the table), `loadgen::live::secrets` (reads them).

use crate::diagnostics::{Fault, Faults};
use crate::language::shape::{Form, Shape};
use crate::language::view::View;
use crate::tree::Node;

/// `existing`.
pub(crate) const EXISTING: Shape = Shape::Either(&[PLACE, Shape::List(&PLACE, 1)]);

const PLACE: Shape = Shape::Form(&Form {
    what: "the place of a secret",
    example: "\"env:ROOM\" or \"file:room.txt\"",
    pattern: r"^(env|file):.+$",
    accepts: |text| match text.split_once(':') {
        Some(("env" | "file", place)) if !place.trim().is_empty() => Ok(()),
        Some(("command", _)) => Err("a scenario runs no commands; `rehearsal.toml` may".to_owned()),
        _ => Err("a secret stands in no scenario, only its place: `env:NAME` or `file:PATH`".to_owned()),
    },
});

/// The places, one for each room; none if rooms are made.
pub(crate) fn read(rooms: &View<'_>, faults: &mut Faults) -> Vec<String> {
    let Some(entry) = rooms.entry("existing") else { return Vec::new() };
    if rooms.has("count") {
        let fault = Fault::new(&rooms.key_span("count"), "`count` and `existing` exclude each other");
        faults.push(fault.hint("there are as many rooms as `existing` names"));
    }
    let one = std::slice::from_ref(&entry.node);
    entry.node.as_list().unwrap_or(one).iter().filter_map(Node::as_text).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use crate::plan::{Plan, World};
    use crate::{Overrides, load};

    fn plan(rooms: &str, world: World) -> Result<Plan, String> {
        let text = format!("format = 1\nrooms = {rooms}\n[users.workers]\ncount = 2\n");
        let scenario = load("test", text.as_bytes(), &Overrides::default()).map_err(|faults| faults.to_string())?;
        Ok(scenario.plan(1, world))
    }

    #[test]
    fn a_live_plan_names_where_rooms_are_and_the_simulated_one_makes_as_many() {
        let rooms = "{ existing = [\"env:ROOM_A\", \"file:room.txt\"] }";
        let live = plan(rooms, World::Live).unwrap();
        assert_eq!((live.rooms.len(), live.live.existing_rooms.len()), (2, 2));
        let simulated = plan(rooms, World::Simulated).unwrap();
        assert_eq!((simulated.rooms.len(), simulated.live.existing_rooms.len()), (2, 0));
    }

    #[test]
    fn a_secret_or_a_command_in_a_scenario_is_refused() {
        assert!(plan("{ existing = \"abcd1234:ffee00\" }", World::Live).unwrap_err().contains("only its place"));
        assert!(plan("{ existing = \"command:cat x\" }", World::Live).unwrap_err().contains("runs no commands"));
        let both = plan("{ existing = \"env:ROOM\", count = 2 }", World::Live).unwrap_err();
        assert!(both.contains("exclude each other"));
    }
}
