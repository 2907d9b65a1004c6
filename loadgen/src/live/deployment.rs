//! A system on this machine: its server in a thread of this process, at a free port of 127.0.0.1, for a test that plays a
//! scenario live without starting a process. Neighbours: `system` (what a system is), `driver` loads it like any other target.
//!
//! Left out: several servers, which would have to find each other by name, and faults on them: a deployment that takes
//! those is a process of its own. The generator shares its processor with the server here, and says so where that shows.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the machine that is deployed on")]

use super::machine::surroundings;
use super::network::TcpNetwork;
use super::tls::{TlsError, Trust};
use crate::system::{FIRST_SERVER, Host, HostWorld, Server, Stop, System};
use rehearsal_reference::surroundings::Surroundings;
use rehearsal_scenarios::plan::Plan;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a server may take until it listens, and again until it has stopped.
const WITHIN: Duration = Duration::from_secs(10);

/// A system as this machine deploys it: all of them are one.
pub trait LiveSystem: Send + Sync {
    /// See [`System::deploy`].
    fn deploy(&self, plan: &Plan) -> Vec<Server<TcpNetwork>>;
    /// See [`System::path`].
    fn path(&self) -> &str;
}

impl<S: System> LiveSystem for S {
    fn deploy(&self, plan: &Plan) -> Vec<Server<TcpNetwork>> {
        System::deploy(self, plan)
    }

    fn path(&self) -> &str {
        System::path(self)
    }
}

/// Why a system is not deployed here.
#[derive(Debug, thiserror::Error)]
pub enum CannotDeploy {
    /// More servers than one, or none.
    #[error(
        "the system has {0} servers: one that is deployed in a test's own process has exactly one, `{FIRST_SERVER}`"
    )]
    Servers(usize),
    /// It does not listen.
    #[error("the system does not listen: {0}\n  hint: a server listens with `host.listen()`, which takes a free port")]
    Silent(String),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The machine has no thread for it.
    #[error("no thread for the system: {0}")]
    NoThread(#[from] std::io::Error),
}

/// A system that runs here until it is stopped.
pub struct Deployment {
    address: SocketAddr,
    path: String,
    stop: watch::Sender<bool>,
    ended: mpsc::Receiver<Vec<String>>,
}

impl Deployment {
    /// Deploys the system for this plan, and waits until it listens.
    ///
    /// # Errors
    /// If it has not exactly one server, or that one does not listen within 10 s.
    pub fn start(system: &dyn LiveSystem, plan: &Plan) -> Result<Deployment, CannotDeploy> {
        let mut servers = system.deploy(plan);
        let count = servers.len();
        let (Some(server), 1) = (servers.pop(), count) else { return Err(CannotDeploy::Servers(count)) };
        let network = TcpNetwork::new(&Trust::Machine)?;
        let (listens, listening) = mpsc::channel();
        let (stop, stopping) = watch::channel(false);
        let (tell_end, ended) = mpsc::channel();
        let serving = move || drop(tell_end.send(serve(&server, network, listens, stopping)));
        std::thread::Builder::new().name("system".into()).spawn(serving)?;
        let listens = listening.recv_timeout(WITHIN);
        let deployment = |address| Deployment { address, path: system.path().to_owned(), stop, ended };
        let why = match listens {
            Ok(address) => return Ok(deployment(address)),
            Err(mpsc::RecvTimeoutError::Timeout) => format!("it has not within {WITHIN:?}"),
            // It let go of its host, which is how it would have listened.
            Err(mpsc::RecvTimeoutError::Disconnected) => "it will not any more".to_owned(),
        };
        let wrong = deployment(SocketAddr::from(([127, 0, 0, 1], 0))).stop();
        Err(CannotDeploy::Silent(if wrong.is_empty() { why } else { wrong.join("; ") }))
    }

    /// The address of its WebSocket.
    pub fn url(&self) -> String {
        format!("ws://{}{}", self.address, self.path)
    }

    /// Asks it to stop, waits until it has, ends it after 10 s, and tells what was wrong with it. One that keeps its thread from
    /// everything else cannot be ended: it is left behind, and that is told.
    pub fn stop(self) -> Vec<String> {
        self.stop.send_replace(true);
        match self.ended.recv_timeout(WITHIN * 2) {
            Ok(wrong) => wrong,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                vec!["it keeps its thread to itself, and cannot be ended".to_owned()]
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => vec!["its thread panicked".to_owned()],
        }
    }
}

/// The server's whole life; gives back what was wrong: what panicked, or else that it ended too early or not at all.
fn serve(
    server: &Server<TcpNetwork>,
    network: TcpNetwork,
    listens: mpsc::Sender<SocketAddr>,
    mut stopping: watch::Receiver<bool>,
) -> Vec<String> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![error.to_string()],
    };
    let (surroundings, spawner) = surroundings();
    let spawn = surroundings.spawner.clone();
    let host = Host::new(FIRST_SERVER.into(), 0, network, Arc::new(Here { surroundings, listens }));
    let mut asked = stopping.clone();
    // An error means that whoever could ask is gone, who then wants no server any more.
    let stop = Stop::new(async move { drop(asked.wait_for(|is_asked| *is_asked).await) });
    runtime.block_on(async {
        let (ended, mut has_ended) = watch::channel(());
        let program = server.start(host, stop);
        let program = Box::pin(async move {
            let _ended = ended;
            program.await;
        });
        spawn.spawn("server", program).detach();
        let gone = async { while has_ended.changed().await.is_ok() {} };
        tokio::pin!(gone);
        let is_gone = tokio::select! {
            () = &mut gone => true,
            _ = stopping.wait_for(|is_asked| *is_asked) => timeout(WITHIN, gone).await.is_ok(),
        };
        // Asked again, since the program may have heard of it, and have ended, before this task did.
        let was_asked = *stopping.borrow();
        let wrong = match (was_asked, is_gone) {
            (true, true) => None,
            (true, false) => Some(format!("it did not stop within {WITHIN:?} of being asked to")),
            (false, _) => Some("it ended before it was asked to stop".to_owned()),
        };
        spawner.end_all().await;
        let panics = spawner.panics();
        if panics.is_empty() { wrong.into_iter().collect() } else { panics }
    })
}

/// This machine, as a host of it sees it.
struct Here {
    surroundings: Surroundings,
    listens: mpsc::Sender<SocketAddr>,
}

impl HostWorld for Here {
    fn surroundings(&self, _who: &str) -> Surroundings {
        self.surroundings.clone()
    }

    fn address(&self) -> String {
        "127.0.0.1:0".to_owned()
    }

    fn listens(&self, at: SocketAddr) {
        // Nobody waits any more for one that comes too late.
        let _ = self.listens.send(at);
    }
}
