//! The connection of the moment, and old ones that were left open on purpose (a silent end).

use crate::target::Target;
use crate::users::UserEnv;
use rehearsal_reference::failure::Failure;
use rehearsal_reference::network::Network;
use rehearsal_reference::observer::Observer;
use rehearsal_reference::peer::Peer;
use rehearsal_scenarios::plan::Ending;
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A user's connections.
pub struct Session<N: Network> {
    peer: Option<Peer<N>>,
    left_open: Vec<Peer<N>>,
    next_conn: u32,
    unmatched: BTreeMap<String, u64>,
}

fn count<N: Network>(peer: &Peer<N>, counts: &mut BTreeMap<String, u64>) {
    for message in peer.kept() {
        let kind = message.get("type").and_then(Value::as_str).unwrap_or("without a type");
        *counts.entry(kind.to_owned()).or_default() += 1;
    }
}

impl<N: Network> Session<N> {
    /// Not connected yet.
    pub fn new() -> Self {
        Session { peer: None, left_open: Vec::new(), next_conn: 1, unmatched: BTreeMap::new() }
    }

    /// The connection, if there is one.
    pub fn peer(&mut self) -> Option<&mut Peer<N>> {
        self.peer.as_mut()
    }

    /// Whether it had a connection, and has none that is open.
    pub fn has_lost_its_connection(&self) -> bool {
        self.next_conn > 1 && self.peer.as_ref().is_none_or(|peer| peer.end().is_some())
    }

    /// The number of the current, or else the last, connection.
    pub fn conn(&self) -> u32 {
        self.peer.as_ref().map_or(self.next_conn - 1, Peer::conn)
    }

    /// Opens a connection; one that is still there is left open.
    pub async fn connect(
        &mut self,
        env: &UserEnv<N>,
        target: &Target,
        observer: Arc<dyn Observer>,
    ) -> Result<(), Failure> {
        let conn = self.next_conn;
        self.next_conn += 1;
        let peer = Peer::connect(&env.network, env.surroundings.timers.clone(), target, conn, observer).await?;
        if let Some(old) = self.peer.replace(peer) {
            self.count_unmatched(&old);
            self.left_open.push(old);
        }
        Ok(())
    }

    /// Ends the connection in this way.
    pub async fn end(&mut self, ending: Ending) {
        let Some(peer) = self.peer.take() else { return };
        self.count_unmatched(&peer);
        match ending {
            Ending::Clean => drop(peer.close().await),
            Ending::Abrupt => drop(peer.abort()),
            Ending::Silent => self.left_open.push(peer),
        }
    }

    /// Messages that came and that no step asked for, by type; each is told once.
    pub fn unmatched(&mut self) -> BTreeMap<String, u64> {
        let mut all = std::mem::take(&mut self.unmatched);
        if let Some(peer) = &self.peer {
            count(peer, &mut all);
        }
        all
    }

    fn count_unmatched(&mut self, peer: &Peer<N>) {
        count(peer, &mut self.unmatched);
    }

    /// Leaves: cleanly where somebody still listens, with a reset where the connection was left open.
    pub async fn leave(&mut self) {
        self.end(Ending::Clean).await;
        for peer in self.left_open.drain(..) {
            peer.abort();
        }
    }

    /// Does something else while the connection is read. The caller pins it: given away it would be kept twice.
    pub async fn reading<T>(&mut self, mut work: Pin<&mut impl Future<Output = T>>) -> T {
        let Some(peer) = &mut self.peer else { return work.await };
        tokio::select! {
            biased;
            done = &mut work => return done,
            // The connection's end is kept by the peer, whose next use tells it.
            _ = peer.idle() => {}
        }
        work.await
    }
}
