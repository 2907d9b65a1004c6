//! Where events go. A user writes a [`Draft`]; the sink of its world stamps it with a number and the time of the plan.
//! Neighbours: `live::recorder` writes files, the simulated world keeps events in memory.

use rehearsal_reports::event::{Body, Content, Event, Kind, Name, Said};
use rehearsal_scenarios::plan::Passing;
use serde_json::Value;
use std::pin::Pin;
use std::time::Duration;

/// An event without its number and time.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Name of the user, or `run`.
    pub user: Name,
    /// Number of the user's connection, from 1; 0 when none is concerned.
    pub conn: u32,
    /// What kind of thing happened.
    pub kind: Kind,
    /// The operation; empty if none.
    pub op: Name,
    /// Ties `invoked` to its end.
    pub op_id: Option<u64>,
    /// When the operation was planned to start, in nanoseconds of plan time.
    pub planned_ns: Option<i64>,
    /// What the message behind it says, where the scenario's own checks look.
    pub said: Said,
    /// What the message behind it carries, where the sink keeps it.
    pub content: Content,
    /// Hash of the whole message behind it, where the sink wants it; else 0.
    pub digest: u64,
    /// What it tells.
    pub body: Body,
}

impl Draft {
    /// A draft that concerns no connection and no operation.
    pub fn new(user: Name, kind: Kind, op: Name, body: Body) -> Self {
        let (said, content) = Default::default();
        Draft { user, conn: 0, kind, op, op_id: None, planned_ns: None, said, content, digest: 0, body }
    }

    /// The event, once its number and its time are known.
    pub fn stamp(self, n: u64, t_ns: i64) -> Event {
        let Draft { user, conn, kind, op, op_id, planned_ns, said, content, digest: _, body } = self;
        Event { n, t_ns, process: 0, user, conn, kind, op, op_id, planned_ns, said, content, body }
    }
}

/// A wait for a planned time.
pub type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Stamps and keeps events, and is the clock of the plan. Called from the tasks of users: must not block for long.
pub trait EventSink: Send + Sync {
    /// Nanoseconds from time 0 of the plan; negative while preparing.
    fn now_ns(&self) -> i64;
    /// Keeps an event. Events are numbered in the order of these calls.
    fn record(&self, event: Draft);
    /// Whether events are to hold what messages carry: for a run that somebody looks at, not for a long one.
    fn keeps_contents(&self) -> bool {
        false
    }
    /// Whether drafts are to hold the hash of the message behind them: for a run that must be the same when it is repeated.
    fn wants_digests(&self) -> bool {
        false
    }
    /// Sees a whole message that a user sends or receives, for those who wait for one. Nothing of it is kept.
    fn witness(&self, _user: &Name, _passing: Passing, _message: &Value) {}

    /// Waits until this plan time, not at all if it has passed. tokio's timers keep whole milliseconds: a world in which that
    /// is too coarse has an own way to wait.
    fn sleep_until(&self, plan_ns: i64) -> Wait<'_> {
        Box::pin(async move {
            let wait_ns = plan_ns.saturating_sub(self.now_ns());
            if let Ok(wait_ns) = u64::try_from(wait_ns)
                && wait_ns > 0
            {
                tokio::time::sleep(Duration::from_nanos(wait_ns)).await;
            }
        })
    }
}
