//! Messages that faults wait for: the sink of users looks at each message that passes and remembers whose it was.
//!
//! Without such faults a world's own sink is what users see. Neighbours: `schedule` takes what was seen, `recorder` shows
//! messages.

use crate::commons::lock;
use crate::sink::{Draft, EventSink, Wait};
use crate::users::pattern::matches;
use rehearsal_reports::event::Name;
use rehearsal_scenarios::plan::{Begin, Passing, Plan, Sight};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// A sink behind a look at every message.
pub struct Sights {
    sink: Arc<dyn EventSink>,
    /// Called when a fault's message has come, before its user goes on.
    has_come: Box<dyn Fn() + Send + Sync>,
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
pub struct Hit {
    /// The fault's index in the plan.
    pub fault: usize,
    /// Whose message it was.
    pub user: Name,
    /// When the fault is to begin, in nanoseconds of plan time.
    pub begins_ns: i64,
}

impl Sights {
    /// None if no fault of the plan waits for a message.
    pub fn new(
        plan: &Plan,
        sink: Arc<dyn EventSink>,
        has_come: impl Fn() + Send + Sync + 'static,
    ) -> Option<Arc<Sights>> {
        let watched = plan.faults.iter().enumerate().filter_map(|(fault, plan)| match &plan.begins {
            Begin::At(_) => None,
            Begin::After(sight) => {
                let users = sight.users.iter().cloned().collect();
                Some(Watched { fault, sight: sight.clone(), users, seen: 0, hit: None })
            }
        });
        let watched: Vec<Watched> = watched.collect();
        let has_come = Box::new(has_come);
        (!watched.is_empty()).then(|| Arc::new(Sights { sink, has_come, watched: Mutex::new(watched) }))
    }

    /// What was seen since the last call.
    pub fn take(&self) -> Vec<Hit> {
        lock(&self.watched).iter_mut().filter_map(|watched| watched.hit.take()).collect()
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
        self.sink.now_ns()
    }

    fn record(&self, event: Draft) {
        self.sink.record(event);
    }

    fn keeps_contents(&self) -> bool {
        self.sink.keeps_contents()
    }

    fn wants_digests(&self) -> bool {
        self.sink.wants_digests()
    }

    fn witness(&self, user: &Name, passing: Passing, message: &Value) {
        let now_ns = self.now_ns();
        let mut watched = lock(&self.watched);
        watched.iter_mut().for_each(|watched| watched.look(user, passing, message, now_ns));
        let is_hit = watched.iter().any(|watched| watched.hit.is_some());
        drop(watched);
        if is_hit {
            (self.has_come)();
        }
    }

    fn sleep_until(&self, plan_ns: i64) -> Wait<'_> {
        self.sink.sleep_until(plan_ns)
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
