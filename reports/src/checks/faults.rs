//! Faults as spans over users: whom each one concerns, from when until when. Checks ask whether a loss has a fault to
//! explain it, and whether a connection may be dead without its user knowing. Neighbours: `cast`, which owns them.

use super::names::Id;
use crate::event::Name;
use rehearsal_scenarios::plan::is_server;

/// What a fault event does to the hosts it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFate {
    /// They die: processes are gone, silently or not.
    Down,
    /// They run; at most their links suffer.
    Up,
}

/// All faults so far.
#[derive(Default)]
pub struct Faults {
    spans: Vec<Span>,
}

struct Span {
    name: Name,
    from_ns: i64,
    /// Absent while it lasts.
    until_ns: Option<i64>,
    over: Over,
    /// Whether it held the processes of those it names, so that they could do nothing.
    held: bool,
}

enum Over {
    /// A server is concerned, and with it everybody.
    Everybody,
    Users(Vec<Id>),
}

impl Faults {
    /// Takes a fault event into account. Its words are those that `event::Body::Fault` documents.
    pub fn observe(&mut self, name: &Name, what: &str, hosts: &[Name], users: &[Id], t_ns: i64) -> HostFate {
        if ends(what) {
            // Several processes that play one load tell of a fault of the same name, each for its own users.
            let is_its_end = |span: &&mut Span| span.name == *name && span.until_ns.is_none() && span.is_of(users);
            self.spans.iter_mut().filter(is_its_end).for_each(|span| span.until_ns = Some(t_ns));
            return HostFate::Up;
        }
        let has_server = hosts.iter().any(|host| is_server(host));
        let over = if has_server && users.is_empty() { Over::Everybody } else { Over::Users(users.to_vec()) };
        let held = has_word(what, &["pause"]);
        self.spans.push(Span { name: name.clone(), from_ns: t_ns, until_ns: None, over, held });
        if takes_down(what) { HostFate::Down } else { HostFate::Up }
    }

    /// Whether a fault lay over this user at any time between the two.
    pub fn lay_over(&self, user: Id, from_ns: i64, until_ns: i64) -> bool {
        self.spans.iter().any(|span| span.is_over(user, from_ns, until_ns))
    }

    /// For how long of the time between the two this user's process was held, in nanoseconds; what two faults hold counts
    /// twice.
    pub fn held_ns(&self, user: Id, from_ns: i64, until_ns: i64) -> i64 {
        let held = self.spans.iter().filter(|span| span.held && span.is_over(user, from_ns, until_ns));
        held.map(|span| span.until_ns.unwrap_or(until_ns).min(until_ns) - span.from_ns.max(from_ns)).sum()
    }
}

impl Span {
    /// Whether an end that names these users is the end of this.
    fn is_of(&self, users: &[Id]) -> bool {
        match &self.over {
            Over::Everybody => true,
            Over::Users(own) => users.is_empty() || own.is_empty() || own.iter().any(|user| users.contains(user)),
        }
    }

    fn is_over(&self, user: Id, from_ns: i64, until_ns: i64) -> bool {
        let concerns = match &self.over {
            Over::Everybody => true,
            Over::Users(users) => users.contains(&user),
        };
        concerns && self.from_ns <= until_ns && self.until_ns.is_none_or(|until| until >= from_ns)
    }
}

/// Whether these words of a fault say that it is over.
pub fn ends(what: &str) -> bool {
    has_word(what, &["ends", "ended", "heals", "healed", "restarted", "repaired", "back"])
}

fn takes_down(what: &str) -> bool {
    has_word(what, &["killed", "lost", "crashed", "vanished"])
}

fn has_word(what: &str, words: &[&str]) -> bool {
    what.split(|c: char| !c.is_alphabetic()).any(|word| words.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_lies_over_the_users_that_it_names_until_it_ends() {
        let mut faults = Faults::default();
        let (cut, free) = (Id(0), Id(1));
        let hosts = ["workers-0".into(), "server-0".into()];
        assert_eq!(faults.observe(&"cut".into(), "partition begins", &hosts, &[cut], 10), HostFate::Up);
        assert!(faults.lay_over(cut, 50, 60));
        faults.observe(&"cut".into(), "partition ends", &hosts, &[cut], 20);
        assert!(faults.lay_over(cut, 15, 60) && faults.lay_over(cut, 0, 10));
        assert!(!faults.lay_over(cut, 21, 60) && !faults.lay_over(cut, 0, 9));
        assert!(!faults.lay_over(free, 0, 60));
    }

    #[test]
    fn a_fault_of_two_processes_ends_in_each_for_its_own_users() {
        let mut faults = Faults::default();
        for (user, from_ns) in [(Id(0), 10), (Id(1), 11)] {
            faults.observe(&"cut".into(), "partition begins", &["server-0".into()], &[user], from_ns);
        }
        faults.observe(&"cut".into(), "partition ends", &["server-0".into()], &[Id(0)], 20);
        assert!(!faults.lay_over(Id(0), 21, 25) && faults.lay_over(Id(1), 21, 25));
    }

    #[test]
    fn a_killed_server_concerns_everybody() {
        let mut faults = Faults::default();
        assert_eq!(faults.observe(&"death".into(), "killed", &["server-0".into()], &[], 10), HostFate::Down);
        assert!(faults.lay_over(Id(7), 11, 12));
    }

    #[test]
    fn a_process_that_is_paused_is_held_meanwhile_and_a_cut_holds_nobody() {
        let mut faults = Faults::default();
        let (worker, host) = (Id(3), ["workers-0".into()]);
        faults.observe(&"cut".into(), "partition begins", &host, &[worker], 0);
        assert_eq!(faults.observe(&"held".into(), "pause begins", &host, &[worker], 10), HostFate::Up);
        assert_eq!(faults.held_ns(worker, 0, 15), 5);
        faults.observe(&"held".into(), "pause ends", &host, &[worker], 30);
        assert_eq!(faults.held_ns(worker, 0, 100), 20);
        assert_eq!(faults.held_ns(worker, 25, 100), 5);
        assert_eq!((faults.held_ns(worker, 31, 100), faults.held_ns(Id(4), 0, 100)), (0, 0));
    }

    #[test]
    fn packet_loss_takes_nobody_down() {
        let mut faults = Faults::default();
        assert_eq!(faults.observe(&"rain".into(), "loss begins", &["a".into()], &[Id(0)], 10), HostFate::Up);
    }
}
