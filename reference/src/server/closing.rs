//! The end of a WebSocket that we close: the close frame, and patience until the other side has read it. Neighbours:
//! `socket` decides when and why.

use super::outbound::CloseOrder;
use crate::network::Stream;
use crate::surroundings::Timers;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How long a connection that is being closed may take to read the close frame.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// Writes the close frame and reads on until the other side has ended too: to close with unread data would send a reset,
/// which can overtake the close frame. Who does not follow in time is reset.
pub(super) async fn close_with<S: Stream>(
    mut ws: WebSocketStream<S>,
    order: CloseOrder,
    linger: Duration,
    timers: &dyn Timers,
    read_on: impl AsyncFnOnce(&mut WebSocketStream<S>),
) {
    let frame = CloseFrame { code: CloseCode::from(order.code), reason: order.reason.into() };
    let politely = async {
        if ws.send(Message::Close(Some(frame))).await.is_ok() {
            read_on(&mut ws).await;
        }
    };
    if timers.timeout(linger, politely).await.is_err() {
        ws.into_inner().abort();
    }
}

/// Until the other side's close frame.
pub(super) async fn follow<S: Stream>(ws: &mut WebSocketStream<S>) {
    while let Some(Ok(_)) = ws.next().await {}
}

/// Whatever comes, below the protocol that the other side does not keep to.
pub(super) async fn discard<S: Stream>(ws: &mut WebSocketStream<S>) {
    let stream = ws.get_mut();
    let mut discarded = [0; 1024];
    if stream.shutdown().await.is_ok() {
        while stream.read(&mut discarded).await.is_ok_and(|bytes| bytes > 0) {}
    }
}
