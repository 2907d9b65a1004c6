//! Opening a connection: the stream, then the WebSocket handshake, both within one time. Neighbours: `mod` takes over once
//! it is open.

use super::Peer;
use super::inlet::Inlet;
use crate::alarm::Alarm;
use crate::failure::{Failure, FailureClass};
use crate::network::Network;
use crate::observer::{Observed, Observer};
use crate::surroundings::Timers;
use crate::target::Target;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::client::{Request, generate_key};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How long connecting, with name resolution, TLS and the WebSocket handshake, may take.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Large enough for a list of 10,000 peers, small enough that a hostile server cannot fill the machine.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// How much the WebSocket takes at once, and holds while it waits: most messages, so that they are taken in one go. tungstenite's
/// own default of 128 KiB would cap how many peers fit into memory. `inlet` reads more at once from the network.
const BUFFER_BYTES: usize = 256;

impl<N: Network> Peer<N> {
    /// Opens a WebSocket to the target. `timers` bound this and everything that the connection does; `conn` is the number
    /// of this connection among its user's, from 1.
    pub async fn connect(
        network: &N,
        timers: Arc<dyn Timers>,
        target: &Target,
        conn: u32,
        observer: Arc<dyn Observer>,
    ) -> Result<Peer<N>, Failure> {
        observer.observe(Observed::Connecting { conn });
        let opened = match timers.timeout(CONNECT_WITHIN, open(network, target)).await {
            Ok(opened) => opened,
            Err(_) => Err(Failure::new(FailureClass::TimedOut, "no WebSocket handshake within 10 s")),
        };
        match opened {
            Ok(socket) => {
                observer.observe(Observed::Opened { conn, target: &target.ws.authority() });
                let heard_at = timers.now();
                let (inbox, alarm) = (VecDeque::new(), Alarm::default());
                Ok(Peer { socket, timers, conn, observer, inbox, heard_at, ended: None, alarm })
            }
            Err(failure) => {
                let (class, reason) = (failure.class.word(), failure.reason.as_str());
                observer.observe(Observed::ConnectFailed { conn, class, reason });
                Err(failure)
            }
        }
    }
}

/// How the WebSocket reads and writes.
pub(super) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}

async fn open<N: Network>(network: &N, target: &Target) -> Result<WebSocketStream<Inlet<N::Stream>>, Failure> {
    let stream = network.connect(&target.ws).await.map_err(|error| Failure::of_connect(&error))?;
    let authority = target.ws.authority();
    let scheme = if target.ws.tls { "wss" } else { "ws" };
    let mut request = Request::builder()
        .uri(format!("{scheme}://{authority}{}", target.path))
        .header("Host", authority)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key())
        .header("User-Agent", &target.user_agent)
        .body(())
        .map_err(|error| Failure::new(FailureClass::Other, format_args!("bad address: {error}")))?;
    target.headers.complete(request.headers_mut());
    target.cookies.put(request.headers_mut());
    match client_async_with_config(request, Inlet::new(stream), Some(config())).await {
        Ok((socket, answer)) => {
            target.cookies.take(answer.headers());
            Ok(socket)
        }
        Err(error) => Err(Failure::of_handshake(&error)),
    }
}
