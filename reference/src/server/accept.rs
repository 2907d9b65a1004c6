//! Accepts connections and serves HTTP/1 on them until they end or become WebSockets. Neighbours: `upgrade` (the request
//! that becomes a WebSocket), `http` (all others). Left out: TLS, which belongs to the network.

use super::{Life, Shared, http, upgrade};
use crate::network::Listener;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How long a client may take to send the head of a request.
const HEADER_WITHIN: Duration = Duration::from_secs(60);
/// The pause after a failed accept (no file descriptors left, for example), so that the loop does not spin.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

pub(super) async fn accept_all<L: Listener>(mut listener: L, shared: Arc<Shared>, mut life: Life) {
    let router = http::router(shared.clone());
    loop {
        let accepted = tokio::select! {
            biased;
            () = life.stopped() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = serve::<L>(stream, shared.clone(), router.clone(), life.clone());
                shared.surroundings.spawner.spawn("server: connection", Box::pin(connection)).detach();
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
}

async fn serve<L: Listener>(stream: L::Stream, shared: Arc<Shared>, router: Router, mut life: Life) {
    let http = TowerToHyperService::new(router);
    let for_upgrades = life.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (http, shared, life) = (http.clone(), shared.clone(), for_upgrades.clone());
        async move {
            if upgrade::is_wanted(&request) {
                return Ok(upgrade::accept::<L::Stream>(&mut request, shared, life));
            }
            answer(http, request).await
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        // The date would come from the machine's clock, not from the one that was handed in.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        () = life.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        ended = connection.as_mut() => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}

async fn answer(
    http: TowerToHyperService<Router>,
    request: Request<Incoming>,
) -> Result<Response<axum::body::Body>, Infallible> {
    http.call(request).await
}
