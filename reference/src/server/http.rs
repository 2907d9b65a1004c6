//! The HTTP interface: its routes, its answers, and who may ask. Neighbours: `rooms_http` (rooms and peers), `metrics`.
//! Faults are answered as deployed: 401 and 404 with `detail`, 422 where a header or field is missing. Left out: reading
//! the body (`accept`).

use super::{Shared, metrics, negotiate, rooms_http, timestamp::timestamp};
use crate::identity::{Claims, IdentityError};
use crate::protocol::{Object, depth_fits};
use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

const VERSION: &str = "2.0.0";

/// The methods of what is read and of what is done, as the header `Allow` says them.
const READ: &str = "GET,HEAD";
const DO: &str = "POST";

/// What a request asks with.
pub(super) struct Asked<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Bytes,
}

type Handler = fn(&Shared, &Asked<'_>) -> Result<Response, Fault>;

/// Who answers for a path, and to which methods. axum's own table is built anew for each server, and a request takes a dozen
/// allocations on its way through it: a simulated run, which has a server and ten requests, would pay 3 % of its time for that.
fn route(path: &str) -> Result<(&'static str, Handler), Fault> {
    Ok(match path {
        "/anonymous-signin" => (DO, anonymous_signin),
        "/create-room" => (DO, rooms_http::create_room),
        "/extend-room" => (DO, rooms_http::extend_room),
        "/delete-peer" => (DO, rooms_http::delete_peer),
        "/delete-peers-and-room" => (DO, rooms_http::delete_peers_and_room),
        "/discover-workers" => (DO, rooms_http::discover_workers),
        "/health" => (READ, health),
        "/metrics" => (READ, show_metrics),
        _ => return Err(Fault::NotFound("Not Found")),
    })
}

/// Answers a request.
pub(super) fn answer(shared: &Shared, head: &Parts, body: &Bytes) -> Response {
    let asked = Asked { headers: &head.headers, body };
    let answered = route(head.uri.path()).and_then(|(methods, handler)| {
        if methods.split(',').any(|method| *method == *head.method.as_str()) {
            handler(shared, &asked)
        } else {
            Err(Fault::MethodNotAllowed(methods))
        }
    });
    let response = answered.unwrap_or_else(IntoResponse::into_response);
    if head.method == Method::HEAD { headers_alone(response) } else { response }
}

/// An answer without its body, which says how long that would be.
fn headers_alone(mut response: Response) -> Response {
    if let Some(bytes) = response.body().size_hint().exact() {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    }
    *response.body_mut() = Body::empty();
    response
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
    /// There is such a thing, but only with these methods.
    MethodNotAllowed(&'static str),
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
        let allowed = if let Fault::MethodNotAllowed(methods) = self { Some([(ALLOW, methods)]) } else { None };
        let (status, detail) = match self {
            Fault::Unauthorized(error) => (StatusCode::UNAUTHORIZED, Value::from(error.to_string())),
            Fault::NotFound(what) => (StatusCode::NOT_FOUND, Value::from(what)),
            Fault::Unprocessable { place, field, message } => {
                (StatusCode::UNPROCESSABLE_ENTITY, json!([{ "loc": [place, field], "msg": message }]))
            }
            Fault::BadRequest(why) => (StatusCode::BAD_REQUEST, Value::from(why)),
            Fault::Forbidden(why) => (StatusCode::FORBIDDEN, Value::from(why)),
            Fault::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, Value::from("Method Not Allowed")),
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
        (status, allowed, json_response(&json!({ "detail": detail }))).into_response()
    }
}

/// A JSON answer.
pub(super) fn json_response(body: &Value) -> Response {
    // Every JSON value can be written. `to_string` of the value itself goes through a formatter, which takes three times as long.
    ([(CONTENT_TYPE, "application/json")], serde_json::to_string(body).unwrap_or_default()).into_response()
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

fn anonymous_signin(shared: &Shared, _: &Asked<'_>) -> Result<Response, Fault> {
    let username = shared.surroundings.random_uuid();
    let token = shared.identity.issue(&username, shared.surroundings.clock.now());
    let token = token.map_err(|error| match error {
        IdentityError::CannotIssue => Fault::NotImplemented(error.to_string()),
        other => Fault::Unavailable(other.to_string()),
    })?;
    Ok(json_response(&json!({ "id_token": token, "username": username })))
}

fn health(shared: &Shared, _: &Asked<'_>) -> Result<Response, Fault> {
    let now = timestamp(shared.surroundings.clock.now(), shared.options.profile);
    Ok(json_response(&json!({ "status": "healthy", "timestamp": now, "version": VERSION })))
}

fn show_metrics(shared: &Shared, asked: &Asked<'_>) -> Result<Response, Fault> {
    let figures = shared.hub.with_rooms(|rooms| rooms.metrics());
    let answer = if negotiate::prefers(asked.headers, "text/plain", "application/json") {
        ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::as_prometheus(&figures)).into_response()
    } else {
        let now = timestamp(shared.surroundings.clock.now(), shared.options.profile);
        json_response(&metrics::as_json(&figures, &now))
    };
    Ok(([(VARY, "accept")], answer).into_response())
}
