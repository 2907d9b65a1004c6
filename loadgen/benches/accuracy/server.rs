//! A WebSocket server that answers each question after a known delay, and measures how long it really took: from the moment
//! at which the question was read to the moment at which its answer was written.

use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use rehearsal_loadgen::live::pacer::Pacer;
use rehearsal_loadgen::live::threads;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// How long answers take.
#[derive(Clone, Copy)]
pub enum Delay {
    /// Always the same.
    Fixed(Duration),
    /// 1 ms, and 50 ms for one in ten.
    Bimodal,
    /// 1 ms; from the third second of the measurement on nothing is answered for 2 s.
    Freezes,
}

const FREEZE_FROM: Duration = Duration::from_secs(3);
const FREEZE_FOR: Duration = Duration::from_secs(2);
const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_millis(50);

/// A server on a thread of its own, for as long as the process lives.
pub struct TestServer {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    delay: Delay,
    pacer: Pacer,
    measured: Mutex<Measured>,
}

struct Measured {
    since: Option<Instant>,
    asked: u64,
    own: Histogram<u64>,
}

impl TestServer {
    pub fn start(delay: Delay) -> TestServer {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = Histogram::new_with_bounds(1_000, 60_000_000_000, 3).unwrap();
        let measured = Mutex::new(Measured { since: None, asked: 0, own });
        let state = Arc::new(State { delay, pacer: Pacer::start().unwrap(), measured });
        let serving = state.clone();
        std::thread::spawn(move || {
            // It measures from the moment at which it reads: how long a question waits for it is not the generator's doing.
            threads::run_when_woken();
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, serving.clone()));
                }
            });
        });
        TestServer { port, state }
    }

    /// The measure phase begins now.
    pub fn measure(&self) {
        self.state.measured.lock().unwrap().since = Some(Instant::now());
    }

    /// What it measured of questions that came since then.
    pub fn own(&self) -> Histogram<u64> {
        self.state.measured.lock().unwrap().own.clone()
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    stream.set_nodelay(true).unwrap();
    let config = WebSocketConfig::default().read_buffer_size(4 << 10).write_buffer_size(0);
    let Ok(mut socket) = accept_async_with_config(stream, Some(config)).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if !message.is_text() {
            continue;
        }
        let asked_at = Instant::now();
        let (answer_at, is_measured) = state.answer_at(asked_at);
        state.pacer.until(answer_at).await;
        let answer = Message::text(r#"{"type":"peer_list","peers":[]}"#);
        if socket.send(answer).await.is_err() {
            return;
        }
        if is_measured {
            state.measured.lock().unwrap().own.record(asked_at.elapsed().as_nanos() as u64).unwrap();
        }
    }
}

impl State {
    /// When a question is to be answered, and whether it counts.
    fn answer_at(&self, asked_at: Instant) -> (Instant, bool) {
        let mut measured = self.measured.lock().unwrap();
        measured.asked += 1;
        let delay = match self.delay {
            Delay::Fixed(delay) => delay,
            Delay::Bimodal if measured.asked.is_multiple_of(10) => LONG,
            Delay::Bimodal | Delay::Freezes => SHORT,
        };
        let freeze = measured
            .since
            .map(|since| since + FREEZE_FROM)
            .filter(|from| matches!(self.delay, Delay::Freezes) && (*from..*from + FREEZE_FOR).contains(&asked_at));
        let begins = freeze.map_or(asked_at, |from| from + FREEZE_FOR);
        (begins + delay, measured.since.is_some())
    }
}
