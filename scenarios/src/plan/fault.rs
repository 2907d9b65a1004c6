//! What goes wrong in a plan, at chosen times or after a message. Neighbours: `sim` plays all of it, live runs what hits
//! their own users.

use super::hosts::is_server;
use crate::distribution::{Distribution, Nanos};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultPlan {
    /// Its name in the scenario.
    pub name: String,
    /// When it begins.
    pub begins: Begin,
    /// How long it lasts. Hosts that are taken down start again after it: counted from the blow, or from when a host that was
    /// stopped has come to rest; without one they are down for good.
    pub for_ns: Option<Nanos>,
    /// What happens.
    pub action: FaultAction,
}

impl FaultPlan {
    /// The time at which it begins, unless it waits for a message.
    pub fn at_ns(&self) -> Option<Nanos> {
        match self.begins {
            Begin::At(at_ns) => Some(at_ns),
            Begin::After(_) => None,
        }
    }

    /// Leaves out users and hosts that are not there; whether there is still somebody to wait for, and somebody on each side.
    pub fn keep(&mut self, is_user: impl Fn(&str) -> bool, is_host: impl Fn(&str) -> bool) -> bool {
        if let Begin::After(sight) = &mut self.begins {
            sight.users.retain(|name| is_user(name));
            if sight.users.is_empty() {
                return false;
            }
        }
        self.action.sides_mut().into_iter().all(|side| {
            side.retain(|host| is_host(host));
            !side.is_empty()
        })
    }

    /// Why a live run cannot play it, in words; none if it can. A live run has power over its own users alone: over their
    /// processes, and over their ends of their connections.
    pub fn refused_live(&self) -> Option<&'static str> {
        let are_servers = |side: &[String]| side.iter().all(|host| is_server(host));
        let are_users = |side: &[String]| !side.iter().any(|host| is_server(host));
        match &self.action {
            FaultAction::Partition { left, right, .. }
            | FaultAction::Latency { left, right, .. }
            | FaultAction::Loss { left, right, .. }
            | FaultAction::Bandwidth { left, right, .. } => match (are_users(left), are_users(right)) {
                (true, true) => Some("its link joins users, who meet only at the server"),
                (true, false) if are_servers(right) => None,
                (false, true) if are_servers(left) => None,
                _ => Some("its link joins servers"),
            },
            FaultAction::ClockSkew { .. } => Some("it sets clocks, and all users share that of their machine"),
            FaultAction::Stop { hosts, .. }
            | FaultAction::Kill { hosts }
            | FaultAction::Lose { hosts }
            | FaultAction::Pause { hosts } => (!are_users(hosts)).then_some("it hits a server"),
        }
    }
}

/// When a fault begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Begin {
    /// At this time of the plan.
    At(Nanos),
    /// A while after a message. It then hits the user whose message it was, alone of those users that it names.
    After(Sight),
}

/// A message that a fault waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sight {
    /// Names of the users whose messages count.
    pub users: Vec<String>,
    /// Whether they send or receive it.
    pub passing: Passing,
    /// What it looks like: every key of the pattern is there and matches, in the message or in the payload that it carries.
    pub pattern: Value,
    /// Which of those that match, over all these users, from 1.
    pub nth: u64,
    /// How long after it the fault begins.
    pub delay_ns: Nanos,
}

/// The side on which a message is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Passing {
    /// Where it leaves.
    Sent,
    /// Where it arrives.
    Received,
}

/// What a fault does. Hosts are names of simulated hosts: `server-0`, or a user's
/// [`UserPlan::host`](super::UserPlan::host).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultAction {
    /// Nothing passes between the two sets of hosts in the given direction; released on healing.
    Partition {
        /// One side.
        left: Vec<String>,
        /// The other side.
        right: Vec<String>,
        /// Which way is cut.
        way: Way,
    },
    /// Messages take longer.
    Latency {
        /// One side.
        left: Vec<String>,
        /// The other side.
        right: Vec<String>,
        /// Added to each message's own latency.
        added: Distribution,
    },
    /// Packets are lost: TCP sends them again after a while.
    Loss {
        /// One side.
        left: Vec<String>,
        /// The other side.
        right: Vec<String>,
        /// Share of packets lost, 0–1.
        share: f64,
    },
    /// Links carry less: the lowest limit counts.
    Bandwidth {
        /// One side.
        left: Vec<String>,
        /// The other side.
        right: Vec<String>,
        /// Bytes a second in each direction between each pair of hosts.
        bytes_per_s: u64,
    },
    /// The process is told to stop (SIGTERM): it finishes what it does, says goodbye and exits.
    Stop {
        /// Who.
        hosts: Vec<String>,
        /// How long it may take before it is killed.
        grace_ns: Nanos,
    },
    /// The process dies: its sockets close, peers see FIN or RST at once.
    Kill {
        /// Who.
        hosts: Vec<String>,
    },
    /// The machine vanishes: silence. A new one takes its place.
    Lose {
        /// Who.
        hosts: Vec<String>,
    },
    /// The process is held: nothing of it runs, its machine keeps what arrives in its buffers, time goes on.
    Pause {
        /// Who.
        hosts: Vec<String>,
    },
    /// The clocks of these hosts are wrong.
    ClockSkew {
        /// Who.
        hosts: Vec<String>,
        /// How far the wall clock is ahead (behind, if negative).
        offset_ns: i64,
        /// How much too fast the wall clock and all timers run (too slow, if negative), in millionths; above -1,000,000.
        drift_ppm: i64,
    },
}

impl FaultAction {
    /// All hosts that it names, one side after the other.
    pub fn hosts(&self) -> impl Iterator<Item = &String> {
        let (one, other): (&[String], &[String]) = match self {
            FaultAction::Partition { left, right, .. }
            | FaultAction::Latency { left, right, .. }
            | FaultAction::Loss { left, right, .. }
            | FaultAction::Bandwidth { left, right, .. } => (left, right),
            FaultAction::Stop { hosts, .. }
            | FaultAction::Kill { hosts }
            | FaultAction::Lose { hosts }
            | FaultAction::Pause { hosts }
            | FaultAction::ClockSkew { hosts, .. } => (hosts, &[]),
        };
        one.iter().chain(other)
    }

    /// Whether nothing runs on the hosts that it names until they are started again.
    pub fn takes_down(&self) -> bool {
        matches!(self, FaultAction::Stop { .. } | FaultAction::Kill { .. } | FaultAction::Lose { .. })
    }

    /// The same, where every side that names this host names it alone; other sides stay whole.
    #[must_use]
    pub fn narrowed_to(&self, host: &str) -> FaultAction {
        let mut action = self.clone();
        for side in action.sides_mut() {
            if side.iter().any(|named| named == host) {
                side.retain(|named| named == host);
            }
        }
        action
    }

    /// The sets of hosts that it needs, each of them with somebody in it.
    pub fn sides_mut(&mut self) -> Vec<&mut Vec<String>> {
        match self {
            FaultAction::Partition { left, right, .. }
            | FaultAction::Latency { left, right, .. }
            | FaultAction::Loss { left, right, .. }
            | FaultAction::Bandwidth { left, right, .. } => vec![left, right],
            FaultAction::Stop { hosts, .. }
            | FaultAction::Kill { hosts }
            | FaultAction::Lose { hosts }
            | FaultAction::Pause { hosts }
            | FaultAction::ClockSkew { hosts, .. } => vec![hosts],
        }
    }
}

/// Direction of a cut, from the left side to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Both ways.
    Both,
    /// Only from left to right.
    LeftToRight,
    /// Only from right to left.
    RightToLeft,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_fault_that_follows_a_message_hits_its_user_alone_and_leaves_the_other_side_whole() {
        let cut = |left: &[&str]| FaultAction::Partition {
            left: names(left),
            right: names(&["server-0", "server-1"]),
            way: Way::Both,
        };
        assert_eq!(cut(&["a", "b"]).narrowed_to("b"), cut(&["b"]));
        assert_eq!(cut(&["a", "b"]).narrowed_to("c"), cut(&["a", "b"]));
        let kill = FaultAction::Kill { hosts: names(&["a", "b"]) };
        assert_eq!(kill.narrowed_to("a"), FaultAction::Kill { hosts: names(&["a"]) });
    }

    #[test]
    fn a_live_run_plays_what_hits_users_alone() {
        let refused = |action: FaultAction| {
            FaultPlan { name: "x".into(), begins: Begin::At(0), for_ns: None, action }.refused_live().is_some()
        };
        let cut = |left: &[&str], right: &[&str]| FaultAction::Partition {
            left: names(left),
            right: names(right),
            way: Way::Both,
        };
        assert!(!refused(cut(&["a", "b"], &["server-0"])) && !refused(cut(&["server-0", "server-1"], &["a"])));
        assert!(refused(cut(&["a"], &["b"])) && refused(cut(&["server-0"], &["server-1"])));
        assert!(refused(cut(&["a", "server-1"], &["server-0"])));
        assert!(!refused(FaultAction::Kill { hosts: names(&["a"]) }));
        assert!(refused(FaultAction::Kill { hosts: names(&["a", "server-0"]) }));
        assert!(refused(FaultAction::ClockSkew { hosts: names(&["a"]), offset_ns: 1, drift_ppm: 0 }));
    }
}
