//! Rooms full of workers, each of which sends a heartbeat to every other one of its room every five seconds, through
//! the real reference server.

use crate::echo::network;
use rehearsal_reference::identity::{Hs256Identity, Identity};
use rehearsal_reference::observer::Unobserved;
use rehearsal_reference::peer::{ANSWER_WITHIN, Credentials, Introduction, Peer};
use rehearsal_reference::protocol::Metadata;
use rehearsal_reference::server::{Server, ServerOptions};
use rehearsal_reference::store::{MemoryRoomStore, RoomRecord, RoomStore};
use rehearsal_reference::target::Target;
use rehearsal_sim::engine::Engine;
use rehearsal_sim::event_engine::EventEngine;
use rehearsal_sim::host::{EPOCH, Host};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

const PORT: u16 = 8080;
const EVERY: Duration = Duration::from_secs(5);
/// When everybody is registered.
const READY: Duration = Duration::from_secs(5);

/// Plays the rooms, a host each, until every heartbeat has been delivered.
pub fn heartbeats(rooms: u32, workers: u32, virtual_time: Duration) {
    std::thread::scope(|scope| scope.spawn(|| play(rooms, workers, virtual_time)).join()).unwrap();
}

fn play(rooms: u32, workers: u32, virtual_time: Duration) {
    let identity: Arc<dyn Identity> = Arc::new(Hs256Identity::simulated());
    let store = Arc::new(MemoryRoomStore::new());
    let delivered = Arc::new(AtomicU64::new(0));
    let beats = u32::try_from(virtual_time.as_secs() / EVERY.as_secs()).unwrap();
    let mut engine = EventEngine::new(1, Duration::from_secs(1), network()).unwrap();
    for room in 0..rooms {
        let record = RoomRecord {
            room_id: format!("{room:08x}"),
            token: "c0ffee".to_owned().into(),
            owner: "bench".to_owned(),
            expires_at: EPOCH + Duration::from_secs(7_200),
        };
        assert!(store.create(record));
    }
    let (served, by_server) = (identity.clone(), store.clone());
    engine.add_host("server", Box::new(move |host| Box::pin(serve(host, served.clone(), by_server.clone()))));
    for room in 0..rooms {
        let (identity, delivered) = (identity.clone(), delivered.clone());
        let program = move |host: Host| -> rehearsal_reference::surroundings::Task {
            let (identity, delivered) = (identity.clone(), delivered.clone());
            Box::pin(async move {
                for worker in 0..workers {
                    let worker = Worker { room, worker, workers, beats };
                    let playing = worker.play(host.clone(), identity.clone(), delivered.clone());
                    host.surroundings("room").spawner.spawn("worker", Box::pin(playing)).detach();
                }
            })
        };
        engine.add_host(&format!("room-{room}"), Box::new(program));
    }
    let expected = u64::from(rooms * workers * (workers - 1) * beats);
    let clock = engine.clock();
    while delivered.load(Ordering::Relaxed) < expected {
        assert!(clock.now_ns() < 200_000_000_000, "only {delivered:?} of {expected} arrive");
        engine.step(clock.now_ns() + 1_000_000_000).unwrap();
    }
}

async fn serve(host: Host, identity: Arc<dyn Identity>, store: Arc<dyn RoomStore>) {
    use rehearsal_reference::network::Network;
    let listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
    let server = Server::new(ServerOptions::default(), host.surroundings("server"), identity, store);
    server.run(listener, std::future::pending()).await;
}

#[derive(Clone, Copy)]
struct Worker {
    room: u32,
    worker: u32,
    workers: u32,
    beats: u32,
}

impl Worker {
    fn name(&self, worker: u32) -> String {
        format!("worker-{}-{worker}", self.room)
    }

    async fn play(self, host: Host, identity: Arc<dyn Identity>, delivered: Arc<AtomicU64>) {
        let me = self.name(self.worker);
        let (target, timers) = (Target::plain("server", PORT, "bench"), host.surroundings("worker").timers);
        let mut peer = Peer::connect(&host.network, timers, &target, 1, Arc::new(Unobserved)).await.unwrap();
        let credentials = Credentials {
            peer_id: me.clone(),
            id_token: identity.issue(&me, EPOCH).unwrap(),
            room_id: format!("{:08x}", self.room),
            room_token: "c0ffee".to_owned(),
        };
        let metadata = Metadata::default();
        let introduction = Introduction::V2 { role: "worker", metadata: &metadata, is_admin: false };
        peer.register(&credentials, introduction, ANSWER_WITHIN).await.unwrap();
        let first = Instant::now() + READY;
        for beat in 0..self.beats {
            Self::listen(&mut peer, first + EVERY * beat, &delivered).await;
            let payload = serde_json::json!({"app_message_type": "heartbeat", "timestamp": beat});
            for other in (0..self.workers).filter(|other| *other != self.worker) {
                peer.tell(&me, &self.name(other), payload.clone()).await.unwrap();
            }
        }
        Self::listen(&mut peer, first + EVERY * (self.beats + 1), &delivered).await;
    }

    async fn listen(peer: &mut Peer<rehearsal_sim::network::SimNetwork>, until: Instant, delivered: &AtomicU64) {
        while let Ok(received) = tokio::time::timeout_at(until, peer.receive()).await {
            if received.unwrap()["type"] == "peer_message" {
                delivered.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
