//! Numbers that go out while a run goes on: a page for Prometheus to scrape, and OTLP to a collector. Both are off unless asked for,
//! and neither disturbs the run: a collector that does not answer is told once. Start here: [`Telemetry`].
//!
//! - `points`: which numbers; `prometheus` and `otlp`: how they are written
//!
//! Neighbours: `progress` (where the numbers come from). Left out: the record, which has more.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is where numbers leave for others")]

mod otlp;
pub mod points;
mod prometheus;

use super::machine;
use super::network::TcpNetwork;
use super::progress::Progress;
use super::tls::{TlsError, Trust};
use super::url::{self, BadUrl};
use crate::target::user_agent;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use points::points;
use rehearsal_reference::http_client::HttpClient;
use rehearsal_reference::surroundings::Surroundings;
use rehearsal_reference::target::Target;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often a collector is told.
const PUSH_EVERY: Duration = Duration::from_secs(5);
/// A collector that takes longer misses that one.
const PUSH_WITHIN: Duration = Duration::from_secs(3);
/// Connections that scrape at once; more wait.
const SCRAPERS_MAX: usize = 16;

/// Where numbers go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlets {
    /// Where Prometheus may scrape, such as `127.0.0.1:9100`.
    pub listen: Option<SocketAddr>,
    /// The collector, such as `http://127.0.0.1:4318`.
    pub otlp: Option<String>,
}

/// Why numbers cannot go out.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The address is taken, or not this machine's.
    #[error(
        "cannot listen on {address} for scrapes: {error}\n  hint: --metrics-listen names a free address, such as 127.0.0.1:9100"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What went wrong.
        error: std::io::Error,
    },
    /// The collector's address makes no sense.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Sends numbers out, as long as it runs.
pub struct Telemetry {
    latest: watch::Receiver<Option<Progress>>,
    listener: Option<TcpListener>,
    collector: Option<Collector>,
}

struct Collector {
    network: TcpNetwork,
    surroundings: Surroundings,
    target: Arc<Target>,
    path: String,
    run_id: String,
    began_ns: u64,
    is_told: AtomicBool,
}

impl Telemetry {
    /// Opens what was asked for; `latest` is the newest progress of the run.
    ///
    /// # Errors
    /// An address that cannot be listened on, or that makes no sense.
    pub async fn open(
        outlets: &Outlets,
        trust: &Trust,
        run_id: &str,
        latest: watch::Receiver<Option<Progress>>,
    ) -> Result<Telemetry, TelemetryError> {
        let listener = match outlets.listen {
            Some(address) => {
                let bound = TcpListener::bind(address).await;
                Some(bound.map_err(|error| TelemetryError::Listen { address, error })?)
            }
            None => None,
        };
        let collector = match &outlets.otlp {
            Some(url) => {
                let (target, path) = url::page(url, user_agent(run_id))?;
                let path = if path == "/" { otlp::PATH.to_owned() } else { path };
                let (surroundings, _) = machine::surroundings();
                let began_ns = surroundings.clock.now().as_nanos() as u64;
                let (network, target) = (TcpNetwork::new(trust)?, Arc::new(target));
                let (run_id, is_told) = (run_id.to_owned(), AtomicBool::new(false));
                Some(Collector { network, surroundings, target, path, run_id, began_ns, is_told })
            }
            None => None,
        };
        Ok(Telemetry { latest, listener, collector })
    }

    /// Where it can be scraped, with the port that it got.
    pub fn listens_on(&self) -> Option<SocketAddr> {
        self.listener.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves and pushes, until it is dropped.
    pub async fn run(&self) {
        tokio::join!(self.serve(), self.push());
    }

    /// The last numbers, once the run has ended.
    pub async fn flush(&self) {
        if let Some(collector) = &self.collector {
            self.tell(collector).await;
        }
    }

    async fn serve(&self) {
        let Some(listener) = &self.listener else { return std::future::pending().await };
        let mut scrapers = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept(), if scrapers.len() < SCRAPERS_MAX => {
                    if let Ok((stream, _)) = accepted {
                        scrapers.spawn(scraped(stream, self.latest.clone()));
                    }
                }
                Some(_) = scrapers.join_next() => {}
            }
        }
    }

    async fn push(&self) {
        let Some(collector) = &self.collector else { return std::future::pending().await };
        let mut ticks = interval(PUSH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.tell(collector).await;
        }
    }

    async fn tell(&self, collector: &Collector) {
        let Some(progress) = self.latest.borrow().clone() else { return };
        let Collector { network, surroundings, target, path, run_id, began_ns, is_told } = collector;
        let now_ns = surroundings.clock.now().as_nanos() as u64;
        let body = otlp::body(&points(&progress), run_id, *began_ns, now_ns);
        let mut http = HttpClient::new(network.clone(), target.clone(), surroundings.clone());
        let answer = timeout(PUSH_WITHIN, http.request(Method::POST, path, None, Some(&body))).await;
        let why = match answer {
            Ok(Ok(answer)) if answer.status.is_success() => return,
            Ok(Ok(answer)) => format!("it answers {}", answer.status),
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if !is_told.swap(true, Ordering::Relaxed) {
            tracing::warn!("the OTLP collector takes no numbers: {why}; the run goes on without");
        }
    }
}

async fn scraped(stream: TcpStream, latest: watch::Receiver<Option<Progress>>) {
    let answer = |request: Request<Incoming>| {
        let latest = latest.clone();
        async move { Ok::<_, Infallible>(page(&request, &latest)) }
    };
    // Whoever scrapes and goes away again is no concern of the run.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

fn page(request: &Request<Incoming>, latest: &watch::Receiver<Option<Progress>>) -> Response<Full<Bytes>> {
    let (status, body) = match request.uri().path() {
        "/metrics" => {
            let progress = latest.borrow().clone();
            (StatusCode::OK, progress.map(|progress| prometheus::text(&points(&progress))).unwrap_or_default())
        }
        _ => (StatusCode::NOT_FOUND, "the numbers are at /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(prometheus::CONTENT_TYPE));
    response
}
