//! How much of the planned work began, and how much was dropped: what `late = "share < …"` judges. Neighbours: `thresholds`
//! judges, `limits` counts for those who decide while a run goes on. Left out: how late it began, which response times tell.

use super::operation::Ended;
use crate::event::{DROPPED, Event, Kind, Name};
use rehearsal_scenarios::plan::{Behaviour, Plan, Step};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// The name of all planned work among what limits count.
pub const PLANNED_WORK: &str = "planned work";

/// Counts beginnings that were planned within the measure phase.
pub struct PlannedWork {
    /// A span carries the planned time of its first step, which is the one that counts.
    spans: BTreeSet<String>,
    row: Name,
    why: Name,
    /// All of them.
    pub planned: u64,
    /// Those that were dropped.
    pub dropped: u64,
}

impl PlannedWork {
    /// Nothing was planned yet.
    pub fn new(plan: &Plan) -> PlannedWork {
        let flows = plan.users.iter().filter_map(|user| match &user.behaviour {
            Behaviour::Flow(steps) => Some(steps),
            Behaviour::Worker(_) | Behaviour::Client(_) => None,
        });
        // The users of a group share its steps.
        let distinct: BTreeSet<*const Vec<Step>> = flows.clone().map(Arc::as_ptr).collect();
        let mut spans = BTreeSet::new();
        let mut left = distinct;
        flows.filter(|steps| left.remove(&Arc::as_ptr(steps))).for_each(|steps| collect_spans(steps, &mut spans));
        PlannedWork { spans, row: PLANNED_WORK.into(), why: DROPPED.into(), planned: 0, dropped: 0 }
    }

    /// Takes the next event into account; what it tells of planned work, by name.
    pub fn observe(&mut self, event: &Event, measured: &Range<i64>) -> Option<(Name, Ended<'_>)> {
        let planned_ns = event.planned_ns.filter(|_| matches!(event.kind, Kind::Invoked | Kind::Sent))?;
        if self.spans.contains(&*event.op) {
            return None;
        }
        let is_dropped = &*event.op == DROPPED;
        if measured.contains(&planned_ns) {
            self.planned += 1;
            self.dropped += u64::from(is_dropped);
        }
        let error = is_dropped.then_some(&self.why);
        Some((
            self.row.clone(),
            Ended { planned_ns: Some(planned_ns), invoked_ns: event.t_ns, ended_ns: event.t_ns, error },
        ))
    }
}

fn collect_spans(steps: &[Step], spans: &mut BTreeSet<String>) {
    for step in steps {
        spans.extend(step.span.clone());
        step.verb.inside().into_iter().for_each(|steps| collect_spans(steps, spans));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Body;
    use rehearsal_scenarios::plan::World;
    use rehearsal_scenarios::{Overrides, load};

    #[test]
    fn a_span_and_its_first_step_are_one_beginning_and_a_message_is_one_too() {
        let text = "format = 1\n[users.peers]\nflow = 'f'\n[flow.f]\nsteps = ['join', \
                    { repeat = { times = 2, every = '1s', steps = [{ span = 'all', discover = {} }] } }]\n";
        let plan = load("spans", text.as_bytes(), &Overrides::default()).unwrap().plan(1, World::Live);
        let mut work = PlannedWork::new(&plan);
        let mut put = |kind: Kind, op: &str, planned_ns: Option<i64>| {
            let (said, content) = Default::default();
            let (user, op) = ("peers-0".into(), op.into());
            let event = Event {
                n: 0,
                t_ns: 9,
                process: 0,
                user,
                conn: 1,
                kind,
                op,
                op_id: None,
                planned_ns,
                said,
                content,
                body: Body::Empty,
            };
            work.observe(&event, &(0..100)).is_some()
        };
        assert!(!put(Kind::Invoked, "all", Some(5)) && put(Kind::Invoked, "discover", Some(5)));
        assert!(put(Kind::Sent, "", Some(6)) && !put(Kind::Sent, "", None) && !put(Kind::Ok, "discover", Some(7)));
        assert!(put(Kind::Invoked, DROPPED, Some(8)) && put(Kind::Invoked, "discover", Some(100)));
        assert_eq!((work.planned, work.dropped), (3, 1));
    }
}
