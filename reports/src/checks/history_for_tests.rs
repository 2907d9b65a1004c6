//! Writes histories by hand, so that a check's tests read like stories: `history.at(2.0).joins("workers-0", 1, "room")`.
//! A user's peer id is its name. Times are seconds; events are numbered as they come.

use super::cast::Cast;
use super::{RunEnd, make};
use crate::event::{Body, Closer, Event, JobMessage, JobOutcome, Kind, Name, Seen, digest};
use crate::verdict::{CheckVerdict, Evidence, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A history in the making.
pub struct History {
    /// What happened so far.
    pub events: Vec<Event>,
    now_ns: i64,
    next_op_id: u64,
    is_complete: bool,
    open: BTreeMap<&'static str, (Name, u32, u64)>,
}

impl History {
    pub fn new() -> Self {
        History { events: Vec::new(), now_ns: 0, next_op_id: 1, is_complete: true, open: BTreeMap::new() }
    }

    /// What follows happens at this second; the last one is the end of the run.
    pub fn at(&mut self, second: f64) -> &mut Self {
        self.now_ns = (second * 1e9).round() as i64;
        self
    }

    /// The run was killed.
    pub fn is_cut_off(&mut self) {
        self.is_complete = false;
    }

    pub fn put(&mut self, user: &str, conn: u32, kind: Kind, op: &str, op_id: Option<u64>, body: Body) -> &mut Self {
        let n = self.events.len() as u64;
        self.events.push(Event {
            n,
            t_ns: self.now_ns,
            process: 0,
            user: user.into(),
            conn,
            kind,
            op: op.into(),
            op_id,
            planned_ns: None,
            said: Default::default(),
            content: Default::default(),
            body,
        });
        self
    }

    /// Invokes and is answered at once.
    pub fn does(&mut self, user: &str, conn: u32, op: &str, asked: Body, end: Kind, answer: Body) -> &mut Self {
        let op_id = self.new_op_id();
        self.put(user, conn, Kind::Invoked, op, Some(op_id), asked);
        self.put(user, conn, end, op, Some(op_id), answer)
    }

    /// Invokes now; `answered` ends it under the same label.
    pub fn asks(&mut self, label: &'static str, user: &str, conn: u32, asked: Body) -> &mut Self {
        let op_id = self.new_op_id();
        self.open.insert(label, (user.into(), conn, op_id));
        self.put(user, conn, Kind::Invoked, label, Some(op_id), asked)
    }

    pub fn answered(&mut self, label: &'static str, end: Kind, answer: Body) -> &mut Self {
        let (user, conn, op_id) = self.open.remove(label).unwrap();
        self.put(&user, conn, end, label, Some(op_id), answer)
    }

    pub fn joins(&mut self, user: &str, conn: u32, room: &str) -> &mut Self {
        self.joins_with(user, conn, room, "peer", json!({}))
    }

    pub fn joins_with(&mut self, user: &str, conn: u32, room: &str, role: &str, metadata: Value) -> &mut Self {
        self.put(user, conn, Kind::Opened, "", None, Body::Connection { target: "ws://server".into() });
        let asked =
            Body::Register { peer: user.into(), room: room.into(), role: role.into(), metadata: Arc::new(metadata) };
        let answer = Body::Registered { peers: Vec::new(), admin: None };
        self.does(user, conn, "register", asked, Kind::Ok, answer)
    }

    pub fn closes(&mut self, user: &str, conn: u32, by: Closer) -> &mut Self {
        self.put(user, conn, Kind::Closed, "", None, Body::Closed { by, code: None, reason: "".into() })
    }

    /// Discovers with these filters and is answered at once.
    pub fn discovers(&mut self, user: &str, filters: Value, sees: &[Seen]) -> &mut Self {
        let asked = Body::Discover { filters: Arc::new(filters) };
        self.does(user, 1, "discover", asked, Kind::Ok, Body::Discovered { peers: sees.to_vec() })
    }

    /// Updates its metadata and is told the merged result at once.
    pub fn updates(&mut self, user: &str, conn: u32, change: Value, merged: Value) -> &mut Self {
        let asked = Body::Update { metadata: Arc::new(change) };
        self.does(user, conn, "update_metadata", asked, Kind::Ok, Body::Updated { metadata: Arc::new(merged) })
    }

    pub fn says_status(&mut self, user: &str, conn: u32, status: &str) -> &mut Self {
        let change = json!({"properties": {"status": status}});
        self.updates(user, conn, change.clone(), change)
    }

    pub fn sends(&mut self, user: &str, conn: u32, to: &str, text: &str) -> &mut Self {
        self.sends_as(user, conn, user, to, text)
    }

    pub fn sends_as(&mut self, user: &str, conn: u32, from: &str, to: &str, text: &str) -> &mut Self {
        self.put(user, conn, Kind::Sent, "", None, message(from, to, text))
    }

    pub fn receives(&mut self, user: &str, conn: u32, from: &str, text: &str) -> &mut Self {
        self.put(user, conn, Kind::Received, "", None, message(from, user, text))
    }

    pub fn is_refused(&mut self, user: &str, conn: u32, code: &str, to: Option<&str>) -> &mut Self {
        let body = Body::Error { code: code.into(), message: "".into(), to: to.map(Name::from) };
        self.put(user, conn, Kind::Received, "", None, body)
    }

    pub fn begins(&mut self, worker: &str, job: &str, client: &str) -> &mut Self {
        self.put(
            worker,
            0,
            Kind::Began,
            "job",
            None,
            Body::Job { job: job.into(), client: client.into(), outcome: None },
        )
    }

    pub fn ends(&mut self, worker: &str, job: &str, client: &str) -> &mut Self {
        let outcome = Some(JobOutcome::Completed);
        self.put(worker, 0, Kind::Ended, "job", None, Body::Job { job: job.into(), client: client.into(), outcome })
    }

    pub fn made(&mut self, user: &str, op: &str, what: &str, id: &str) -> &mut Self {
        let body = Body::Resource { what: what.into(), id: id.into() };
        self.does(user, 0, op, body.clone(), Kind::Ok, body)
    }

    /// A fault over hosts that are named like their users; `server-0` is no user.
    pub fn fault(&mut self, name: &str, what: &str, hosts: &[&str]) -> &mut Self {
        let users = hosts.iter().filter(|host| !host.starts_with("server")).map(|host| Name::from(*host)).collect();
        let hosts = hosts.iter().map(|host| Name::from(*host)).collect();
        self.put("run", 0, Kind::Fault, "", None, Body::Fault { name: name.into(), what: what.into(), hosts, users })
    }

    /// What the check of this name says.
    pub fn verdict_under(&self, name: &str) -> CheckVerdict {
        self.verdict_within(name, None)
    }

    pub fn verdict_within(&self, name: &str, within_ns: Option<i64>) -> CheckVerdict {
        let mut cast = Cast::new();
        let mut check = make(name, within_ns).unwrap();
        for event in &self.events {
            let moment = cast.observe(event);
            check.observe(&moment, &cast);
        }
        let verdict = check.finish(RunEnd { t_ns: self.now_ns, complete: self.is_complete }, &cast);
        assert_eq!(verdict.name, name);
        verdict
    }

    /// The evidence; panics unless it is broken.
    pub fn broken_under(&self, name: &str) -> Vec<Evidence> {
        match self.verdict_under(name).verdict {
            Verdict::Broken { evidence } => evidence,
            other => panic!("{name} is not broken: {other:?}"),
        }
    }

    /// How much was judged; panics unless it holds.
    pub fn holds_under(&self, name: &str) -> u64 {
        let verdict = self.verdict_under(name);
        assert_eq!(verdict.verdict, Verdict::Holds, "{name}");
        verdict.judged
    }

    fn new_op_id(&mut self) -> u64 {
        self.next_op_id += 1;
        self.next_op_id
    }
}

/// A peer in a discovery's answer, with this metadata.
pub fn seen(peer: &str, metadata: &Value) -> Seen {
    let status = metadata.pointer("/properties/status").and_then(Value::as_str).map(Name::from);
    Seen { peer: peer.into(), status, metadata: digest(metadata) }
}

fn message(from: &str, to: &str, text: &str) -> Body {
    let payload = json!({"text": text});
    Body::Message {
        kind: "peer_message".into(),
        from: from.into(),
        to: to.into(),
        digest: digest(&payload),
        bytes: payload.to_string().len() as u32,
        job: None::<JobMessage>,
    }
}
