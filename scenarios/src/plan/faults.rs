//! Draws when faults begin and whom they hit, which links differ, and where tasks are held back. Each draw is made at a
//! place of its own, named by the fault. Neighbours: `expand` (the rest of a plan), `hosts` (who runs where).

use super::search;
use crate::draw::Draw;
use crate::plan::{Begin, DelayPoint, FaultAction, FaultPlan, LinkPlan, NetworkPlan, Sight, UserPlan, hosts};
use crate::scenario::{self, Action, Fault, Script, Signed, Target, When};

impl Script {
    /// By time, then those that wait for a message; faults of one moment keep the order of the file.
    pub(super) fn faults(&self, draw: Draw, users: &[UserPlan]) -> Vec<FaultPlan> {
        let plan = |fault: &Fault| {
            let draw = draw.named("fault").named(&fault.name);
            FaultPlan {
                name: fault.name.clone(),
                begins: self.begins(fault, draw, users),
                for_ns: fault.lasts.as_ref().map(|lasts| lasts.sample(draw.named("for"))),
                action: self.action(fault, draw, users),
            }
        };
        let mut faults: Vec<FaultPlan> = self.faults.iter().map(plan).collect();
        faults.sort_by_key(|fault| fault.at_ns().map_or((1, 0), |at_ns| (0, at_ns)));
        faults
    }

    /// The network with the hosts of its links.
    pub(super) fn network(&self, draw: Draw, users: &[UserPlan]) -> NetworkPlan {
        let link = |link: &scenario::Link| {
            let draw = draw.named("link").named(&link.name);
            let [left, right] = &link.between;
            LinkPlan {
                name: link.name.clone(),
                left: self.hosts(left, draw.named("left"), users),
                right: self.hosts(right, draw.named("right"), users),
                latency: link.latency.clone(),
                bandwidth_bytes_per_s: link.bandwidth_bytes_per_s,
            }
        };
        NetworkPlan { links: self.links.iter().map(link).collect(), ..self.network.clone() }
    }

    /// Where tasks are held back, on any host.
    pub(super) fn delay_points(&self, draw: Draw, users: &[UserPlan]) -> Vec<DelayPoint> {
        let mut all = self.servers();
        all.extend(users.iter().map(|user| user.host.clone()));
        // Users that share a host follow each other.
        all.dedup();
        search::delay_points(self.swarm.delay_points.0, &all, draw.named("delay point"))
    }

    /// Whether each user of this group needs a host for itself, so that a fault or a link names exactly it.
    pub(super) fn is_named(&self, group: &str) -> bool {
        let by_faults = self.faults.iter().flat_map(|fault| fault.action.targets());
        let by_links = self.links.iter().flat_map(|link| &link.between);
        by_faults.chain(by_links).any(|target| matches!(target, Target::Users { group: named, .. } if named == group))
    }

    fn begins(&self, fault: &Fault, draw: Draw, users: &[UserPlan]) -> Begin {
        let sight = match &fault.when {
            When::At(at) => return Begin::At(at.sample(draw.named("at"))),
            When::After(sight) => sight,
        };
        let action = self.action(fault, draw, users);
        let counts = |user: &&UserPlan| match &sight.by {
            Some(group) => user.group == *group,
            None => action.hosts().any(|host| user.host == *host),
        };
        let (least, most) = sight.nth;
        Begin::After(Sight {
            users: users.iter().filter(counts).map(|user| user.name.clone()).collect(),
            passing: sight.passing,
            pattern: sight.pattern.clone(),
            nth: least + draw.named("nth").below(most - least + 1),
            delay_ns: sight.delay.sample(draw.named("after")),
        })
    }

    fn action(&self, fault: &Fault, draw: Draw, users: &[UserPlan]) -> FaultAction {
        let sides = |[left, right]: &[Target; 2]| {
            (self.hosts(left, draw.named("left"), users), self.hosts(right, draw.named("right"), users))
        };
        let all = |who: &[Target]| {
            let mut all: Vec<String> = Vec::new();
            for (index, target) in who.iter().enumerate() {
                for host in self.hosts(target, draw.named("who").at(index as u64), users) {
                    if !all.contains(&host) {
                        all.push(host);
                    }
                }
            }
            all
        };
        match &fault.action {
            Action::Partition { between, way } => {
                let (left, right) = sides(between);
                FaultAction::Partition { left, right, way: *way }
            }
            Action::Latency { between, added } => {
                let (left, right) = sides(between);
                FaultAction::Latency { left, right, added: added.clone() }
            }
            Action::Loss { between, share } => {
                let (left, right) = sides(between);
                FaultAction::Loss { left, right, share: *share }
            }
            Action::Bandwidth { between, bytes_per_s } => {
                let (left, right) = sides(between);
                FaultAction::Bandwidth { left, right, bytes_per_s: *bytes_per_s }
            }
            Action::Stop { who, grace_ns } => FaultAction::Stop { hosts: all(who), grace_ns: *grace_ns },
            Action::Kill { who } => FaultAction::Kill { hosts: all(who) },
            Action::Lose { who } => FaultAction::Lose { hosts: all(who) },
            Action::Pause { who } => FaultAction::Pause { hosts: all(who) },
            Action::ClockSkew { who, offset_ns, drift_ppm } => FaultAction::ClockSkew {
                hosts: all(who),
                offset_ns: drawn(*offset_ns, draw.named("offset")),
                drift_ppm: *drift_ppm,
            },
        }
    }

    fn hosts(&self, target: &Target, draw: Draw, users: &[UserPlan]) -> Vec<String> {
        match target {
            Target::Server => self.servers(),
            Target::Users { group, how_many } => {
                let all: Vec<&UserPlan> = users.iter().filter(|user| user.group == *group).collect();
                let count = how_many.of(all.len());
                hosts::pick(all, count, draw).into_iter().map(|user| user.host.clone()).collect()
            }
        }
    }

    fn servers(&self) -> Vec<String> {
        (0..self.system.servers).map(hosts::server).collect()
    }
}

fn drawn(Signed { least, most }: Signed, draw: Draw) -> i64 {
    let wide = most.abs_diff(least).saturating_add(1);
    least.saturating_add_unsigned(draw.below(wide))
}
