//! How large a plan is, as a reader counts it. Neighbours: `shrink` makes plans smaller.

use rehearsal_scenarios::plan::{Behaviour, Plan, Step, Verb};
use std::fmt;

/// How large a plan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanSize {
    /// Things that go wrong.
    pub faults: u64,
    /// What users do: each step that asks, sends or waits for a message, as often as it is planned; each job of a client;
    /// and the one thing that each worker does, which is to work. Meetings and pauses are not counted: nothing happens in them.
    pub operations: u64,
    /// Users.
    pub users: u64,
    /// Rooms.
    pub rooms: u64,
    /// Places where a task is held back.
    pub delay_points: u64,
}

impl PlanSize {
    /// The size of a plan.
    pub fn of(plan: &Plan) -> PlanSize {
        PlanSize {
            faults: plan.faults.len() as u64,
            operations: plan.users.iter().map(|user| operations(&user.behaviour)).fold(0, u64::saturating_add),
            users: plan.users.len() as u64,
            rooms: plan.rooms.len() as u64,
            delay_points: plan.delay_points.len() as u64,
        }
    }
}

impl fmt::Display for PlanSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = [
            (self.faults, "fault"),
            (self.operations, "operation"),
            (self.users, "user"),
            (self.rooms, "room"),
            (self.delay_points, "delay point"),
        ];
        let words: Vec<String> = counted
            .into_iter()
            .filter(|(count, what)| *count > 0 || *what == "fault")
            .map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }))
            .collect();
        f.write_str(&words.join(", "))
    }
}

fn operations(behaviour: &Behaviour) -> u64 {
    match behaviour {
        Behaviour::Worker(_) => 1,
        Behaviour::Client(client) => client.jobs.into(),
        Behaviour::Flow(steps) => of_steps(steps),
    }
}

fn of_steps(steps: &[Step]) -> u64 {
    steps.iter().map(|step| of_verb(&step.verb)).fold(0, u64::saturating_add)
}

fn of_verb(verb: &Verb) -> u64 {
    match verb {
        Verb::Think(_) | Verb::At(_) | Verb::Meet { .. } | Verb::Stop => 0,
        // How often the others are played is not planned.
        Verb::Repeat { times, steps, .. } => of_steps(steps).saturating_mul(times.unwrap_or(1)),
        Verb::ExpectOneOf { .. } => {
            let longest = verb.inside().into_iter().map(of_steps).max().unwrap_or_default();
            longest.saturating_add(1)
        }
        _ => 1,
    }
}
