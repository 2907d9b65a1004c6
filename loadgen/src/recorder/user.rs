//! [`UserRecorder`]: what one user does becomes events at once, and what it knows of the user so far. Here is what flows tell it;
//! `observed` has what the client side observes.

use super::awaited::AwaitedList;
use super::dropped::Dropped;
use super::names::{Names, PeerNames};
use super::wire;
use crate::commons::lock;
use crate::sink::{Draft, EventSink};
use rehearsal_reports::event::{Body, Content, DROPPED, Kind, Name, Said, digest, digest_of_written};
use rehearsal_reports::unmatched::{UNMATCHED, Unmatched};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Turns what one user does into events. Handed to the reference client side as its observer.
pub struct UserRecorder {
    pub(super) sink: Arc<dyn EventSink>,
    pub(super) user: Name,
    pub(super) first_conn: u32,
    /// Where the scenario's own checks look into messages.
    pub(super) watched: Arc<[String]>,
    /// Whether events hold what messages carry.
    keeps_contents: bool,
    wants_digests: bool,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) names: Names,
    pub(super) next_op: Option<Name>,
    pub(super) next_planned_ns: Option<i64>,
    next_op_id: u64,
    /// Few at a time, mostly one: lists take less memory than trees.
    pub(super) connecting: Vec<(u32, Name, u64)>,
    pub(super) open: Vec<(u32, Open)>,
    pub(super) jobs: BTreeMap<Name, Name>,
    pub(super) attempts: BTreeMap<Name, (u64, Option<Name>)>,
}

#[derive(Default)]
pub(super) struct Open {
    pub(super) peer: Option<Name>,
    pub(super) awaited: AwaitedList,
}

/// The message behind an event; null if there is none.
pub(super) struct Behind<'a> {
    /// What it says where the scenario's own checks look.
    pub(super) said: Said,
    pub(super) message: &'a Value,
    /// As `serde_json` has written it, if that is known: it need not be written again for its hash.
    pub(super) written: Option<&'a str>,
}

impl<'a> Behind<'a> {
    pub(super) fn of(said: Said, message: &'a Value) -> Behind<'a> {
        Behind { said, message, written: None }
    }
}

impl UserRecorder {
    /// A recorder for one life of a user. `incarnation` counts its restarts: connections and operations of each life get
    /// numbers of their own.
    pub fn new(sink: Arc<dyn EventSink>, user: Name, incarnation: u32) -> Arc<Self> {
        UserRecorder::among(sink, user, incarnation, Arc::default(), Arc::default())
    }

    /// A recorder of one of many users, which share the names of their peers. It keeps what messages say at these places (JSON
    /// pointers).
    pub fn among(
        sink: Arc<dyn EventSink>,
        user: Name,
        incarnation: u32,
        watched: Arc<[String]>,
        peers: Arc<PeerNames>,
    ) -> Arc<Self> {
        let names = Names::among(peers);
        let state = State { names, next_op_id: (u64::from(incarnation) << 32) + 1, ..State::default() };
        Arc::new(UserRecorder {
            first_conn: incarnation * 1_000,
            keeps_contents: sink.keeps_contents(),
            wants_digests: sink.wants_digests(),
            sink,
            user,
            watched,
            state: Mutex::new(state),
        })
    }

    /// Nanoseconds of plan time.
    pub fn now_ns(&self) -> i64 {
        self.sink.now_ns()
    }

    /// Says when the next operation or message was planned to start.
    pub fn plan_next(&self, planned_ns: i64) {
        lock(&self.state).next_planned_ns = Some(planned_ns);
    }

    /// A pause of the user's own lies before what was planned next.
    pub fn put_off(&self, by_ns: i64) {
        if let Some(planned_ns) = &mut lock(&self.state).next_planned_ns {
            *planned_ns = planned_ns.saturating_add(by_ns);
        }
    }

    /// Gives the next operation or message a name of its own.
    pub fn name_next(&self, op: Option<Name>) {
        lock(&self.state).next_op = op;
    }

    /// An operation starts that is no WebSocket message of a known kind: `sign_in`, `http`, `expect`.
    pub fn invoke(&self, op: &Name, body: Body) -> u64 {
        self.invoke_saying(op, body, &Value::Null)
    }

    /// Such an operation starts with this message.
    pub fn invoke_saying(&self, op: &Name, body: Body, message: &Value) -> u64 {
        let mut state = lock(&self.state);
        let op_id = state.new_op_id();
        state.next_op = None;
        let planned_ns = state.next_planned_ns.take();
        let said = wire::said(message, &self.watched, &mut state.names);
        self.put_said(Behind::of(said, message), 0, Kind::Invoked, (op.clone(), Some(op_id)), planned_ns, body);
        op_id
    }

    /// An operation starts that holds others: a planned time counts for it and for the first of them.
    pub fn invoke_around(&self, op: &Name) -> u64 {
        let mut state = lock(&self.state);
        let op_id = state.new_op_id();
        let planned_ns = state.next_planned_ns;
        self.put(0, Kind::Invoked, op.clone(), Some(op_id), planned_ns, Body::Empty);
        op_id
    }

    /// Such an operation ends.
    pub fn end(&self, kind: Kind, op: &Name, op_id: u64, body: Body) {
        self.end_saying(kind, op, op_id, body, &Value::Null);
    }

    /// Such an operation ends with this message.
    pub fn end_saying(&self, kind: Kind, op: &Name, op_id: u64, body: Body, message: &Value) {
        let said = wire::said(message, &self.watched, &mut lock(&self.state).names);
        self.put_said(Behind::of(said, message), 0, kind, (op.clone(), Some(op_id)), None, body);
    }

    /// Planned work that was not begun at all.
    pub fn dropped(&self, planned_ns: i64, why: Dropped) {
        let op = Name::from(DROPPED);
        let op_id = lock(&self.state).new_op_id();
        self.put(0, Kind::Invoked, op.clone(), Some(op_id), Some(planned_ns), Body::Empty);
        self.put(0, Kind::Failed, op, Some(op_id), None, why.body());
    }

    /// So many messages of a type came that no step asked for.
    pub fn unmatched(&self, kind: &str, count: u64) {
        self.note(Kind::Ended, &Name::from(UNMATCHED), Unmatched::body(kind, count));
    }

    /// Any event that belongs to no operation.
    pub fn note(&self, kind: Kind, op: &Name, body: Body) {
        self.put(0, kind, op.clone(), None, None, body);
    }

    /// The newest operation on this connection is given up: its outcome is unknown.
    pub fn give_up(&self, conn: u32, why: &str) {
        let conn = conn + self.first_conn;
        let mut state = lock(&self.state);
        if let Some((op, op_id)) = state.find_open(conn).and_then(|open| open.awaited.give_up_newest()) {
            self.put(conn, Kind::Unknown, op, Some(op_id), None, error("timed_out", why));
        }
    }

    pub(super) fn put(&self, conn: u32, kind: Kind, op: Name, op_id: Option<u64>, planned_ns: Option<i64>, body: Body) {
        self.put_said(Behind::of(Said::new(), &Value::Null), conn, kind, (op, op_id), planned_ns, body);
    }

    pub(super) fn put_said(
        &self,
        Behind { said, message, written }: Behind<'_>,
        conn: u32,
        kind: Kind,
        (op, op_id): (Name, Option<u64>),
        planned_ns: Option<i64>,
        body: Body,
    ) {
        // Operations tell in their bodies what theirs carried.
        let is_message = matches!(kind, Kind::Sent | Kind::Received) && !message.is_null();
        let content = if is_message && self.keeps_contents { wire::content(message) } else { Content::default() };
        let digest = match written {
            _ if message.is_null() || !self.wants_digests => 0,
            Some(written) => digest_of_written(written),
            None => digest(message),
        };
        let user = self.user.clone();
        self.sink.record(Draft { user, conn, kind, op, op_id, planned_ns, said, content, digest, body });
    }
}

impl State {
    pub(super) fn new_op_id(&mut self) -> u64 {
        let op_id = self.next_op_id;
        self.next_op_id += 1;
        op_id
    }

    /// What is known of this connection.
    pub(super) fn open(&mut self, conn: u32) -> &mut Open {
        let known = self.open.iter().position(|(known, _)| *known == conn);
        let place = known.unwrap_or_else(|| {
            // Room for the one that most users have, not for four.
            self.open.reserve_exact(1);
            self.open.push((conn, Open::default()));
            self.open.len() - 1
        });
        &mut self.open[place].1
    }

    fn find_open(&mut self, conn: u32) -> Option<&mut Open> {
        self.open.iter_mut().find(|(known, _)| *known == conn).map(|(_, open)| open)
    }

    pub(super) fn close(&mut self, conn: u32) -> Option<Open> {
        let place = self.open.iter().position(|(known, _)| *known == conn)?;
        Some(self.open.remove(place).1)
    }

    /// The operation that opened this connection, or tried to.
    pub(super) fn connected(&mut self, conn: u32) -> Option<(Name, u64)> {
        let place = self.connecting.iter().position(|(known, ..)| *known == conn)?;
        let (_, op, op_id) = self.connecting.remove(place);
        if self.connecting.is_empty() {
            self.connecting = Vec::new();
        }
        Some((op, op_id))
    }
}

/// An error body of our own making.
pub(crate) fn error(code: &str, message: &str) -> Body {
    Body::Error { code: code.into(), message: message.into(), to: None }
}
