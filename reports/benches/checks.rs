//! How many events a second one core can judge with all checks: a stream as a live load leaves it. Target: 1,000,000.
//! Beside it the numbers that are folded in the same place, and writing and reading the record.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rehearsal_reports::checks::RunEnd;
use rehearsal_reports::event::{Body, Event, JobMessage, Kind, Name, Seen, digest};
use rehearsal_reports::judge::Judge;
use rehearsal_reports::numbers::Numbers;
use rehearsal_reports::record::{EventReader, EventWriter};
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, load};
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;

const ROOMS: usize = 20;
const WORKERS: usize = 5;
const CLIENTS: usize = 20;
const ROUNDS: usize = 15;

/// Writes the events of a busy deployment: in each round every client discovers, asks a worker that runs its job, and
/// exchanges a few messages with it.
struct Stream {
    events: Vec<Event>,
    t_ns: i64,
    op_id: u64,
}

impl Stream {
    fn put(&mut self, user: &Name, kind: Kind, op: &Name, op_id: Option<u64>, body: Body) {
        self.t_ns += 10_000;
        let n = self.events.len() as u64;
        let (user, op) = (user.clone(), op.clone());
        let planned_ns = (kind == Kind::Invoked).then_some(self.t_ns - 5_000);
        self.events.push(Event {
            n,
            t_ns: self.t_ns,
            process: 0,
            user,
            conn: 1,
            kind,
            op,
            op_id,
            planned_ns,
            said: Default::default(),
            content: Default::default(),
            body,
        });
    }

    fn does(&mut self, user: &Name, op: &Name, asked: Body, answer: Body) {
        self.op_id += 1;
        self.put(user, Kind::Invoked, op, Some(self.op_id), asked);
        self.put(user, Kind::Ok, op, Some(self.op_id), answer);
    }

    fn says(&mut self, words: &Words, from: &Name, to: &Name, says: &Name, job: &Name) {
        let body = Body::Message {
            kind: words.peer_message.clone(),
            from: from.clone(),
            to: to.clone(),
            digest: self.events.len() as u64,
            bytes: 200,
            job: Some(JobMessage { says: says.clone(), job: Some(job.clone()), accepted: None }),
        };
        self.put(from, Kind::Sent, &words.none, None, body.clone());
        self.put(to, Kind::Received, &words.none, None, body);
    }

    fn status(&mut self, words: &Words, worker: &Name, status: &str) {
        let change = Arc::new(json!({"properties": {"status": status}}));
        let merged = Arc::new(metadata(status));
        let (asked, answer) = (Body::Update { metadata: change }, Body::Updated { metadata: merged });
        self.does(worker, &words.update, asked, answer);
    }
}

/// Shared names, as a recorder shares them.
struct Words {
    none: Name,
    peer_message: Name,
    register: Name,
    discover: Name,
    update: Name,
    job: Name,
    request: Name,
    progress: Name,
    complete: Name,
}

fn metadata(status: &str) -> Value {
    json!({"tags": ["sleap-rtc"], "properties": {"gpu_memory_mb": 16384, "status": status}})
}

fn stream() -> Vec<Event> {
    let words = Words {
        none: "".into(),
        peer_message: "peer_message".into(),
        register: "register".into(),
        discover: "discover".into(),
        update: "update_metadata".into(),
        job: "job".into(),
        request: "job_request".into(),
        progress: "job_status".into(),
        complete: "job_complete".into(),
    };
    let mut stream = Stream { events: Vec::new(), t_ns: 0, op_id: 0 };
    let filters = Arc::new(json!({"role": "worker", "properties": {"status": "available"}}));
    let hash = digest(&metadata("available"));
    for room_number in 0..ROOMS {
        let room: Name = format!("room-{room_number}").into();
        let users = |group: &str, count: usize| -> Vec<Name> {
            (0..count).map(|number| format!("{group}-{}", room_number * count + number).into()).collect()
        };
        let (workers, clients) = (users("workers", WORKERS), users("clients", CLIENTS));
        for (user, role) in
            workers.iter().map(|user| (user, "worker")).chain(clients.iter().map(|user| (user, "client")))
        {
            stream.put(user, Kind::Opened, &words.none, None, Body::Connection { target: "ws://server".into() });
            let metadata = Arc::new(metadata("available"));
            let asked = Body::Register { peer: user.clone(), room: room.clone(), role: role.into(), metadata };
            stream.does(user, &words.register, asked, Body::Registered { peers: Vec::new(), admin: None });
        }
        let seen = workers.iter().map(|worker| Seen {
            peer: worker.clone(),
            status: Some("available".into()),
            metadata: hash,
        });
        let listed: Vec<Seen> = seen.collect();
        for round in 0..ROUNDS {
            for (index, client) in clients.iter().enumerate() {
                let worker = &workers[index % WORKERS];
                let job: Name = format!("{client}-j{round}").into();
                let asked = Body::Discover { filters: filters.clone() };
                stream.does(client, &words.discover, asked, Body::Discovered { peers: listed.clone() });
                stream.says(&words, client, worker, &words.request, &job);
                stream.status(&words, worker, "busy");
                let body = Body::Job { job: job.clone(), client: client.clone(), outcome: None };
                stream.put(worker, Kind::Began, &words.job, None, body.clone());
                (0..6).for_each(|_| stream.says(&words, worker, client, &words.progress, &job));
                stream.put(worker, Kind::Ended, &words.job, None, body);
                stream.says(&words, worker, client, &words.complete, &job);
                stream.status(&words, worker, "available");
            }
        }
    }
    stream.events
}

fn plan(world: World) -> Plan {
    let source =
        b"format = 1\n[users.workers]\nrole = \"worker\"\ncount = 1\n[users.clients]\nrole = \"client\"\ncount = 1\n";
    load("bench", source, &Overrides::default()).expect("a minimal scenario is valid").plan(1, world)
}

fn checks(criterion: &mut Criterion) {
    let (events, plan) = (stream(), plan(World::Live));
    let end = RunEnd { t_ns: events.last().map_or(0, |event| event.t_ns), complete: false };
    let mut group = criterion.benchmark_group("events");
    group.sample_size(10).throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("judged by all checks", |bencher| {
        bencher.iter(|| {
            let mut judge = Judge::new(&plan);
            events.iter().for_each(|event| judge.observe(event));
            let verdicts = judge.finish(end);
            assert!(verdicts.iter().all(|verdict| verdict.violations == 0), "{verdicts:?}");
            verdicts
        });
    });
    group.bench_function("counted", |bencher| {
        bencher.iter_batched(
            || Numbers::new(&plan),
            |mut numbers| {
                events.iter().for_each(|event| numbers.observe(event));
                numbers.finish(&plan, end)
            },
            BatchSize::LargeInput,
        );
    });
    let write = || {
        let mut writer = EventWriter::new(Vec::new()).expect("memory takes everything");
        events.iter().for_each(|event| writer.write(event).expect("memory takes everything"));
        writer.finish().expect("memory takes everything")
    };
    group.bench_function("written", |bencher| bencher.iter(write));
    let file = write();
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let reader = EventReader::new(&file[..]).expect("just written");
            reader.map(|event| black_box(event.expect("just written")).n).sum::<u64>()
        });
    });
    group.finish();
}

criterion_group!(benches, checks);
criterion_main!(benches);
