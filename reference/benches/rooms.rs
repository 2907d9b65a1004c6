//! Operations per second of the rooms core, without sockets, at 10, 100 and 1,000 peers in a room: register (one peer comes
//! back), discover (everybody matches, and one in ten), update, and relay. Reading the message is part of each.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rehearsal_reference::defects::Defects;
use rehearsal_reference::identity::Claims;
use rehearsal_reference::protocol::{ClientMessage, Profile};
use rehearsal_reference::rooms::{ConnectionId, Input, Limits, Rooms};
use rehearsal_reference::store::{MemoryRoomStore, RoomRecord, RoomStore};
use serde_json::json;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const NOW: Duration = Duration::from_secs(1_762_165_800);

fn says(rooms: &mut Rooms, conn: u64, text: &str) {
    let conn = ConnectionId(conn);
    let input = match ClientMessage::parse(text) {
        Ok(ClientMessage::Register(registration)) => {
            let identity = Ok(Claims { username: "ada".into(), expires_at: NOW + Duration::from_secs(60) });
            Input::Register { conn, registration, identity }
        }
        Ok(message) => Input::Said { conn, message, text },
        Err(malformed) => Input::Malformed(conn, malformed),
    };
    rooms.handle(input, NOW);
    while let Some(output) = rooms.poll_output() {
        black_box(output);
    }
}

fn registration(peer: u64) -> String {
    let properties = json!({ "gpu_memory_mb": 1024 * (peer % 10 + 1), "gpu_model": "bench", "cuda_version": "12.1",
        "sleap_version": "1.3.0", "max_concurrent_jobs": 1, "status": "available" });
    json!({ "type": "register", "peer_id": format!("worker-{peer}"), "room_id": "red", "token": "key", "id_token": "jwt",
        "role": "worker", "metadata": { "tags": ["sleap-rtc", "training-worker"], "properties": properties } })
    .to_string()
}

/// A room with this many peers, on connections numbered from 0.
fn room_of(peers: u64) -> Rooms {
    let store = Arc::new(MemoryRoomStore::new());
    let expires_at = NOW + Duration::from_secs(7_200);
    store.create(RoomRecord { room_id: "red".into(), token: "key".into(), owner: "o".into(), expires_at });
    let mut rooms = Rooms::new(Limits::default(), Defects::none(), Profile::Documented, store);
    for peer in 0..peers {
        says(&mut rooms, peer, &registration(peer));
    }
    rooms
}

fn rooms(criterion: &mut Criterion) {
    let everybody = json!({ "type": "discover_peers", "from_peer_id": "worker-0" });
    let one_in_ten = json!({ "type": "discover_peers", "from_peer_id": "worker-0", "filters": {
        "role": "worker", "properties": { "gpu_memory_mb": { "$gte": 10240 }, "status": "available" } } });
    let update = json!({ "type": "update_metadata", "peer_id": "worker-0",
        "metadata": { "properties": { "status": "busy", "current_job_id": "job-1" } } });
    let relay = json!({ "type": "peer_message", "from_peer_id": "worker-0", "to_peer_id": "worker-9",
        "payload": { "app_message_type": "job_request", "job_id": "job-1", "job_type": "training", "timeout_ms": 5000 } });
    let operations = [
        ("register", registration(0)),
        ("discover everybody", everybody.to_string()),
        ("discover one in ten", one_in_ten.to_string()),
        ("update", update.to_string()),
        ("relay", relay.to_string()),
    ];
    for (name, text) in operations {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(1));
        for peers in [10, 100, 1_000] {
            let mut rooms = room_of(peers);
            group.bench_function(BenchmarkId::from_parameter(peers), |bencher| {
                bencher.iter(|| says(&mut rooms, 0, &text));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, rooms);
criterion_main!(benches);
