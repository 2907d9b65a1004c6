//! Messages that faults wait for: the sink of users looks at each message that passes and remembers whose it was.
//!
//! Without such faults the event log is the sink itself. Neighbours: `schedule` takes what was seen, `loadgen::recorder`
//! shows messages.

use crate::event_log::EventLog;
use rehearsal_loadgen::sink::{Draft, EventSink};
use rehearsal_loadgen::users::pattern::matches;
use rehearsal_reports::event::Name;
use rehearsal_scenarios::plan::{Begin, Passing, Plan, Sight};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The event log behind a look at every message.
pub(super) struct Sights {
    log: Arc<EventLog>,
    watched: Mutex<Vec<Watched>>,
}

/// A fault that waits, and what it has seen so far.
struct Watched {
    fault: usize,
    sight: Sight,
    users: BTreeSet<String>,
    seen: u64,
    hit: Option<Hit>,
}

/// The message that a fault has waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// The fault's index in the plan.
    pub(super) fault: usize,
    /// Whose message it was.
    pub(super) user: Name,
    /// When the fault is to begin, in nanoseconds of plan time.
    pub(super) begins_ns: i64,
}

impl Sights {
    /// None if no fault of the plan waits for a message.
    pub(super) fn new(plan: &Plan, log: Arc<EventLog>) -> Option<Arc<Sights>> {
        let watched = plan.faults.iter().enumerate().filter_map(|(fault, plan)| match &plan.begins {
            Begin::At(_) => None,
            Begin::After(sight) => {
                let users = sight.users.iter().cloned().collect();
                Some(Watched { fault, sight: sight.clone(), users, seen: 0, hit: None })
            }
        });
        let watched: Vec<Watched> = watched.collect();
        (!watched.is_empty()).then(|| Arc::new(Sights { log, watched: Mutex::new(watched) }))
    }

    /// What was seen since the last call.
    pub(super) fn take(&self) -> Vec<Hit> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.iter_mut().filter_map(|watched| watched.hit.take()).collect()
    }
}

impl Watched {
    fn look(&mut self, user: &Name, passing: Passing, message: &Value, now_ns: i64) {
        let Sight { passing: wanted, pattern, nth, delay_ns, .. } = &self.sight;
        let carries = |message: &Value| message.get("payload").is_some_and(|payload| matches(pattern, payload));
        if passing != *wanted || !self.users.contains(&**user) || !(matches(pattern, message) || carries(message)) {
            return;
        }
        self.seen += 1;
        if self.seen == *nth {
            let begins_ns = now_ns.saturating_add_unsigned(*delay_ns);
            self.hit = Some(Hit { fault: self.fault, user: user.clone(), begins_ns });
        }
    }
}

impl EventSink for Sights {
    fn now_ns(&self) -> i64 {
        self.log.now_ns()
    }

    fn record(&self, event: Draft) {
        self.log.record(event);
    }

    fn keeps_contents(&self) -> bool {
        self.log.keeps_contents()
    }

    fn witness(&self, user: &Name, passing: Passing, message: &Value) {
        let now_ns = self.now_ns();
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for watched in watched.iter_mut() {
            watched.look(user, passing, message, now_ns);
            if watched.hit.is_some() {
                // The fault may be due at once, and is known to the schedule after the step.
                self.log.end_step_here();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn watched(passing: Passing, nth: u64) -> Watched {
        let users = vec!["w-0".to_owned()];
        let pattern = json!({ "app": "yes" });
        let sight = Sight { users: users.clone(), passing, pattern, nth, delay_ns: 5 };
        Watched { fault: 3, sight, users: users.into_iter().collect(), seen: 0, hit: None }
    }

    #[test]
    fn the_nth_message_of_these_users_that_matches_is_the_one() {
        let mut waiting = watched(Passing::Sent, 2);
        let carried = json!({ "type": "peer_message", "payload": { "app": "yes", "more": 1 } });
        waiting.look(&"w-0".into(), Passing::Sent, &carried, 10);
        waiting.look(&"w-1".into(), Passing::Sent, &carried, 20);
        waiting.look(&"w-0".into(), Passing::Received, &carried, 30);
        waiting.look(&"w-0".into(), Passing::Sent, &json!({ "app": "no" }), 40);
        assert_eq!(waiting.hit, None);
        waiting.look(&"w-0".into(), Passing::Sent, &json!({ "app": "yes" }), 50);
        let hit = Hit { fault: 3, user: "w-0".into(), begins_ns: 55 };
        assert_eq!(waiting.hit.take(), Some(hit));
        waiting.look(&"w-0".into(), Passing::Sent, &carried, 60);
        assert_eq!(waiting.hit, None, "a fault happens once");
    }
}
