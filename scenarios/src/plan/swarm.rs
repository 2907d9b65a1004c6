//! What a seed draws for itself before it is planned: sizes of groups, rates, how often tasks are held back, and, where the
//! scenario asks for a swarm, which faults take part, when, and how much of the allowed trouble there is. The rest of planning
//! then reads a script in which nothing of that is open. Every draw has a place of its own.
//!
//! Leaving things out finds more than having everything at once: with every fault in every seed, the run that a race needs
//! to stay alive long enough is rare (swarm testing, Groce et al. 2012).
//!
//! Neighbours: `expand` plans the script that comes out, `fault_times` says when faults strike. Left out: what the ranges
//! are, which the language says.

use super::timeline::random;
use super::{World, fault_times};
use crate::distribution::{Distribution, Nanos};
use crate::draw::Draw;
use crate::scenario::{Action, Arrival, Fault, Group, Mixing, Pace, Script};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Something that a seed drew for itself, for readers: the plan has followed it already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// What: `clients`, `faults`, `latency`, `delay points`, …
    pub what: String,
    /// The value, and what it was drawn from: `5 of 1 to 8`.
    pub value: String,
}

/// How much shorter times may become whose distribution has no lower end.
const SHORTEST: f64 = 0.1;

impl Script {
    /// The script as this seed plays it, and what was drawn; the script itself if it leaves nothing open.
    pub(super) fn settled(&self, draw: Draw, world: World) -> (Cow<'_, Script>, Vec<Drawn>) {
        let swarm = &self.swarm;
        let is_open = !swarm.counts.is_empty() || !swarm.rates.is_empty();
        if !is_open && swarm.mixing == Mixing::AsWritten && swarm.delay_points.0 == swarm.delay_points.1 {
            return (Cow::Borrowed(self), Vec::new());
        }
        let draw = draw.named("swarm");
        let mut script = self.clone();
        let mut drawn = Tale::default();
        script.groups.iter_mut().for_each(|group| self.settle_group(group, draw, &mut drawn));
        if world == World::Simulated {
            script.settle_delay_points(draw, &mut drawn);
            if swarm.mixing == Mixing::Drawn {
                script.mix_faults(draw, &mut drawn);
                drawn.0.extend(fault_times::settle(&mut script.faults, draw.named("fault times")));
                script.mix_network(draw, &mut drawn);
            }
        }
        (Cow::Owned(script), drawn.0)
    }

    fn settle_group(&self, group: &mut Group, draw: Draw, drawn: &mut Tale) {
        if let Some((least, most)) = self.swarm.counts.get(&group.name).copied() {
            let so_many = between(least, most, draw.named("count").named(&group.name));
            if let Arrival::Drawn { count, .. } | Arrival::OverRamp { count, .. } = &mut group.arrival {
                *count = so_many;
            }
            drawn.tell(&group.name, format!("{so_many} of {least} to {most}"));
        }
        if let Some((least, most)) = self.swarm.rates.get(&group.name).copied() {
            let rate = least + (most - least) * draw.named("rate").named(&group.name).unit();
            if let Some(Pace::Rate { per_s, .. }) = &mut group.pace {
                *per_s = rate;
            }
            drawn.tell(&format!("rate of {}", group.name), format!("{rate:.1}/s of {least} to {most}"));
        }
    }

    fn settle_delay_points(&mut self, draw: Draw, drawn: &mut Tale) {
        let (least, most) = self.swarm.delay_points;
        if least < most {
            let so_many = between(least, most, draw.named("delay points"));
            self.swarm.delay_points = (so_many, so_many);
            drawn.tell("delay points", format!("{so_many} of {least} to {most}"));
        }
    }

    /// Each fault takes part in half of the seeds, and is as bad as it may be or less.
    fn mix_faults(&mut self, draw: Draw, drawn: &mut Tale) {
        let all = self.faults.len();
        if all == 0 {
            return;
        }
        self.faults.retain(|fault| draw.named("fault").named(&fault.name).below(2) == 0);
        let names: Vec<&str> = self.faults.iter().map(|fault| fault.name.as_str()).collect();
        let listed = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
        drawn.tell("faults", format!("{} of {all}{listed}", names.len()));
        for Fault { name, action, .. } in &mut self.faults {
            let draw = draw.named("strength").named(name);
            match action {
                Action::Loss { share, .. } => {
                    *share *= 1.0 - draw.unit();
                    drawn.tell(&format!("loss of {name}"), format!("{:.1} %", *share * 100.0));
                }
                Action::Latency { added, .. } => narrow(added, draw, &format!("latency of {name}"), drawn),
                _ => {}
            }
        }
    }

    fn mix_network(&mut self, draw: Draw, drawn: &mut Tale) {
        let draw = draw.named("network");
        narrow(&mut self.network.latency, draw.named("latency"), "latency", drawn);
        for link in &mut self.links {
            if let Some(latency) = &mut link.latency {
                narrow(latency, draw.named("link").named(&link.name), &format!("latency of {}", link.name), drawn);
            }
        }
        let datagrams = &mut self.network.datagrams;
        let shares = [
            ("datagram loss", &mut datagrams.loss),
            ("datagrams doubled", &mut datagrams.duplicate),
            ("datagrams reordered", &mut datagrams.reorder),
        ];
        for (what, share) in shares.into_iter().filter(|(_, share)| **share > 0.0) {
            let draw = draw.named(what);
            *share *= if draw.named("any").below(2) == 0 { 0.0 } else { 1.0 - draw.unit() };
            drawn.tell(what, format!("{:.1} %", *share * 100.0));
        }
    }

    /// Whether a seed may hold tasks back.
    pub(super) fn may_hold_back(&self) -> bool {
        self.swarm.delay_points.1 > 0
    }
}

/// What was drawn so far.
#[derive(Default)]
struct Tale(Vec<Drawn>);

impl Tale {
    fn tell(&mut self, what: &str, value: String) {
        self.0.push(Drawn { what: what.to_owned(), value });
    }
}

fn between(least: u32, most: u32, draw: Draw) -> u32 {
    least + draw.below(u64::from(most - least) + 1) as u32
}

/// A part of what a distribution may bring, and nothing that it may not.
fn narrow(distribution: &mut Distribution, draw: Draw, what: &str, drawn: &mut Tale) {
    let whole = random(distribution);
    let shorter = |nanos: Nanos| {
        let factor = libm::pow(SHORTEST, draw.named("shorter").unit());
        ((nanos as f64 * factor) as Nanos).max(1)
    };
    match distribution {
        Distribution::Fixed(_) => return,
        Distribution::Uniform(low, high) => {
            let mut ends = [draw.named("one end"), draw.named("other end")]
                .map(|draw| low.saturating_add(draw.below(high.saturating_sub(*low).saturating_add(1))));
            ends.sort_unstable();
            [*low, *high] = ends;
        }
        Distribution::Exponential(mean) => *mean = shorter(*mean),
        Distribution::Lognormal { p50, p99 } => [*p50, *p99] = [shorter(*p50), shorter(*p99)],
        Distribution::Pick { values, weights } => {
            let is_kept = |index: usize| draw.named("kept").at(index as u64).below(2) == 0;
            let is_possible = |index: usize| weights.get(index).is_none_or(|weight| *weight > 0.0);
            let kept: Vec<usize> = (0..values.len()).filter(|index| is_kept(*index) && is_possible(*index)).collect();
            // Something must be left.
            if !kept.is_empty() {
                *values = kept.iter().map(|index| values[*index]).collect();
                *weights = kept.iter().filter_map(|index| weights.get(*index).copied()).collect();
            }
        }
    }
    drawn.tell(what, format!("{} of {whole}", random(distribution)));
}
