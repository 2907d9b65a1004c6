//! The history: operations recovered from events — invoked, then ok, failed or unknown (Jepsen's words). Streaming, so that a
//! live run can be counted while it goes on. Neighbours: `numbers` counts what comes out, `story` tells it; checks keep
//! their own, leaner idea of what is open (`checks::cast`).

use crate::checks::names::{Id, Names};
use crate::event::{Body, Event, Kind, Name};
use crate::few;

/// An operation from its invocation to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Who did it.
    pub user: Name,
    /// Over which connection; 0 if none.
    pub conn: u32,
    /// Its name.
    pub op: Name,
    /// Its number within the user.
    pub op_id: u64,
    /// The event that invoked it.
    pub invoked_n: u64,
    /// When it was invoked, in nanoseconds of plan time.
    pub invoked_ns: i64,
    /// When it was planned, if it was.
    pub planned_ns: Option<i64>,
    /// How it ended.
    pub end: End,
    /// The event that ended it; the one that invoked it while it is open.
    pub ended_n: u64,
    /// When it ended; while it is open, the last time known.
    pub ended_ns: i64,
    /// Why it failed, as a wire code or a class.
    pub error: Option<Name>,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It succeeded.
    Ok,
    /// It certainly had no effect.
    Failed,
    /// Nobody can say.
    Unknown,
    /// Its answer had not come when the record ended.
    Open,
}

/// Recovers operations from events.
#[derive(Default)]
pub struct History {
    users: Names,
    open: Vec<Vec<Operation>>,
}

impl History {
    /// Nothing happened yet.
    pub fn new() -> Self {
        History::default()
    }

    /// Takes the next event into account; returns the operation that it ends.
    pub fn observe(&mut self, event: &Event) -> Option<Operation> {
        let op_id = event.op_id?;
        let end = match event.kind {
            Kind::Invoked => {
                self.invoked(event, op_id);
                return None;
            }
            Kind::Ok => End::Ok,
            Kind::Failed => End::Failed,
            Kind::Unknown => End::Unknown,
            _ => return None,
        };
        let user = self.user(&event.user);
        let open = &mut self.open[user.index()];
        let index = open.iter().position(|operation| operation.op_id == op_id)?;
        let mut operation = open.swap_remove(index);
        operation.end = end;
        operation.ended_n = event.n;
        operation.ended_ns = event.t_ns;
        operation.error = match (&event.body, end) {
            (_, End::Ok) => None,
            (Body::Error { code, .. }, _) => Some(code.clone()),
            (Body::Http { status, .. }, _) => Some(format!("status_{status}").into()),
            _ => Some(if end == End::Failed { "failed" } else { "unknown" }.into()),
        };
        Some(operation)
    }

    /// Whatever is still open when the record ends, by user in the order of appearance.
    pub fn finish(self, end_ns: i64) -> Vec<Operation> {
        let mut open: Vec<Operation> = self.open.into_iter().flatten().collect();
        open.sort_by_key(|operation| operation.invoked_n);
        for operation in &mut open {
            operation.ended_ns = end_ns;
            operation.error = Some("unanswered".into());
        }
        open
    }

    fn invoked(&mut self, event: &Event, op_id: u64) {
        let user = self.user(&event.user);
        let operation = Operation {
            user: event.user.clone(),
            conn: event.conn,
            op: event.op.clone(),
            op_id,
            invoked_n: event.n,
            invoked_ns: event.t_ns,
            planned_ns: event.planned_ns,
            end: End::Open,
            ended_n: event.n,
            ended_ns: event.t_ns,
            error: None,
        };
        few::push(&mut self.open[user.index()], operation);
    }

    fn user(&mut self, name: &Name) -> Id {
        let user = self.users.id(name);
        if user.index() >= self.open.len() {
            self.open.resize_with(self.users.count(), Vec::new);
        }
        user
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(n: u64, kind: Kind, op_id: u64, body: Body) -> Event {
        Event {
            n,
            t_ns: n as i64 * 1_000,
            process: 0,
            user: "clients-0".into(),
            conn: 1,
            kind,
            op: "discover".into(),
            op_id: Some(op_id),
            planned_ns: Some(0),
            said: Default::default(),
            content: Default::default(),
            body,
        }
    }

    #[test]
    fn operations_end_in_any_order_under_their_own_number() {
        let mut history = History::new();
        assert_eq!(history.observe(&event(0, Kind::Invoked, 1, Body::Empty)), None);
        assert_eq!(history.observe(&event(1, Kind::Invoked, 2, Body::Empty)), None);
        let error = Body::Error { code: "NOT_IN_ROOM".into(), message: "".into(), to: None };
        let failed = history.observe(&event(2, Kind::Failed, 2, error)).unwrap();
        assert_eq!((failed.end, failed.error.as_deref()), (End::Failed, Some("NOT_IN_ROOM")));
        let succeeded = history.observe(&event(3, Kind::Ok, 1, Body::Empty)).unwrap();
        assert_eq!((succeeded.end, succeeded.invoked_ns, succeeded.ended_ns), (End::Ok, 0, 3_000));
        assert!(history.finish(9_000).is_empty());
    }

    #[test]
    fn an_answer_that_never_came_is_open_and_not_failed() {
        let mut history = History::new();
        history.observe(&event(0, Kind::Invoked, 1, Body::Empty));
        let open = history.finish(9_000);
        assert_eq!((open[0].end, open[0].ended_ns, open[0].error.as_deref()), (End::Open, 9_000, Some("unanswered")));
    }

    #[test]
    fn an_end_without_a_beginning_is_no_operation() {
        assert_eq!(History::new().observe(&event(0, Kind::Ok, 1, Body::Empty)), None);
    }
}
