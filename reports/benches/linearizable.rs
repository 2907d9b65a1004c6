//! How long the search for an order takes: 100,000 operations of 25 rooms with 20 workers each and 4 clients that look at
//! them while they change, overlapping all the time. The limit that we set ourselves is 5 s.

use criterion::{Criterion, criterion_group, criterion_main};
use rehearsal_reports::checks::RunEnd;
use rehearsal_reports::event::{Body, Event, Kind, Name, Seen};
use rehearsal_reports::judge::Judge;
use rehearsal_reports::verdict::Verdict;
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, load};
use serde_json::json;
use std::sync::Arc;

const ROOMS: usize = 25;
const WORKERS: usize = 20;
const CLIENTS: usize = 4;
/// Operations of the check: each look is one for every worker of the room.
const OPERATIONS: u64 = 100_000;
const STATUSES: [&str; 3] = ["available", "reserved", "busy"];

struct Stream {
    events: Vec<Event>,
    t_ns: i64,
    op_id: u64,
    operations: u64,
}

impl Stream {
    fn put(&mut self, user: &Name, kind: Kind, op_id: u64, body: Body) {
        self.t_ns += 10_000;
        let (n, t_ns, op) = (self.events.len() as u64, self.t_ns, Name::default());
        let (said, content, planned_ns) = (Default::default(), Default::default(), None);
        let (op_id, user) = (Some(op_id), user.clone());
        self.events.push(Event {
            n,
            t_ns,
            process: 0,
            user,
            conn: 1,
            kind,
            op,
            op_id,
            planned_ns,
            said,
            content,
            body,
        });
    }

    fn asks(&mut self, user: &Name, body: Body) -> u64 {
        self.op_id += 1;
        self.put(user, Kind::Invoked, self.op_id, body);
        self.op_id
    }
}

/// Updates and looks of one room overlap: all begin, each takes its effect somewhere, all end.
fn stream() -> Vec<Event> {
    let mut stream = Stream { events: Vec::new(), t_ns: 0, op_id: 0, operations: 0 };
    let names = |group: &str, room: usize, count: usize| -> Vec<Name> {
        (0..count).map(|number| format!("{group}-{}", room * count + number).into()).collect()
    };
    let metadata = |status: &str| Arc::new(json!({ "properties": { "status": status } }));
    let rooms: Vec<_> =
        (0..ROOMS).map(|room| (names("workers", room, WORKERS), names("clients", room, CLIENTS))).collect();
    for (room, (workers, clients)) in rooms.iter().enumerate() {
        let roles = workers.iter().map(|user| (user, "worker")).chain(clients.iter().map(|user| (user, "client")));
        for (user, role) in roles {
            stream.put(user, Kind::Opened, 0, Body::Connection { target: "ws://server".into() });
            let room = format!("room-{room}").into();
            let register =
                Body::Register { peer: user.clone(), room, role: role.into(), metadata: metadata(STATUSES[0]) };
            let op_id = stream.asks(user, register);
            stream.put(user, Kind::Ok, op_id, Body::Registered { peers: Vec::new(), admin: None });
        }
    }
    let mut status = vec![vec![0_usize; WORKERS]; ROOMS];
    let mut round = 0;
    while stream.operations < OPERATIONS {
        let draw = Draw::of_seed(1).at(round);
        let room = (round as usize) % ROOMS;
        let (workers, clients) = &rooms[room];
        let changing = draw.named("worker").below(WORKERS as u64) as usize;
        let asked: Vec<u64> = clients
            .iter()
            .map(|client| stream.asks(client, Body::Discover { filters: Arc::new(json!({ "role": "worker" })) }))
            .collect();
        let next = (status[room][changing] + 1) % STATUSES.len();
        let change = stream.asks(&workers[changing], Body::Update { metadata: metadata(STATUSES[next]) });
        let turn = draw.named("turn").below(CLIENTS as u64 + 1) as usize;
        for (index, client) in clients.iter().enumerate() {
            if index == turn {
                status[room][changing] = next;
            }
            let list = workers.iter().zip(&status[room]);
            let seen = list.map(|(peer, status)| Seen {
                peer: peer.clone(),
                status: Some(STATUSES[*status].into()),
                metadata: 0,
            });
            let body = Body::Discovered { peers: seen.collect() };
            stream.put(client, Kind::Ok, asked[index], body);
            stream.operations += WORKERS as u64;
        }
        status[room][changing] = next;
        stream.put(&workers[changing], Kind::Ok, change, Body::Updated { metadata: metadata(STATUSES[next]) });
        stream.operations += 1;
        round += 1;
    }
    stream.events
}

fn plan(with: &str) -> Plan {
    let source = format!("format = 1\n[users.workers]\nrole = \"worker\"\n[checks]\n{with}");
    load("bench", source.as_bytes(), &Overrides::default()).expect("a minimal scenario is valid").plan(1, World::Live)
}

fn search(criterion: &mut Criterion) {
    let (events, plan) = (stream(), plan("history_is_linearizable = true\n"));
    let end = RunEnd { t_ns: events.last().map_or(0, |event| event.t_ns), complete: true };
    let mut group = criterion.benchmark_group("linearizable");
    group.sample_size(10);
    group.bench_function("100,000 operations, with all other checks", |bencher| {
        bencher.iter(|| {
            let mut judge = Judge::new(&plan);
            events.iter().for_each(|event| judge.observe(event));
            let verdicts = judge.finish(end);
            let verdict = verdicts.into_iter().find(|it| it.name == "history_is_linearizable").expect("it is named");
            assert!(verdict.verdict == Verdict::Holds && verdict.judged >= OPERATIONS, "{verdict:?}");
            verdict
        });
    });
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);
