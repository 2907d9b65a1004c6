//! What the client side of the reference system observes becomes events: messages, connections, jobs and attempts. Operations that
//! a closing connection leaves open become unknown, and so does everything when the user's task is dropped in mid-flight. Neighbours:
//! `user` (the recorder, and what flows tell it), `wire` (what messages say), `awaited` (which answer belongs to what).

use super::awaited::{Asked, Awaited};
use super::names::Names;
use super::user::{Behind, Open, State, UserRecorder, error};
use super::wire::{self, Outgoing};
use crate::commons::lock;
use rehearsal_reference::observer::{ConnectionEnd, Observed, Observer, Side};
use rehearsal_reference::protocol::ServerMessage;
use rehearsal_reports::event::{Body, Closer, JobOutcome, Kind, Name, Said};
use rehearsal_scenarios::plan::Passing;
use serde_json::Value;
use std::sync::{Arc, PoisonError};

impl UserRecorder {
    fn sent(&self, state: &mut State, conn: u32, message: &Value, written: Option<&str>) {
        let named = state.next_op.take();
        let planned_ns = state.next_planned_ns.take();
        let behind = Behind { written, ..Behind::of(wire::said(message, &self.watched, &mut state.names), message) };
        match wire::outgoing(message, &mut state.names) {
            Outgoing::Operation { asked, op, body } => {
                let op = named.unwrap_or_else(|| state.names.share(op));
                let op_id = state.new_op_id();
                let open = state.open(conn);
                if let Body::Register { peer, .. } = &body {
                    open.peer = Some(peer.clone());
                }
                open.awaited.push(Awaited::Operation { asked, op: op.clone(), op_id, given_up: false });
                self.put_said(behind, conn, Kind::Invoked, (op, Some(op_id)), planned_ns, body);
            }
            Outgoing::Relay { to, body } => {
                state.open(conn).awaited.push(Awaited::Relay { to });
                self.put_said(behind, conn, Kind::Sent, (named.unwrap_or_default(), None), planned_ns, body);
            }
            Outgoing::Other(body) => {
                state.open(conn).awaited.push(Awaited::Other);
                self.put_said(behind, conn, Kind::Sent, (named.unwrap_or_default(), None), planned_ns, body);
            }
        }
    }

    fn received(&self, state: &mut State, conn: u32, message: &Value) {
        state.open(conn);
        let State { names, open, .. } = state;
        let Some((_, open)) = open.iter_mut().find(|(known, _)| *known == conn) else { return };
        let said = wire::said(message, &self.watched, names);
        let kind = wire::text(message, "type");
        if let Some((_, body)) = wire::relay(kind, message, open.peer.as_ref(), names) {
            return self.put_said(Behind::of(said, message), conn, Kind::Received, (Name::default(), None), None, body);
        }
        let answered = match kind {
            "registered_auth" => open.awaited.answered(|asked| asked == Asked::Register),
            "peer_list" => open.awaited.answered(|asked| asked == Asked::Discover),
            "metadata_updated" => open.awaited.answered(|asked| asked == Asked::Update),
            "worker_reserved" => open.awaited.answered(|asked| matches!(asked, Asked::Reserve { .. })),
            "error" | "" => return self.refused(names, open, said, conn, message),
            _ => None,
        };
        match answered {
            Some(Awaited::Operation { op, op_id, given_up: false, asked }) => {
                let body = self.answer(asked, message, names);
                self.put_said(Behind::of(said, message), conn, Kind::Ok, (op, Some(op_id)), None, body);
            }
            Some(_) => {}
            None => {
                let body = Body::Other { kind: names.share(kind) };
                self.put_said(Behind::of(said, message), conn, Kind::Received, (Name::default(), None), None, body);
            }
        }
    }

    fn answer(&self, asked: Asked, message: &Value, names: &mut Names) -> Body {
        match asked {
            Asked::Register => match ServerMessage::of(message) {
                ServerMessage::Registered(registered) => wire::registered(&registered, names),
                _ => Body::Empty,
            },
            Asked::Discover => wire::discovered(message, names),
            Asked::Update => Body::Updated { metadata: Arc::new(message.get("metadata").cloned().unwrap_or_default()) },
            // Counted from the answer's arrival: the server's own clock may differ, and it lapses no later than this.
            Asked::Reserve { duration_ns } => Body::Reserved {
                worker: names.share(wire::text(message, "worker_id")),
                until_ns: self.now_ns().saturating_add(duration_ns),
            },
        }
    }

    fn refused(&self, names: &mut Names, open: &mut Open, said: Said, conn: u32, message: &Value) {
        let ServerMessage::Error(refusal) = ServerMessage::of(message) else {
            let body = Body::Other { kind: names.share(wire::text(message, "type")) };
            return self.put_said(Behind::of(said, message), conn, Kind::Received, (Name::default(), None), None, body);
        };
        let named = message.get("to_peer_id").and_then(Value::as_str).map(|to| names.share(to));
        let is_named = |to: &str| match &named {
            Some(named) => **named == *to,
            None => wire::mentions(refusal.message, to),
        };
        let to = match open.awaited.refused(refusal.code, is_named) {
            Some(Awaited::Operation { op, op_id, given_up: false, .. }) => {
                let body = wire::refusal(message, None, names);
                return self.put_said(Behind::of(said, message), conn, Kind::Failed, (op, Some(op_id)), None, body);
            }
            Some(Awaited::Operation { .. }) => return,
            Some(Awaited::Relay { to }) => Some(to),
            Some(Awaited::Other) | None => named,
        };
        let body = wire::refusal(message, to, names);
        self.put_said(Behind::of(said, message), conn, Kind::Received, (Name::default(), None), None, body);
    }

    fn closed(&self, state: &mut State, conn: u32, by: Closer, code: Option<u16>, reason: &str) {
        if let Some(mut open) = state.close(conn) {
            for (op, op_id) in open.awaited.drain_operations() {
                self.put(conn, Kind::Unknown, op, Some(op_id), None, error("closed", reason));
            }
        }
        self.put(conn, Kind::Closed, Name::default(), None, None, Body::Closed { by, code, reason: reason.into() });
    }

    fn attempt_ended(&self, state: &mut State, job: &str, worker: Option<&str>, outcome: &str) {
        let Some((op_id, attempt_of)) = state.attempts.remove(job) else { return };
        let (kind, body) = match outcome {
            "completed" | "cancelled" => {
                let worker = worker.map(|worker| state.names.share(worker));
                (Kind::Ok, Body::Attempt { job: state.names.share(job), attempt_of, worker })
            }
            "lost" => (Kind::Unknown, error(outcome, "the worker or the connection was lost")),
            _ => (Kind::Failed, error(outcome, "the attempt got no job done")),
        };
        let op = state.names.share("request_job");
        self.put(0, kind, op, Some(op_id), None, body);
    }
}

impl Observer for UserRecorder {
    fn observe(&self, observed: Observed<'_>) {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        match observed {
            Observed::Sent { conn, message, written } => {
                self.sent(state, conn + self.first_conn, message, written);
                self.sink.witness(&self.user, Passing::Sent, message);
            }
            Observed::Received { conn, message } => {
                self.received(state, conn + self.first_conn, message);
                self.sink.witness(&self.user, Passing::Received, message);
            }
            Observed::Garbage { conn, reason } => {
                let body = error("garbage", reason);
                self.put(conn + self.first_conn, Kind::Received, Name::default(), None, None, body);
            }
            Observed::Dropped { conn, message } => {
                let reason = format!("a {} that nobody waited for", wire::text(message, "type"));
                let body = error("inbox_full", &reason);
                self.put(conn + self.first_conn, Kind::Received, Name::default(), None, None, body);
            }
            Observed::Connecting { conn } => {
                let conn = conn + self.first_conn;
                let op = state.next_op.take().unwrap_or_else(|| "connect".into());
                let planned_ns = state.next_planned_ns.take();
                let op_id = state.new_op_id();
                state.connecting.push((conn, op.clone(), op_id));
                self.put(conn, Kind::Invoked, op, Some(op_id), planned_ns, Body::Empty);
            }
            Observed::ConnectFailed { conn, class, reason } => {
                let conn = conn + self.first_conn;
                if let Some((op, op_id)) = state.connected(conn) {
                    self.put(conn, Kind::Failed, op, Some(op_id), None, error(class, reason));
                }
            }
            Observed::Opened { conn, target } => {
                let conn = conn + self.first_conn;
                if let Some((op, op_id)) = state.connected(conn) {
                    self.put(conn, Kind::Ok, op, Some(op_id), None, Body::Empty);
                }
                state.close(conn);
                state.open(conn);
                let body = Body::Connection { target: state.names.share_with_all(target) };
                self.put(conn, Kind::Opened, Name::default(), None, None, body);
            }
            Observed::Closed { conn, end: ConnectionEnd { by, code, reason } } => {
                self.closed(state, conn + self.first_conn, closer(*by), *code, reason);
            }
            Observed::JobBegan { job, client } => {
                let (job, client) = (state.names.share(job), state.names.share(client));
                state.jobs.insert(job.clone(), client.clone());
                self.put(
                    0,
                    Kind::Began,
                    state.names.share("job"),
                    None,
                    None,
                    Body::Job { job, client, outcome: None },
                );
            }
            Observed::JobEnded { job, client, outcome } => {
                state.jobs.remove(job);
                let (job, client) = (state.names.share(job), state.names.share(client));
                let body = Body::Job { job, client, outcome: Some(job_outcome(outcome)) };
                self.put(0, Kind::Ended, state.names.share("job"), None, None, body);
            }
            Observed::AttemptBegan { job, attempt_of } => {
                let job = state.names.share(job);
                let attempt_of = attempt_of.map(|first| state.names.share(first));
                let op_id = state.new_op_id();
                state.attempts.insert(job.clone(), (op_id, attempt_of.clone()));
                let planned_ns = state.next_planned_ns.take();
                let op = state.names.share("request_job");
                self.put(
                    0,
                    Kind::Invoked,
                    op,
                    Some(op_id),
                    planned_ns,
                    Body::Attempt { job, attempt_of, worker: None },
                );
            }
            Observed::AttemptEnded { job, worker, outcome } => self.attempt_ended(state, job, worker, outcome),
        }
    }
}

/// A user whose task is dropped in mid-flight (its host was killed, the run was interrupted) leaves nothing open.
impl Drop for UserRecorder {
    fn drop(&mut self) {
        let state = std::mem::take(self.state.get_mut().unwrap_or_else(PoisonError::into_inner));
        let State { names: mut shared, connecting, open, jobs, attempts, .. } = state;
        let why = "the user's process ended";
        for (conn, op, op_id) in connecting {
            self.put(conn, Kind::Unknown, op, Some(op_id), None, error("closed", why));
        }
        let mut rest = State::default();
        for (conn, open) in open {
            rest.open.push((conn, open));
            self.closed(&mut rest, conn, Closer::Fault, None, why);
        }
        for (job, client) in jobs {
            let body = Body::Job { job, client, outcome: Some(JobOutcome::Lost) };
            self.put(0, Kind::Ended, shared.share("job"), None, None, body);
        }
        for (_, (op_id, _)) in attempts {
            self.put(0, Kind::Unknown, shared.share("request_job"), Some(op_id), None, error("closed", why));
        }
    }
}

fn closer(side: Side) -> Closer {
    match side {
        Side::Us => Closer::Us,
        Side::Peer => Closer::Peer,
        Side::Network => Closer::Network,
    }
}

fn job_outcome(outcome: &str) -> JobOutcome {
    match outcome {
        "completed" => JobOutcome::Completed,
        "cancelled" => JobOutcome::Cancelled,
        _ => JobOutcome::Failed,
    }
}
