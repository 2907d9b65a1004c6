//! Accepts connections and serves HTTP/1 on them until they end or become WebSockets. Neighbours: `upgrade` (the request
//! that becomes a WebSocket), `http` (all others). Left out: TLS, which belongs to the network.

use super::http::{self, Fault};
use super::{Life, ListenerRole, Shared, upgrade};
use crate::network::Listener;
use crate::surroundings::Timers;
use axum::body::Body;
use axum::response::IntoResponse;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How long a client may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// How long it may take to send the body.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Largest request body, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;
/// How long a request that is being received may go on when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(1);
/// The pause after a failed accept (no file descriptors left, for example), so that the loop does not spin.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

pub(super) async fn accept_all<L: Listener>(mut listener: L, role: ListenerRole, shared: Arc<Shared>, mut life: Life) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = life.stopped() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let Ok(seat) = shared.seats.clone().try_acquire_owned() else {
                    tracing::warn!("a connection is closed at once: there are as many as there may be");
                    continue;
                };
                let service = Serving { role, shared: shared.clone(), life: life.seated(seat) };
                let connection = service.serve::<L>(stream);
                shared.surroundings.spawner.spawn("server: connection", Box::pin(connection)).detach();
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                shared.surroundings.timers.sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
}

/// What one connection is served with.
#[derive(Clone)]
struct Serving {
    role: ListenerRole,
    shared: Arc<Shared>,
    life: Life,
}

impl Serving {
    async fn serve<L: Listener>(self, stream: L::Stream) {
        let (mut life, timers) = (self.life.clone(), self.shared.surroundings.timers.clone());
        let service = service_fn(move |request| self.clone().answer::<L>(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            // The date would come from the machine's clock, not from the one that was handed in.
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            biased;
            () = life.stopped() => {
                connection.as_mut().graceful_shutdown();
                // A request that never becomes whole does not hold up the server.
                timers.timeout(STOP_WITHIN, connection).await.unwrap_or(Ok(()))
            }
            ended = connection.as_mut() => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "an HTTP connection ended early");
        }
    }

    async fn answer<L: Listener>(self, mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        match (upgrade::is_wanted(&request), self.role) {
            (true, ListenerRole::Http) => {
                return Ok(Fault::NotFound("WebSockets are served on another port").into_response());
            }
            (true, _) => return Ok(upgrade::accept::<L::Stream>(&mut request, self.shared, self.life)),
            (false, ListenerRole::WebSockets) => {
                return Ok(Fault::NotFound("only WebSockets are served on this port").into_response());
            }
            (false, _) => {}
        }
        let (head, body) = request.into_parts();
        Ok(match received(body, &*self.shared.surroundings.timers).await {
            Ok(body) => http::answer(&self.shared, &head, &body),
            Err(fault) => fault.into_response(),
        })
    }
}

/// The whole body, if it is small enough and comes in time.
async fn received(body: Incoming, timers: &dyn Timers) -> Result<Bytes, Fault> {
    match timers.timeout(BODY_WITHIN, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Fault::TooLarge(BODY_BYTES_MAX)),
        Ok(Err(error)) => Err(Fault::BadRequest(format!("the body cannot be read: {error}"))),
        Err(_) => Err(Fault::TooSlow(BODY_WITHIN)),
    }
}
