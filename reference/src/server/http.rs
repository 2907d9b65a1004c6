//! The HTTP interface: its routes, its answers, and who may ask. Neighbours: `rooms_http` (rooms and peers), `metrics`.
//! Faults are answered as deployed: 401 and 404 with `detail`, 422 where a header or field is missing. Left out: reading
//! the body (`accept`).

use super::{Shared, metrics, negotiate, rooms_http, timestamp::timestamp};
use crate::identity::{Claims, IdentityError};
use crate::protocol::{Object, depth_fits};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{AUTHORIZATION, CONTENT_TYPE, VARY};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const VERSION: &str = "2.0.0";

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/anonymous-signin", post(anonymous_signin))
        .route("/create-room", post(rooms_http::create_room))
        .route("/extend-room", post(rooms_http::extend_room))
        .route("/delete-peer", post(rooms_http::delete_peer))
        .route("/delete-peers-and-room", post(rooms_http::delete_peers_and_room))
        .route("/discover-workers", post(rooms_http::discover_workers))
        .route("/health", get(health))
        .route("/metrics", get(show_metrics))
        .fallback(async || Fault::NotFound("Not Found"))
        .method_not_allowed_fallback(async || Fault::MethodNotAllowed)
        .with_state(shared)
}

/// Why a request is not answered as asked.
pub(super) enum Fault {
    /// No identity token, or not a valid one.
    Unauthorized(IdentityError),
    /// There is no such thing.
    NotFound(&'static str),
    /// A header or a field of the body is missing or wrong.
    Unprocessable { place: &'static str, field: &'static str, message: String },
    /// The request cannot be read.
    BadRequest(String),
    /// Somebody else may.
    Forbidden(&'static str),
    /// There is such a thing, but not with this method.
    MethodNotAllowed,
    /// There was such a thing.
    Gone(&'static str),
    /// The body has more bytes than this.
    TooLarge(usize),
    /// The body did not come in this time.
    TooSlow(Duration),
    /// This server does not do it.
    NotImplemented(String),
    /// The server cannot do it at all.
    Unavailable(String),
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Fault::Unauthorized(error) => (StatusCode::UNAUTHORIZED, Value::from(error.to_string())),
            Fault::NotFound(what) => (StatusCode::NOT_FOUND, Value::from(what)),
            Fault::Unprocessable { place, field, message } => {
                (StatusCode::UNPROCESSABLE_ENTITY, json!([{ "loc": [place, field], "msg": message }]))
            }
            Fault::BadRequest(why) => (StatusCode::BAD_REQUEST, Value::from(why)),
            Fault::Forbidden(why) => (StatusCode::FORBIDDEN, Value::from(why)),
            Fault::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, Value::from("Method Not Allowed")),
            Fault::Gone(why) => (StatusCode::GONE, Value::from(why)),
            Fault::TooLarge(bytes_max) => {
                (StatusCode::PAYLOAD_TOO_LARGE, format!("a body may have {bytes_max} bytes").into())
            }
            Fault::TooSlow(within) => {
                (StatusCode::REQUEST_TIMEOUT, format!("the body did not come within {} s", within.as_secs()).into())
            }
            Fault::NotImplemented(why) => (StatusCode::NOT_IMPLEMENTED, Value::from(why)),
            Fault::Unavailable(why) => (StatusCode::SERVICE_UNAVAILABLE, Value::from(why)),
        };
        (status, json_response(&json!({ "detail": detail }))).into_response()
    }
}

/// A JSON answer.
pub(super) fn json_response(body: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// Who asks, by the `Authorization` header.
pub(super) fn bearer(headers: &HeaderMap, shared: &Shared) -> Result<Claims, Fault> {
    let header = headers.get(AUTHORIZATION).ok_or_else(|| Fault::Unprocessable {
        place: "header",
        field: "authorization",
        message: "Field required".to_string(),
    })?;
    let credentials = header.to_str().ok().and_then(|value| value.trim().split_once(' '));
    let token = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let token = token.unwrap_or_default();
    shared.identity.verify(token, shared.surroundings.clock.now()).map_err(Fault::Unauthorized)
}

/// The JSON object of a request's body.
pub(super) fn body_object(body: &Bytes) -> Result<Object, Fault> {
    let refused = |message| Fault::Unprocessable { place: "body", field: "", message };
    depth_fits(body).map_err(|refusal| refused(refusal.message))?;
    serde_json::from_slice(body).map_err(|error| refused(format!("a JSON object is needed: {error}")))
}

async fn anonymous_signin(State(shared): State<Arc<Shared>>) -> Result<Response, Fault> {
    let username = shared.surroundings.random_uuid();
    let token = shared.identity.issue(&username, shared.surroundings.clock.now());
    let token = token.map_err(|error| match error {
        IdentityError::CannotIssue => Fault::NotImplemented(error.to_string()),
        other => Fault::Unavailable(other.to_string()),
    })?;
    Ok(json_response(&json!({ "id_token": token, "username": username })))
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let now = timestamp(shared.surroundings.clock.now(), shared.options.profile);
    json_response(&json!({ "status": "healthy", "timestamp": now, "version": VERSION }))
}

async fn show_metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let figures = shared.hub.with_rooms(|rooms| rooms.metrics());
    let answer = if negotiate::prefers(&headers, "text/plain", "application/json") {
        ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::as_prometheus(&figures)).into_response()
    } else {
        let now = timestamp(shared.surroundings.clock.now(), shared.options.profile);
        json_response(&metrics::as_json(&figures, &now))
    };
    ([(VARY, "accept")], answer).into_response()
}
