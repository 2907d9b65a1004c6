//! Faults as spans over users: whom each one concerns, from when until when. Checks ask whether a loss has a fault to
//! explain it, and whether a connection may be dead without its user knowing. Neighbours: `cast`, which owns them.

use super::names::Id;
use crate::event::Name;

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
            for span in self.spans.iter_mut().filter(|span| span.name == *name && span.until_ns.is_none()) {
                span.until_ns = Some(t_ns);
            }
            return HostFate::Up;
        }
        let has_server = hosts.iter().any(|host| host.starts_with("server"));
        let over = if has_server && users.is_empty() { Over::Everybody } else { Over::Users(users.to_vec()) };
        self.spans.push(Span { name: name.clone(), from_ns: t_ns, until_ns: None, over });
        if takes_down(what) { HostFate::Down } else { HostFate::Up }
    }

    /// Whether a fault lay over this user at any time between the two.
    pub fn lay_over(&self, user: Id, from_ns: i64, until_ns: i64) -> bool {
        self.spans.iter().any(|span| {
            let is_over = match &span.over {
                Over::Everybody => true,
                Over::Users(users) => users.contains(&user),
            };
            is_over && span.from_ns <= until_ns && span.until_ns.is_none_or(|until| until >= from_ns)
        })
    }
}

fn ends(what: &str) -> bool {
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
    fn a_killed_server_concerns_everybody() {
        let mut faults = Faults::default();
        assert_eq!(faults.observe(&"death".into(), "killed", &["server-0".into()], &[], 10), HostFate::Down);
        assert!(faults.lay_over(Id(7), 11, 12));
    }

    #[test]
    fn packet_loss_takes_nobody_down() {
        let mut faults = Faults::default();
        assert_eq!(faults.observe(&"rain".into(), "loss begins", &["a".into()], &[Id(0)], 10), HostFate::Up);
    }
}
