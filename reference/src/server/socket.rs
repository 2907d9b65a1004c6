//! One WebSocket: reads messages into the hub, writes what the hub queued, pings, and closes with a clear code. The three
//! run side by side in one task, so that a receiver that does not read is still heard, and is dropped when it falls silent.
//! Neighbours: `hub`, `liveness` (pings), `closing`. Left out: what a message means.

use super::closing::{LINGER, close_with, discard, follow};
use super::liveness::{self, Pongs};
use super::long::{LONG_BYTES, LongFrame, Outlet};
use super::outbound::{Backlog, CloseOrder, Outbound, Outgoing, Waiting};
use super::{Life, Shared};
use crate::network::Stream;
use crate::protocol::{ClientMessage, ErrorCode, Malformed, Profile};
use crate::rooms::{ConnectionId, Input, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::body::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Small, since every idle connection holds one.
const BUFFER_BYTES: usize = 1 << 10;
/// Messages that a connection reads, or writes, before it lets others have their turn. Without it a peer that sends many
/// messages at once would fill queues that nobody had a chance to empty.
const TURN: usize = 32;
/// How long a deployed server waits for a silent peer to read the close frame; only then does it forget the peer.
const DEPLOYED_LINGER: Duration = Duration::from_secs(10);
const PROTOCOL_ERROR: u16 = 1002;
const NOT_UTF8: u16 = 1007;
const SILENT: CloseOrder = CloseOrder { code: 1011, reason: "no pong came in time" };

/// How a connection ends.
enum End {
    /// The other side closed it, or it is lost.
    Gone,
    /// We close it.
    Close(CloseOrder),
    /// We close it, because no pong came.
    Silent,
    /// We close it, because what came cannot be read on.
    Unreadable(CloseOrder),
}

impl End {
    fn close(code: u16, reason: &'static str) -> End {
        End::Close(CloseOrder { code, reason })
    }

    fn unreadable(code: u16, reason: &'static str) -> End {
        End::Unreadable(CloseOrder { code, reason })
    }
}

/// Runs a connection until it ends. `read_ahead` is what was read behind the upgrade request.
pub(super) async fn run<S: Stream>(stream: S, read_ahead: Vec<u8>, shared: Arc<Shared>, mut life: Life) {
    let limit = shared.options.limits.message_bytes_max;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
    let long = LongFrame::default();
    let stream = Outlet::new(stream, long.clone());
    let ws = WebSocketStream::from_partially_read(stream, read_ahead, Role::Server, Some(config)).await;
    let (mut sink, mut source) = ws.split();
    let (outbound, Waiting { queue: mut queued, backlog, ordered }) = Outbound::new(&shared.options.limits);
    let queue = outbound.queue();
    let conn = shared.hub.open(outbound);
    let pongs = Pongs::default();
    let end = tokio::select! {
        biased;
        () = life.stopped() => End::close(close_code::GOING_AWAY, "the server shuts down"),
        Ok(order) = ordered => End::Close(order),
        end = write(&mut sink, &long, &mut queued, &backlog) => end,
        end = read(&mut source, &long, conn, &shared, &pongs) => end,
        () = liveness::watch(&queue, &pongs, &shared.options, &*shared.surroundings.timers) => End::Silent,
        () = unregistered(conn, &shared) => End::close(close_code::NOT_REGISTERED, "this connection did not register"),
    };
    let Ok(ws) = source.reunite(sink) else { return shared.hub.close(conn) };
    let timers = &*shared.surroundings.timers;
    match (end, shared.options.profile) {
        (End::Silent, Profile::Deployed) => {
            // Until then it is discovered, and what is sent to it vanishes.
            tokio::select! {
                () = close_with(ws, SILENT, DEPLOYED_LINGER, timers, follow) => {}
                () = vanish(queued, &backlog) => {}
            }
            shared.hub.close(conn);
        }
        (end, _) => {
            shared.hub.close(conn);
            match end {
                End::Gone => {}
                End::Silent => close_with(ws, SILENT, LINGER, timers, follow).await,
                End::Close(order) => close_with(ws, order, LINGER, timers, follow).await,
                End::Unreadable(order) => close_with(ws, order, LINGER, timers, discard).await,
            }
        }
    }
}

/// Ends when a connection has not registered in time. Deployed servers wait for ever.
async fn unregistered(conn: ConnectionId, shared: &Shared) {
    if shared.options.profile == Profile::Documented {
        shared.surroundings.timers.sleep(shared.options.register_within).await;
        if !shared.hub.with_rooms(|rooms| rooms.is_registered(conn)) {
            return;
        }
    }
    std::future::pending().await
}

/// Takes messages that nobody will read. Never ends.
async fn vanish(mut queued: mpsc::Receiver<Outgoing>, backlog: &Backlog) {
    while let Some(outgoing) = queued.recv().await {
        backlog.written(outgoing.bytes());
    }
    std::future::pending().await
}

async fn read<S: Stream>(
    source: &mut SplitStream<WebSocketStream<Outlet<S>>>,
    long: &LongFrame,
    conn: ConnectionId,
    shared: &Shared,
    pongs: &Pongs,
) -> End {
    loop {
        for _ in 0..TURN {
            match source.next().await {
                Some(Ok(Message::Close(_))) => long.close(),
                Some(Ok(message)) => heard(&message, conn, shared, pongs),
                Some(Err(error)) => return end_of(&error),
                None => return End::Gone,
            }
        }
        tokio::task::yield_now().await;
    }
}

fn heard(message: &Message, conn: ConnectionId, shared: &Shared, pongs: &Pongs) {
    match message {
        Message::Text(text) => said(text, conn, shared),
        Message::Binary(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => said(text, conn, shared),
            Err(_) => {
                let refusal = ErrorCode::InvalidJson.because("a binary message must be JSON in UTF-8");
                shared.hub.handle(Input::Malformed(conn, Malformed { refusal, in_registration: false }));
            }
        },
        Message::Pong(payload) => pongs.heard(payload),
        // Pings and close frames are answered by the library; the stream ends after the latter.
        Message::Ping(_) | Message::Close(_) | Message::Frame(_) => {}
    }
}

/// Parsing and the identity are dealt with before the hub's lock is taken.
fn said(text: &str, conn: ConnectionId, shared: &Shared) {
    let input = match ClientMessage::parse(text) {
        Ok(ClientMessage::Register(registration)) => {
            let now = shared.surroundings.clock.now();
            let identity = shared.identity.verify(registration.id_token.reveal(), now);
            Input::Register { conn, registration, identity }
        }
        Ok(message) => Input::Said { conn, message, text },
        Err(malformed) => Input::Malformed(conn, malformed),
    };
    shared.hub.handle(input);
}

fn end_of(error: &Error) -> End {
    match error {
        Error::Capacity(_) => End::unreadable(close_code::TOO_BIG, "the message is larger than the server takes"),
        Error::Utf8(_) => End::unreadable(NOT_UTF8, "a text message must be UTF-8"),
        Error::Protocol(protocol) if !is_a_lost_connection(protocol) => {
            End::unreadable(PROTOCOL_ERROR, "this is not the WebSocket protocol")
        }
        _ => End::Gone,
    }
}

fn is_a_lost_connection(error: &ProtocolError) -> bool {
    matches!(error, ProtocolError::ResetWithoutClosingHandshake)
}

async fn write<S: Stream>(
    sink: &mut SplitSink<WebSocketStream<Outlet<S>>, Message>,
    long: &LongFrame,
    queued: &mut mpsc::Receiver<Outgoing>,
    backlog: &Backlog,
) -> End {
    let mut turn = Vec::new();
    while queued.recv_many(&mut turn, TURN).await > 0 {
        let is_full = turn.len() == TURN;
        let mut fed_bytes = 0;
        // Everything that waits goes out with one flush.
        for outgoing in turn.drain(..) {
            let bytes = outgoing.bytes();
            let fed = match outgoing {
                Outgoing::Text(text) if text.len() > LONG_BYTES => send_long(sink, long, text).await,
                outgoing => sink.feed(frame(outgoing)).await,
            };
            if let Err(error) = fed {
                return unwritten(&error).await;
            }
            // The sink takes a message only when the one before has gone out.
            backlog.written(std::mem::replace(&mut fed_bytes, bytes));
        }
        if let Err(error) = sink.flush().await {
            return unwritten(&error).await;
        }
        backlog.written(fed_bytes);
        if is_full {
            tokio::task::yield_now().await;
        }
    }
    End::Gone
}

/// Sends it past the WebSocket, behind what the WebSocket has taken before.
async fn send_long<S: Stream>(
    sink: &mut SplitSink<WebSocketStream<Outlet<S>>, Message>,
    long: &LongFrame,
    text: String,
) -> Result<(), Error> {
    sink.flush().await?;
    long.put(text)?;
    sink.flush().await
}

/// Nothing can be written behind the other side's close frame either; then reading, which answers it, ends the connection.
async fn unwritten(error: &Error) -> End {
    match error {
        Error::Protocol(ProtocolError::SendAfterClosing) => std::future::pending().await,
        _ => End::Gone,
    }
}

fn frame(outgoing: Outgoing) -> Message {
    match outgoing {
        Outgoing::Text(text) => Message::text(text),
        Outgoing::Ping(number) => Message::Ping(Bytes::copy_from_slice(&number.to_be_bytes())),
    }
}
