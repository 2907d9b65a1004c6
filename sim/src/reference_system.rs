//! The reference signaling system as a [`System`]: a server on each `server-N`, set up as the plan says. Neighbours:
//! `rehearsal_reference::server` is the server; `seed` hands the identity in.

use rehearsal_loadgen::system::{Host, Server, Stop, System};
use rehearsal_reference::defects::Defect;
use rehearsal_reference::identity::{Hs256Identity, Identity, IdentityError, Rs256Identity};
use rehearsal_reference::network::Network;
use rehearsal_reference::protocol::Profile;
use rehearsal_reference::rooms::Limits;
use rehearsal_reference::server::{self, ServerOptions};
use rehearsal_reference::store::{MemoryRoomStore, RoomStore};
use rehearsal_scenarios::plan::{self as scenarios, IdentityKind, Plan, SystemPlan};
use std::sync::Arc;

/// The reference system with this identity.
pub struct Reference {
    identity: Arc<dyn Identity>,
}

impl Reference {
    pub(crate) fn new(identity: Arc<dyn Identity>) -> Reference {
        Reference { identity }
    }

    /// The reference system with the identity that the plan wants, and tokens that are known to everybody.
    ///
    /// # Errors
    /// If the identity's keys cannot be read.
    pub fn of(plan: &Plan) -> Result<Reference, IdentityError> {
        let identity: Arc<dyn Identity> = match plan.system.identity {
            IdentityKind::Hs256 => Arc::new(Hs256Identity::simulated()),
            IdentityKind::Rs256 => Arc::new(Rs256Identity::simulated()?),
        };
        Ok(Reference::new(identity))
    }
}

impl System for Reference {
    fn deploy<N: Network>(&self, plan: &Plan) -> Vec<Server<N>> {
        let options = options_of(&plan.system);
        // Handed to each incarnation of a server: the documents keep rooms in a database outside of it.
        let store: Arc<dyn RoomStore> = Arc::new(MemoryRoomStore::new());
        let server = |number| {
            let (options, identity, store) = (options.clone(), self.identity.clone(), store.clone());
            Server::new(format!("server-{number}"), move |host, stop| {
                serve(options.clone(), identity.clone(), store.clone(), host, stop)
            })
        };
        (0..plan.system.servers).map(server).collect()
    }
}

/// One incarnation of a server; serves until its host dies, the run is over, or it is told to stop.
async fn serve<N: Network>(
    options: ServerOptions,
    identity: Arc<dyn Identity>,
    store: Arc<dyn RoomStore>,
    host: Host<N>,
    stop: Stop,
) {
    let surroundings = host.surroundings("server");
    // A simulated port is free for every incarnation; were it not, clients would see a server that refuses.
    let Ok(listener) = host.listen().await else { return };
    server::Server::new(options, surroundings, identity, store).run(listener, stop.asked()).await;
}

fn options_of(system: &SystemPlan) -> ServerOptions {
    ServerOptions {
        limits: limits_of(&system.limits),
        // Names that a plan holds were checked when the scenario was read.
        defects: system.defects.iter().filter_map(|name| name.parse::<Defect>().ok()).collect(),
        profile: match system.profile {
            scenarios::Profile::Documented => Profile::Documented,
            scenarios::Profile::Deployed => Profile::Deployed,
        },
        ..ServerOptions::default()
    }
}

fn limits_of(limits: &scenarios::Limits) -> Limits {
    let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Limits {
        message_bytes_max: whole(limits.message_bytes_max),
        metadata_bytes_max: whole(limits.metadata_bytes_max),
        room_peers_max: whole(limits.room_peers_max.into()),
        outbound_queue_max: whole(limits.outbound_queue_max.into()),
        ..Limits::default()
    }
}
