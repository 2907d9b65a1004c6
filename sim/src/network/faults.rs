//! What faults do to the network: links are cut, slowed and narrowed, lose packets and heal; hosts go down and come back.
//!
//! Invariants: faults overlap, each is ended by its own id, and a cut heals with the last of them; a process that is killed
//! closes its sockets, a machine that is lost says nothing until another has its place. Neighbours: `engine` asks for this,
//! `fabric` holds the state. Left out: the programs of a host, which end and start with it.

use super::fabric::Fabric;
use super::hosts::{Condition, HostId};
use super::wire::{Moment, Side, Wire};
use rehearsal_loadgen::faults::FaultId;
use rehearsal_loadgen::faults::link::Link;

impl Fabric {
    /// A fault cuts the link from one host to another.
    pub fn cut(&self, fault: FaultId, from: HostId, to: HostId) {
        let was_cut = self.with(|state, now, _| {
            let link = self.link_between(state, from, to);
            let was_cut = link.cut_since().is_some();
            link.cut(fault, now);
            state.datagrams.lose_between(from, to, now);
            was_cut
        });
        if !was_cut {
            self.on_ends(|host, peer| host == from && peer == to, Wire::link_cut);
        }
    }

    /// A fault changes how the link from one host to another treats what is sent from now on.
    pub fn disturb(&self, from: HostId, to: HostId, change: impl FnOnce(&mut Link)) {
        self.with(|state, _, _| change(self.link_between(state, from, to)));
    }

    /// A fault on the link from one host to another is over.
    pub fn end_fault(&self, fault: FaultId, from: HostId, to: HostId) {
        let healed = self.with(|state, _, _| self.link_between(state, from, to).end(fault));
        if let Some(since) = healed {
            let heal = |wire: &mut Wire, side, at: &Moment<'_>| wire.link_healed(side, since, at);
            self.on_ends(|host, peer| host == from && peer == to, heal);
        }
    }

    /// A host goes down: its programs are about to end. Whether any ran.
    pub fn take_down(&self, host: HostId, condition: Condition) -> bool {
        let before = self.with(|state, _, _| {
            let host = state.hosts.get_mut(host);
            let before = host.condition;
            if before == Condition::Running {
                host.condition = condition;
            }
            before
        });
        if before == Condition::Running && condition == Condition::Lost {
            self.on_ends(|end, _| end == host, Wire::silence);
        }
        before == Condition::Running
    }

    /// A further incarnation of a host is about to run. Whether it was down.
    pub fn bring_up(&self, host: HostId) -> bool {
        let before = self.with(|state, _, _| {
            let before = state.hosts.get(host).condition;
            if before != Condition::Running {
                state.hosts.start_again(host);
            }
            before
        });
        if before == Condition::Lost {
            self.on_ends(|end, _| end == host, Wire::replaced);
        }
        self.tell_of_change();
        before != Condition::Running
    }

    /// Something happens at every end that is concerned, given by its own host and its peer's.
    fn on_ends(&self, concerns: impl Fn(HostId, HostId) -> bool, work: impl FnMut(&mut Wire, Side, &Moment<'_>)) {
        self.with(|state, now, wake| state.wires.act_on_ends(now, wake, concerns, work));
        self.tell_of_change();
    }
}
