//! HTTP/1 over a `Network`: one session per user, kept alive between requests. JSON in, JSON out.
//!
//! Neighbours: `server` answers, `peer` is the WebSocket side, `cookies` go along. Left out: redirects, HTTP/2 (it reads the
//! machine's clock, which the simulated world forbids).

use crate::failure::{Failure, FailureClass};
use crate::network::Network;
use crate::surroundings::{Surroundings, TaskHandle};
use crate::target::Target;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// How long a request may take, connecting included.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// Longest body that is read.
const BODY_BYTES_MAX: usize = 16 << 20;

/// A session of one user with the HTTP interface of a target.
pub struct HttpClient<N: Network> {
    network: N,
    target: Arc<Target>,
    surroundings: Surroundings,
    session: Option<Session>,
}

struct Session {
    sender: SendRequest<Full<Bytes>>,
    // The task ends with the session.
    _connection: TaskHandle,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl HttpAnswer {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::new(FailureClass::Garbage, format_args!("the body is no JSON: {error}")))
    }

    /// This answer, if its status says yes.
    pub fn good(self) -> Result<HttpAnswer, Failure> {
        if self.status.is_success() {
            return Ok(self);
        }
        let body: String = String::from_utf8_lossy(&self.body).chars().take(200).collect();
        Err(Failure::new(FailureClass::Status(self.status.as_u16()), format_args!("{}: {body}", self.status)))
    }
}

/// What an anonymous sign-in gives. The token is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Proof of identity, a JWT.
    pub id_token: String,
    /// The name of the new identity; deployed peers register with it as their peer id.
    pub username: String,
}

/// A room and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomKey {
    /// The room.
    pub room_id: String,
    /// Its password, a secret.
    pub room_token: String,
}

impl<N: Network> HttpClient<N> {
    /// A session that connects at its first request.
    pub fn new(network: N, target: Arc<Target>, surroundings: Surroundings) -> HttpClient<N> {
        HttpClient { network, target, surroundings, session: None }
    }

    /// `POST /anonymous-signin`.
    pub async fn anonymous_signin(&mut self) -> Result<SignIn, Failure> {
        let answer = self.request(Method::POST, "/anonymous-signin", None, None).await?.good()?.json()?;
        Ok(SignIn { id_token: text(&answer, "id_token")?, username: text(&answer, "username")? })
    }

    /// `POST /create-room` for the holder of this identity token.
    pub async fn create_room(&mut self, id_token: &str) -> Result<RoomKey, Failure> {
        let answer = self.request(Method::POST, "/create-room", Some(id_token), None).await?.good()?.json()?;
        Ok(RoomKey { room_id: text(&answer, "room_id")?, room_token: text(&answer, "token")? })
    }

    /// `POST /extend-room`; the new end in seconds since 1970. Not deployed everywhere (status 404 then).
    pub async fn extend_room(&mut self, id_token: &str, room_id: &str) -> Result<f64, Failure> {
        let body = json!({ "room_id": room_id });
        let answer = self.request(Method::POST, "/extend-room", Some(id_token), Some(&body)).await?.good()?.json()?;
        answer["expires_at"].as_f64().ok_or_else(|| Failure::new(FailureClass::Garbage, "expires_at is missing"))
    }

    /// `POST /delete-peer`: removes the peer and its identity. Good also when there is nothing to delete.
    pub async fn delete_peer(&mut self, peer_id: &str) -> Result<(), Failure> {
        let body = json!({ "peer_id": peer_id });
        self.request(Method::POST, "/delete-peer", None, Some(&body)).await?.good().map(drop)
    }

    /// `POST /delete-peers-and-room`. Good also when there is nothing to delete.
    pub async fn delete_peers_and_room(&mut self, room_id: &str) -> Result<(), Failure> {
        let body = json!({ "room_id": room_id });
        self.request(Method::POST, "/delete-peers-and-room", None, Some(&body)).await?.good().map(drop)
    }

    /// `GET /health`.
    pub async fn health(&mut self) -> Result<Value, Failure> {
        self.request(Method::GET, "/health", None, None).await?.good()?.json()
    }

    /// `GET /metrics`, as JSON.
    pub async fn metrics(&mut self) -> Result<Value, Failure> {
        self.request(Method::GET, "/metrics", None, None).await?.good()?.json()
    }

    /// Any request. Every status is an answer; a failure means that there was none.
    pub async fn request(
        &mut self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: Option<&Value>,
    ) -> Result<HttpAnswer, Failure> {
        let request = self.compose(method, path, bearer, body)?;
        let timers = self.surroundings.timers.clone();
        match timers.timeout(REQUEST_WITHIN, self.exchange(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure)) => {
                self.session = None;
                Err(failure)
            }
            Err(_) => {
                self.session = None;
                Err(Failure::new(FailureClass::TimedOut, "no answer within 10 s"))
            }
        }
    }

    fn compose(
        &self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::HOST, self.target.http.authority())
            .header(http::header::USER_AGENT, &self.target.user_agent)
            .header(http::header::ACCEPT, "application/json");
        if let Some(token) = bearer {
            request = request.header(http::header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let bytes = body.and_then(|body| serde_json::to_vec(body).ok()).unwrap_or_default();
        if let Some(headers) = request.headers_mut() {
            self.target.cookies.put(headers);
        }
        let mut request = request
            .body(Full::new(Bytes::from(bytes)))
            .map_err(|error| Failure::new(FailureClass::Other, format_args!("bad request: {error}")))?;
        self.target.headers.complete(request.headers_mut());
        Ok(request)
    }

    /// Sends over the kept session; one that ended meanwhile is replaced once, if the request did not leave.
    async fn exchange(&mut self, mut request: Request<Full<Bytes>>) -> Result<HttpAnswer, Failure> {
        if let Some(mut session) = self.session.take() {
            match session.sender.try_send_request(request).await {
                Ok(answer) => return self.read(session, answer).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Failure::of_http(error.error())),
                },
            }
        }
        let mut session = self.connect().await?;
        match session.sender.send_request(request).await {
            Ok(answer) => self.read(session, answer).await,
            Err(error) => Err(Failure::of_http(&error)),
        }
    }

    async fn read(
        &mut self,
        session: Session,
        answer: http::Response<hyper::body::Incoming>,
    ) -> Result<HttpAnswer, Failure> {
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| {
            match error.downcast_ref::<hyper::Error>() {
                Some(error) => Failure::of_http(error),
                None => Failure::new(FailureClass::Garbage, error),
            }
        })?;
        self.session = Some(session);
        self.target.cookies.take(&head.headers);
        Ok(HttpAnswer { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    async fn connect(&self) -> Result<Session, Failure> {
        let connected = self.network.connect(&self.target.http).await;
        let stream = connected.map_err(|error| Failure::of_connect(&error))?;
        self.start(stream).await
    }

    async fn start(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Session, Failure> {
        let started = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = started.map_err(|error| Failure::of_http(&error))?;
        let task = Box::pin(async move {
            // The request that waits is told the same error.
            let _ = connection.await;
        });
        let _connection = self.surroundings.spawner.spawn("http session", task);
        Ok(Session { sender, _connection })
    }
}

fn text(answer: &Value, key: &str) -> Result<String, Failure> {
    match answer.get(key).and_then(Value::as_str) {
        Some(text) => Ok(text.to_string()),
        None => Err(Failure::new(FailureClass::Garbage, format_args!("{key} is missing in the answer"))),
    }
}
