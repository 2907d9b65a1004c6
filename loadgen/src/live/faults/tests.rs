//! Connections that faults reach, over a pipe in virtual time. Live runs with faults are in `tests/suite`.

use super::host::Hold;
use super::line::BoundStream;
use super::links::{Links, Way};
use crate::faults::link::Link;
use crate::live::machine::MachineSpawner;
use rehearsal_reference::network::Stream;
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::draw::Draw;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::time::{Instant, sleep, timeout};

/// A connection that knows whether it was reset.
struct Pipe {
    inner: DuplexStream,
    was_reset: Arc<AtomicBool>,
}

impl Stream for Pipe {
    fn abort(self) {
        self.was_reset.store(true, Ordering::Relaxed);
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A user's connection, the server's end of it, and the links between.
struct Scene {
    user: BoundStream<Pipe>,
    server: DuplexStream,
    links: Arc<Links<Pipe>>,
    was_reset: Arc<AtomicBool>,
}

const TIMEOUT: Duration = Duration::from_secs(20);
/// Longer than anything on the way takes, shorter than the time-out.
const A_WHILE: Duration = Duration::from_secs(5);

fn scene() -> Scene {
    let (inner, server) = tokio::io::duplex(1 << 10);
    let kernel = Arc::new(MachineSpawner::default());
    let links = Links::new(Draw::of_seed(1), TIMEOUT.as_nanos() as u64, kernel);
    let was_reset = Arc::new(AtomicBool::new(false));
    let pipe = Pipe { inner, was_reset: was_reset.clone() };
    Scene {
        user: BoundStream::new(pipe, links.clone(), Hold::new(Arc::default()), Draw::of_seed(2)),
        server,
        links,
        was_reset,
    }
}

fn heal(links: &Links<Pipe>) {
    links.change(&Way::ALL, |link: &mut Link, _| {
        link.end(7);
    });
}

impl Scene {
    fn cut(&self, ways: &[Way]) {
        self.links.change(ways, |link, now_ns| link.cut(7, now_ns));
    }

    fn heal(&self) {
        heal(&self.links);
    }

    /// What the server hears within a while.
    async fn heard(&mut self) -> Option<String> {
        let mut bytes = [0; 64];
        let count = timeout(A_WHILE, self.server.read(&mut bytes)).await.ok()?.unwrap();
        Some(String::from_utf8_lossy(&bytes[..count]).into_owned())
    }

    /// What the user hears within a while.
    async fn told(&mut self) -> Option<io::Result<String>> {
        let mut bytes = [0; 64];
        let read = timeout(A_WHILE, self.user.read(&mut bytes)).await.ok()?;
        Some(read.map(|count| String::from_utf8_lossy(&bytes[..count]).into_owned()))
    }
}

#[tokio::test(start_paused = true)]
async fn over_a_free_link_bytes_go_straight_through() {
    let mut scene = scene();
    scene.user.write_all(b"hello").await.unwrap();
    assert_eq!(scene.heard().await.as_deref(), Some("hello"));
    scene.server.write_all(b"well").await.unwrap();
    assert_eq!(scene.told().await.unwrap().unwrap(), "well");
    drop(scene.user);
    let mut rest = Vec::new();
    assert_eq!(scene.server.read_to_end(&mut rest).await.unwrap(), 0, "closed, not reset");
    assert!(!scene.was_reset.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_cut_holds_bytes_both_ways_and_healing_lets_them_come_in_order() {
    let mut scene = scene();
    scene.cut(&Way::ALL);
    scene.user.write_all(b"one ").await.unwrap();
    scene.user.write_all(b"two").await.unwrap();
    scene.server.write_all(b"well").await.unwrap();
    assert!(scene.heard().await.is_none() && scene.told().await.is_none());
    scene.heal();
    assert_eq!(scene.told().await.unwrap().unwrap(), "well");
    let mut heard = [0; 7];
    scene.server.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"one two");
}

#[tokio::test(start_paused = true)]
async fn a_cut_of_one_way_lets_the_other_way_pass() {
    let mut scene = scene();
    scene.cut(&[Way::Back]);
    scene.user.write_all(b"hello").await.unwrap();
    scene.server.write_all(b"well").await.unwrap();
    assert_eq!(scene.heard().await.as_deref(), Some("hello"));
    assert!(scene.told().await.is_none());
    scene.heal();
    assert_eq!(scene.told().await.unwrap().unwrap(), "well");
}

#[tokio::test(start_paused = true)]
async fn a_cut_longer_than_tcp_is_patient_ends_who_has_sent_and_nobody_else() {
    let (mut sender, mut idle) = (scene(), scene());
    for scene in [&sender, &idle] {
        scene.cut(&[Way::There]);
    }
    sender.user.write_all(b"hello").await.unwrap();
    sleep(TIMEOUT).await;
    let end = sender.told().await.expect("it does not wait any more");
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert!(idle.told().await.is_none());
    assert!(!sender.was_reset.load(Ordering::Relaxed), "the server cannot know yet");
    sender.heal();
    idle.heal();
    sleep(A_WHILE).await;
    assert!(sender.was_reset.load(Ordering::Relaxed));
    idle.user.write_all(b"still there").await.unwrap();
    assert_eq!(idle.heard().await.as_deref(), Some("still there"));
}

#[tokio::test(start_paused = true)]
async fn what_a_program_has_written_outlives_it_and_then_the_connection_closes() {
    let mut scene = scene();
    scene.cut(&Way::ALL);
    scene.user.write_all(b"last words").await.unwrap();
    let Scene { user, mut server, links, was_reset } = scene;
    drop(user);
    let mut heard = String::new();
    assert!(timeout(A_WHILE, server.read_to_string(&mut heard)).await.is_err(), "{heard}");
    heal(&links);
    server.read_to_string(&mut heard).await.unwrap();
    assert_eq!((heard.as_str(), was_reset.load(Ordering::Relaxed)), ("last words", false));
    scene = self::scene();
    scene.cut(&Way::ALL);
    scene.user.write_all(b"last words").await.unwrap();
    scene.user.abort();
    assert!(!scene.was_reset.load(Ordering::Relaxed));
    heal(&scene.links);
    sleep(A_WHILE).await;
    assert!(scene.was_reset.load(Ordering::Relaxed), "a reset takes with it what was not sent");
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_lost_says_nothing_until_another_takes_its_place() {
    let Scene { user, mut server, links, was_reset } = scene();
    links.lose();
    drop(user);
    let mut byte = [0];
    assert!(timeout(A_WHILE, server.read(&mut byte)).await.is_err(), "neither bytes nor a close");
    assert!(!was_reset.load(Ordering::Relaxed));
    links.replace();
    assert!(was_reset.load(Ordering::Relaxed));
    assert_eq!(server.read(&mut byte).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn added_latency_holds_bytes_and_their_close_for_as_long() {
    let mut scene = scene();
    let late = |link: &mut Link, _| link.slow_down(7, Distribution::Fixed(3_000_000_000));
    scene.links.change(&Way::ALL, late);
    let began = Instant::now();
    scene.user.write_all(b"hello").await.unwrap();
    assert_eq!(scene.heard().await.as_deref(), Some("hello"));
    assert_eq!(began.elapsed().as_secs(), 3);
    scene.server.write_all(b"well").await.unwrap();
    assert_eq!(scene.told().await.unwrap().unwrap(), "well");
    assert_eq!(began.elapsed().as_secs(), 6);
    scene.heal();
    scene.user.write_all(b"fast").await.unwrap();
    assert_eq!(scene.heard().await.as_deref(), Some("fast"));
    assert_eq!(began.elapsed().as_secs(), 6);
}
