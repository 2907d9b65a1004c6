//! The shop's HTTP and WebSocket. An axum router behind hyper's connections: `axum::serve` and axum's own WebSocket
//! upgrade call `tokio::spawn`, past the spawner that was handed in.

use crate::shop::Shop;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::serve::Listener;
use axum::{Router, routing::get};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use std::pin::Pin;
use std::sync::Arc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

/// Runs a task: `tokio::spawn` on a machine, the host's spawner in a simulation.
pub type Spawn = Arc<dyn Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync>;

#[derive(Clone)]
struct Desk {
    shop: Arc<Shop>,
    spawn: Spawn,
}

/// Serves whoever the listener accepts, until `stop`.
pub async fn serve<L: Listener>(mut listener: L, shop: Arc<Shop>, spawn: Spawn, stop: impl Future<Output = ()>) {
    let desk = Desk { shop, spawn: spawn.clone() };
    let router = Router::new().route("/left", get(left)).route("/shop", get(open)).with_state(desk);
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, _) = tokio::select! {
            biased;
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        let service = TowerToHyperService::new(router.clone());
        spawn(Box::pin(async move {
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A fan who goes away in the middle is no matter of the shop's.
            let _ = connection.with_upgrades().await;
        }));
    }
}

async fn left(State(desk): State<Desk>) -> Json<Value> {
    Json(json!({ "left": desk.shop.left() }))
}

async fn open(State(desk): State<Desk>, mut request: Request) -> Response {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let accept = key.and_then(|key| HeaderValue::from_str(&key).ok());
    let (Some(accept), Some(upgrade)) = (accept, request.extensions_mut().remove::<OnUpgrade>()) else {
        return StatusCode::UPGRADE_REQUIRED.into_response();
    };
    let shop = desk.shop;
    (desk.spawn)(Box::pin(async move {
        if let Ok(upgraded) = upgrade.await {
            sell(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await, &shop).await;
        }
    }));
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

async fn sell(mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>, shop: &Shop) {
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let asked: Value = serde_json::from_str(&text).unwrap_or_default();
        let answer = match asked["type"].as_str() {
            Some("buy") => match shop.buy().await {
                Some(seat) => json!({ "type": "sold", "seat": seat }),
                None => json!({ "type": "sold_out" }),
            },
            _ => json!({ "type": "error", "reason": "the shop sells tickets: {\"type\":\"buy\"}" }),
        };
        if socket.send(Message::text(answer.to_string())).await.is_err() {
            return;
        }
    }
}
