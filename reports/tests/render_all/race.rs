//! The events of "two clients race for one worker", as a naive worker plays it: one seed, written by hand.

use rehearsal_reports::checks::RunEnd;
use rehearsal_reports::event::{Body, Event, JobMessage, JobOutcome, Kind, Name, Seen};
use rehearsal_reports::judge::Judge;
use rehearsal_reports::verdict::CheckVerdict;
use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, library, load};
use serde_json::json;
use std::sync::Arc;

const MS: i64 = 1_000_000;

/// Writes events in order, a method for each thing that happens.
#[derive(Default)]
pub struct Script {
    pub events: Vec<Event>,
}

impl Script {
    fn write(&mut self, ms: i64, user: &str, kind: Kind, op: &str, body: Body) {
        self.events.push(Event {
            n: 0,
            t_ns: ms * MS,
            process: 0,
            user: user.into(),
            conn: 1,
            kind,
            op: op.into(),
            op_id: None,
            planned_ns: None,
            said: Default::default(),
            content: Default::default(),
            body,
        });
    }

    pub fn registers(&mut self, ms: i64, user: &str, peer: &str) {
        let (peer, room, role) = (peer.into(), "room-0".into(), "peer".into());
        let body = Body::Register { peer, room, role, metadata: Arc::new(json!({})) };
        self.write(ms - 3, user, Kind::Invoked, "register", body);
        self.write(ms, user, Kind::Ok, "register", Body::Registered { peers: Vec::new(), admin: None });
    }

    pub fn sees(&mut self, ms: i64, user: &str, peer: &str, status: &str) {
        let seen = Seen { peer: peer.into(), status: Some(status.into()), metadata: 7 };
        self.write(ms, user, Kind::Ok, "discover", Body::Discovered { peers: vec![seen] });
    }

    pub fn announces(&mut self, ms: i64, user: &str, status: &str) {
        let metadata = Arc::new(json!({ "properties": { "status": status } }));
        self.write(ms, user, Kind::Ok, "update_metadata", Body::Updated { metadata });
    }

    pub fn says(
        &mut self,
        ms: i64,
        from: (&str, &str),
        to: (&str, &str),
        says: &str,
        job: &str,
        takes_ms: Option<i64>,
    ) {
        let accepted = says.ends_with("accepted").then_some(true);
        let message = JobMessage { says: says.trim_end_matches(" accepted").into(), job: Some(job.into()), accepted };
        let digest = self.events.len() as u64;
        let body = Body::Message {
            kind: "peer_message".into(),
            from: from.1.into(),
            to: to.1.into(),
            digest,
            bytes: 180,
            job: Some(message),
        };
        self.write(ms, from.0, Kind::Sent, "", body.clone());
        if let Some(takes_ms) = takes_ms {
            self.write(ms + takes_ms, to.0, Kind::Received, "", body);
        }
    }

    pub fn begins(&mut self, ms: i64, worker: &str, client: &str, job: &str) {
        let body = Body::Job { job: job.into(), client: client.into(), outcome: None };
        self.write(ms, worker, Kind::Began, "job", body);
    }

    pub fn ends(&mut self, ms: i64, worker: &str, client: &str, job: &str) {
        let body = Body::Job { job: job.into(), client: client.into(), outcome: Some(JobOutcome::Completed) };
        self.write(ms, worker, Kind::Ended, "job", body);
    }

    pub fn is_refused(&mut self, ms: i64, user: &str, code: &str, message: &str) {
        let body = Body::Error { code: code.into(), message: message.into(), to: None };
        self.write(ms, user, Kind::Received, "", body);
    }

    pub fn fault(&mut self, ms: i64, name: &str, what: &str, users: &[&str]) {
        let users: Vec<Name> = users.iter().map(|&user| user.into()).collect();
        let body = Body::Fault { name: name.into(), what: what.into(), hosts: users.clone(), users };
        self.write(ms, "run", Kind::Fault, "", body);
    }

    /// The events as a record has them: in order of time, and numbered so.
    pub fn in_order(mut self) -> Vec<Event> {
        self.events.sort_by_key(|it| it.t_ns);
        for (n, event) in self.events.iter_mut().enumerate() {
            event.n = n as u64;
        }
        self.events
    }
}

/// What the check says about [`race`], and the events it judged.
pub fn naive_race() -> (CheckVerdict, Vec<Event>) {
    let (worker, first, second) = (("workers-0", "6f1c"), ("clients-0", "0a77"), ("clients-1", "93be"));
    let mut script = Script::default();
    for (index, (user, peer)) in [worker, first, second].into_iter().enumerate() {
        script.registers(20 + index as i64, user, peer);
    }
    // Long before the race: not part of its story.
    script.is_refused(1_000, second.0, "PEER_NOT_FOUND", "no such peer");
    script.sees(2_000, first.0, worker.1, "available");
    script.fault(9_990, "slow link", "latency begins", &["clients-1"]);
    script.sees(10_002, first.0, worker.1, "available");
    script.sees(10_003, second.0, worker.1, "available");
    script.says(10_021, first, worker, "job_request", "0a77-j1", Some(7));
    script.says(10_024, second, worker, "job_request", "93be-j1", Some(6));
    script.says(10_033, worker, first, "job_response accepted", "0a77-j1", Some(9));
    script.says(10_035, worker, second, "job_response accepted", "93be-j1", Some(24));
    script.announces(10_048, worker.0, "reserved");
    script.says(10_051, first, worker, "job_assignment", "0a77-j1", Some(8));
    script.begins(10_059, worker.0, first.1, "0a77-j1");
    script.says(10_060, worker, first, "job_status", "0a77-j1", Some(6));
    script.fault(10_068, "slow link", "latency ends", &["clients-1"]);
    script.says(10_071, second, worker, "job_assignment", "93be-j1", Some(5));
    script.begins(15_214, worker.0, second.1, "93be-j1");
    script.says(15_215, worker, second, "job_status", "93be-j1", None);
    script.ends(23_624, worker.0, first.1, "0a77-j1");
    script.ends(40_000, worker.0, second.1, "93be-j1");
    let events = script.in_order();
    (judged(&events), events)
}

/// What the real judge says about these events: the check that the naive scenario is about.
fn judged(events: &[Event]) -> CheckVerdict {
    let name = "two_clients_race_naive_worker";
    let source = library::get(name).expect("the flagship is part of the library");
    let scenario = load(name, source.as_bytes(), &Overrides::default()).expect("the flagship is valid");
    let mut judge = Judge::new(&scenario.plan(4, World::Simulated));
    events.iter().for_each(|event| judge.observe(event));
    let verdicts = judge.finish(RunEnd { t_ns: 60_000 * MS, complete: true });
    let wanted = verdicts.into_iter().find(|it| it.name == "worker_runs_one_job_at_a_time");
    wanted.expect("the flagship names this check")
}
