//! Applies a seed to a scenario: every choice about users, rooms, faults and times is made here. Pure and total.
//!
//! Each draw is made at a place of its own (group, number, purpose), so that another group, another user or another
//! fault shifts nobody's draws. Neighbours: `scenario` (what is still open), `hosts` (who runs where), `arrivals`
//! (when), `faults` (what goes wrong).

use crate::distribution::{Distribution, Nanos, pick_index};
use crate::draw::Draw;
use crate::plan::{
    Begin, Behaviour, FaultPlan, LivePlan, PacePlan, Phases, Plan, RowsPlan, Service, Step, UserPlan, Verb, World,
    arrivals, hosts,
};
use crate::scenario::{Choices, Gaps, Group, Pace, Property, Scenario, Script, Spread};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The shortest measure phase that is derived.
const MEASURE_NS_MIN: Nanos = 60_000_000_000;

/// How long after the last planned thing a derived measure phase ends.
const MEASURE_AFTER_LAST_NS: Nanos = 30_000_000_000;

/// What a room or a user of a simulated run may take to be made or removed, and all of a live one beside a second for each: every
/// request ends by itself within less.
const MINUTE_NS: Nanos = 60_000_000_000;

/// Derived phases are whole seconds long, for the reader.
const SECOND_NS: Nanos = 1_000_000_000;

impl Scenario {
    /// The plan of this seed in this world: the same bytes for the same file, seed and world.
    pub fn plan(&self, seed: u64, world: World) -> Plan {
        match &self.choices {
            Choices::Open(scripts) => {
                let (script, drawn) = scripts.of(world).settled(Draw::of_seed(seed), world);
                Plan { drawn, ..script.plan(&self.name, seed, world) }
            }
            Choices::Made(pinned) => Plan {
                scenario: self.name.clone(),
                world,
                expect: pinned.expect.of(world).clone(),
                ..pinned.plan.clone()
            },
        }
    }

    /// Whether some of its seeds may hold tasks back, which not every engine can.
    pub fn may_hold_tasks_back(&self) -> bool {
        match &self.choices {
            Choices::Open(scripts) => scripts.simulated.may_hold_back(),
            Choices::Made(pinned) => !pinned.plan.delay_points.is_empty(),
        }
    }
}

impl Script {
    fn plan(&self, name: &str, seed: u64, world: World) -> Plan {
        let draw = Draw::of_seed(seed);
        let ramp_ns = *self.time.ramp_ns.of(world);
        let starts: Vec<Vec<Nanos>> = self
            .groups
            .iter()
            .map(|group| arrivals::starts(&group.arrival, ramp_ns, group_draw(draw, group)))
            .collect();
        let users = self.users(draw, &starts);
        let faults = self.faults(draw, &users);
        let phases = self.phases(world, &users, &faults);
        Plan {
            scenario: name.to_owned(),
            about: self.about.clone(),
            parameters: self.parameters.clone(),
            seed,
            world,
            drawn: Vec::new(),
            system: self.system.clone(),
            network: self.network(draw, &users),
            rooms: (0..self.rooms_made()).map(|room| format!("room-{room}")).collect(),
            delay_points: self.delay_points(draw, &users),
            tables: self.tables(),
            users,
            faults,
            phases,
            prepare: self.prepare.clone(),
            checks: self.checks.clone(),
            thresholds: self.thresholds.clone(),
            live: if world == World::Live { self.live.clone() } else { LivePlan::default() },
            expect: self.expect.of(world).clone(),
        }
    }

    fn users(&self, draw: Draw, starts: &[Vec<Nanos>]) -> Vec<UserPlan> {
        let counts: BTreeMap<&str, u32> =
            self.groups.iter().zip(starts).map(|(group, starts)| (group.name.as_str(), starts.len() as u32)).collect();
        let mut users = Vec::with_capacity(starts.iter().map(Vec::len).sum());
        for (group, starts) in self.groups.iter().zip(starts) {
            let mut behaviour = group.behaviour.clone();
            if let Behaviour::Flow(steps) = &mut behaviour {
                self.count_meetings(Arc::make_mut(steps).as_mut_slice(), &counts);
            }
            let is_named = self.is_named(&group.name);
            let count = starts.len() as u32;
            for (index, start_ns) in starts.iter().enumerate() {
                let index = index as u32;
                users.push(UserPlan {
                    number: users.len() as u32,
                    name: format!("{}-{index}", group.name),
                    group: group.name.clone(),
                    room: room(group, index, group_draw(draw, group)),
                    host: hosts::host_of(&group.name, index, is_named),
                    start_ns: *start_ns,
                    protocol: group.protocol,
                    behaviour: paced(&behaviour, group.pace.as_ref().map(|pace| pace.of_user(index, count))),
                    role: group.role.clone(),
                    tags: group.tags.clone(),
                    properties: properties(group, index, group_draw(draw, group)),
                    drop_when_late_ns: group.drop_when_late_ns,
                    churn: group.churn.clone().map(Box::new),
                    rows: (!group.rows.is_empty()).then_some(RowsPlan { first: index.into(), step: count.into() }),
                });
            }
        }
        users
    }

    /// A service of one's own has no rooms.
    fn rooms_made(&self) -> u32 {
        match self.system.service {
            Service::Reference => self.rooms,
            Service::Own => 0,
        }
    }

    fn tables(&self) -> BTreeMap<String, Vec<BTreeMap<String, serde_json::Value>>> {
        let with_rows = self.groups.iter().filter(|group| !group.rows.is_empty());
        with_rows.map(|group| (group.name.clone(), group.rows.clone())).collect()
    }

    /// Tells each meeting point how many users come.
    fn count_meetings(&self, steps: &mut [Step], counts: &BTreeMap<&str, u32>) {
        for step in steps {
            match &mut step.verb {
                Verb::Meet { point, count, .. } => {
                    let groups = self.meetings.get(point).into_iter().flatten();
                    *count = groups.filter_map(|group| counts.get(group.as_str())).sum();
                }
                verb => verb.inside_mut().into_iter().for_each(|steps| self.count_meetings(steps, counts)),
            }
        }
    }

    fn phases(&self, world: World, users: &[UserPlan], faults: &[FaultPlan]) -> Phases {
        let (ramp_ns, warmup_ns) = (*self.time.ramp_ns.of(world), *self.time.warmup_ns.of(world));
        let derived = || {
            let last_user = users.iter().map(|user| user.start_ns).max().unwrap_or(0);
            let begins = |fault: &FaultPlan| match &fault.begins {
                Begin::At(at_ns) => *at_ns,
                // Some time after its user, nobody knows when.
                Begin::After(sight) => last_user.saturating_add(sight.delay_ns),
            };
            let ends = faults.iter().map(|fault| begins(fault).saturating_add(fault.for_ns.unwrap_or(0)));
            let awaited = self.groups.iter().filter_map(|group| group.behaviour.latest_ns());
            let last = ends.chain(awaited).fold(last_user, Nanos::max).saturating_add(MEASURE_AFTER_LAST_NS);
            let open = last.saturating_sub(ramp_ns + warmup_ns).max(MEASURE_NS_MIN);
            open.next_multiple_of(SECOND_NS)
        };
        let things = u64::from(self.rooms) + users.len() as u64;
        let (making_ns, removing_ns) = match world {
            World::Simulated => (MINUTE_NS * things, MINUTE_NS * things),
            World::Live => {
                let paced = (things as f64 / self.prepare.sign_in_rate).ceil() as Nanos;
                (MINUTE_NS + SECOND_NS * (things + paced), MINUTE_NS + SECOND_NS * things)
            }
        };
        Phases {
            prepare_ns: self.time.prepare_ns.of(world).unwrap_or(making_ns),
            ramp_ns,
            warmup_ns,
            measure_ns: self.time.measure_ns.of(world).unwrap_or_else(derived),
            settle_ns: *self.time.settle_ns.of(world),
            cleanup_ns: self.time.cleanup_ns.of(world).unwrap_or(removing_ns),
        }
    }
}

fn group_draw(draw: Draw, group: &Group) -> Draw {
    draw.named("group").named(&group.name)
}

/// The room of a user.
fn room(group: &Group, index: u32, draw: Draw) -> u32 {
    let rooms = &group.rooms;
    let nth = match group.spread {
        Spread::InTurn => index as usize % rooms.len(),
        Spread::PerRoom(per_room) => (index / per_room) as usize % rooms.len(),
        Spread::Zipf => {
            let weights: Vec<f64> = (1..=rooms.len()).map(|rank| 1.0 / rank as f64).collect();
            pick_index(&weights, rooms.len(), draw.named("room").at(index.into()))
        }
    };
    rooms[nth]
}

/// The behaviour with its planned work.
fn paced(behaviour: &Behaviour, pace: Option<PacePlan>) -> Behaviour {
    let mut behaviour = behaviour.clone();
    let Some(pace) = pace else { return behaviour };
    match &mut behaviour {
        Behaviour::Client(client) => client.pace = Some(pace),
        Behaviour::Flow(steps) => {
            for step in Arc::make_mut(steps) {
                if let Verb::Repeat { times: None, first, every: every @ None, .. } = &mut step.verb {
                    first.get_or_insert(pace.first.clone());
                    *every = Some(pace.every.clone());
                }
            }
        }
        Behaviour::Worker(_) => {}
    }
    behaviour
}

impl Pace {
    /// What one of `count` users does of it. A rate is shared; the first beginning is drawn too, so that they do not begin
    /// all at once.
    fn of_user(&self, index: u32, count: u32) -> PacePlan {
        let nanos = |seconds: f64| (seconds * 1e9) as Nanos;
        match self {
            Pace::Rate { per_s, gaps: Gaps::Exponential } => {
                let every = Distribution::Exponential(nanos(f64::from(count) / per_s));
                PacePlan { first: every.clone(), every }
            }
            Pace::Rate { per_s, gaps: Gaps::Even } => PacePlan {
                first: Distribution::Fixed(nanos(f64::from(index) / per_s)),
                every: Distribution::Fixed(nanos(f64::from(count) / per_s)),
            },
            Pace::Every(Distribution::Fixed(every)) => {
                PacePlan { first: Distribution::Uniform(0, *every), every: Distribution::Fixed(*every) }
            }
            Pace::Every(every) => PacePlan { first: every.clone(), every: every.clone() },
        }
    }
}

fn properties(group: &Group, index: u32, draw: Draw) -> BTreeMap<String, serde_json::Value> {
    let choose = |(name, property): (&String, &Property)| {
        let value = match property {
            Property::Fixed(value) => value.clone(),
            Property::Pick { values, weights } => {
                let draw = draw.named("property").named(name).at(u64::from(index));
                values.get(pick_index(weights, values.len(), draw)).cloned().unwrap_or_default()
            }
        };
        (name.clone(), value)
    };
    group.properties.iter().map(choose).collect()
}
