//! The request that becomes a WebSocket: on any path, as deployed, without a subprotocol. Neighbours: `socket` runs what
//! comes of it.

use super::{Life, Shared, http::json_response, socket};
use crate::network::Stream;
use axum::body::Body;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Whether a request wants to become a WebSocket.
pub(super) fn is_wanted(request: &Request<Incoming>) -> bool {
    request.method() == Method::GET && has_token(request.headers(), UPGRADE, "websocket")
}

/// Answers it, and runs the WebSocket under the spawner.
pub(super) fn accept<S: Stream>(request: &mut Request<Incoming>, shared: Arc<Shared>, life: Life) -> Response<Body> {
    let headers = request.headers();
    if !has_token(headers, CONNECTION, "upgrade") {
        return refused(StatusCode::BAD_REQUEST, "a WebSocket request needs `Connection: Upgrade`");
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut response = refused(StatusCode::UPGRADE_REQUIRED, "only version 13 of the WebSocket protocol is known");
        response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return response;
    }
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else {
        return refused(StatusCode::BAD_REQUEST, "a WebSocket request needs `Sec-WebSocket-Key`");
    };
    let accept = derive_accept_key(key.as_bytes());
    let upgrade = hyper::upgrade::on(request);
    let spawner = shared.surroundings.spawner.clone();
    let task = async move {
        // The stream comes back as it went in, so that nothing stands between it and the WebSocket.
        let Ok(upgraded) = upgrade.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<S>>() else { return };
        // Copied, so that the buffer that HTTP read into does not live as long as the WebSocket.
        let (stream, read_ahead) = (parts.io.into_inner(), parts.read_buf.to_vec());
        drop(parts.read_buf);
        socket::run(stream, read_ahead, shared, life).await;
    };
    spawner.spawn("server: websocket", Box::pin(task)).detach();
    switching(&accept)
}

fn switching(accept: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    // The key is base64, which is always a header value.
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

fn refused(status: StatusCode, detail: &str) -> Response<Body> {
    let mut response = json_response(&serde_json::json!({ "detail": detail }));
    *response.status_mut() = status;
    response
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name);
    let mut tokens = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tokens.any(|found| found.trim().eq_ignore_ascii_case(token))
}
