//! What runs on the hosts of a seed: reference servers on `server-N`, users on the hosts that the plan gives them, and the
//! run itself on a host of its own, which no fault can name: it prepares before time 0 and cleans up at the end.
//! Neighbours: `driver` says which phase it is and asks who has ended.

use crate::engine::Engine;
use crate::event_log::EventLog;
use crate::host::Host;
use crate::network::SimNetwork;
use rehearsal_loadgen::cleanup::clean_up;
use rehearsal_loadgen::commons::{Commons, RunPhase};
use rehearsal_loadgen::journal::NoJournal;
use rehearsal_loadgen::prepare::prepare;
use rehearsal_loadgen::sink::EventSink;
use rehearsal_loadgen::target::{Target, user_agent};
use rehearsal_loadgen::users::{UserEnv, play_user};
use rehearsal_reference::defects::Defect;
use rehearsal_reference::identity::Identity;
use rehearsal_reference::network::Network;
use rehearsal_reference::protocol::Profile;
use rehearsal_reference::rooms::Limits;
use rehearsal_reference::server::{Server, ServerOptions};
use rehearsal_reference::store::{MemoryRoomStore, RoomStore};
use rehearsal_reports::event::Name;
use rehearsal_scenarios::plan::{self as scenarios, Behaviour, Plan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The port of every simulated server: WebSocket and HTTP together.
const PORT: u16 = 8080;

/// The run's own host.
const DIRECTOR: &str = "rehearsal-run";

/// How far the run's own program has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Director {
    /// It signs in and makes rooms.
    Preparing,
    /// It could not.
    Failed(String),
    /// It waits for the end.
    Prepared,
    /// It has removed what it made.
    CleanedUp,
}

/// All programs of a world, and what they share.
pub(super) struct Programs {
    shared: Shared,
    phase: watch::Sender<RunPhase>,
    cleaning: watch::Sender<bool>,
}

/// What every program of the world gets. Cheap to clone.
#[derive(Clone)]
struct Shared {
    plan: Arc<Plan>,
    log: Arc<EventLog>,
    commons: Arc<Commons>,
    identity: Arc<dyn Identity>,
    store: Arc<dyn RoomStore>,
    progress: Arc<Mutex<Progress>>,
    phase: watch::Receiver<RunPhase>,
    cleaning: watch::Receiver<bool>,
}

struct Progress {
    director: Director,
    ended: BTreeSet<u32>,
}

impl Programs {
    pub(super) fn new(plan: Arc<Plan>, log: Arc<EventLog>, identity: Arc<dyn Identity>) -> Programs {
        let (phase, phase_seen) = watch::channel(RunPhase::Preparing);
        let (cleaning, cleaning_seen) = watch::channel(false);
        let progress = Progress { director: Director::Preparing, ended: BTreeSet::new() };
        let shared = Shared {
            plan,
            log,
            commons: Arc::new(Commons::new()),
            identity,
            // Handed to each incarnation of a server: the documents keep rooms in a database outside of it.
            store: Arc::new(MemoryRoomStore::new()),
            progress: Arc::new(Mutex::new(progress)),
            phase: phase_seen,
            cleaning: cleaning_seen,
        };
        Programs { shared, phase, cleaning }
    }

    pub(super) fn plan(&self) -> Arc<Plan> {
        self.shared.plan.clone()
    }

    pub(super) fn log(&self) -> Arc<EventLog> {
        self.shared.log.clone()
    }

    /// Servers first, then users' hosts in the order of the plan, then the run's own.
    pub(super) fn add_hosts(&self, engine: &mut dyn Engine) {
        for number in 0..self.shared.plan.system.servers {
            let shared = self.shared.clone();
            engine.add_host(&format!("server-{number}"), Box::new(move |host| Box::pin(serve(shared.clone(), host))));
        }
        for (name, users) in self.users_by_host() {
            let shared = self.shared.clone();
            engine.add_host(&name, Box::new(move |host| Box::pin(play_users(shared.clone(), host, users.clone()))));
        }
        let shared = self.shared.clone();
        engine.add_host(DIRECTOR, Box::new(move |host| Box::pin(direct(shared.clone(), host))));
    }

    fn users_by_host(&self) -> BTreeMap<String, Vec<u32>> {
        let mut hosts = BTreeMap::<String, Vec<u32>>::new();
        for user in &self.shared.plan.users {
            hosts.entry(user.host.clone()).or_default().push(user.number);
        }
        hosts
    }

    /// Tells everybody which phase it is.
    pub(super) fn enter(&self, phase: RunPhase) {
        self.phase.send_replace(phase);
    }

    /// Lets the run's own program clean up.
    pub(super) fn let_clean_up(&self) {
        self.cleaning.send_replace(true);
    }

    pub(super) fn director(&self) -> Director {
        self.shared.progress().director.clone()
    }

    pub(super) fn has_ended(&self, user: u32) -> bool {
        self.shared.progress().ended.contains(&user)
    }
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn env(&self, host: &Host, who: &str) -> UserEnv<SimNetwork> {
        let run_id = Name::from(format!("seed-{}", self.plan.seed));
        UserEnv {
            plan: self.plan.clone(),
            network: host.network.clone(),
            surroundings: host.surroundings(who),
            target: Arc::new(Target::plain("server-0", PORT, &user_agent(&run_id))),
            sink: self.log.clone(),
            commons: self.commons.clone(),
            journal: Arc::new(NoJournal),
            phase: self.phase.clone(),
            run_id,
        }
    }
}

/// All users of a host, each in a task of its own.
async fn play_users(shared: Shared, host: Host, users: Vec<u32>) {
    for number in users {
        let user = &shared.plan.users[number as usize];
        if !matches!(user.behaviour, Behaviour::Worker(_)) && shared.progress().ended.contains(&number) {
            // It had done all it wanted before its host died.
            continue;
        }
        shared.progress().ended.remove(&number);
        let env = shared.env(&host, &user.name);
        // A host that dies before its user's time has come has interrupted no life.
        let has_begun = shared.log.now_ns() >= i64::try_from(user.start_ns).unwrap_or(i64::MAX);
        let life = if has_begun { host.incarnation } else { 0 };
        let (shared, spawner) = (shared.clone(), env.surroundings.spawner.clone());
        let playing = Box::pin(async move {
            play_user(env, number, life).await;
            shared.progress().ended.insert(number);
        });
        spawner.spawn("user", playing).detach();
    }
}

/// The run's own program.
async fn direct(shared: Shared, host: Host) {
    let env = shared.env(&host, "run");
    let prepared = prepare(&env, |_| ()).await;
    shared.progress().director = match prepared {
        Ok(_) => Director::Prepared,
        Err(error) => Director::Failed(error.to_string()),
    };
    // An error means that the driver is gone, and with it this host.
    let _ = shared.cleaning.clone().wait_for(|may| *may).await;
    clean_up(&env).await;
    shared.progress().director = Director::CleanedUp;
}

/// One incarnation of a reference server; serves until its host dies or the run is over.
async fn serve(shared: Shared, host: Host) {
    let system = &shared.plan.system;
    let options = ServerOptions {
        limits: limits_of(&system.limits),
        // Names that a plan holds were checked when the scenario was read.
        defects: system.defects.iter().filter_map(|name| name.parse::<Defect>().ok()).collect(),
        profile: match system.profile {
            scenarios::Profile::Documented => Profile::Documented,
            scenarios::Profile::Deployed => Profile::Deployed,
        },
        ..ServerOptions::default()
    };
    let surroundings = host.surroundings("server");
    // A simulated port is free for every incarnation; were it not, clients would see a server that refuses.
    let Ok(listener) = host.network.bind(&format!("0.0.0.0:{PORT}")).await else { return };
    let server = Server::new(options, surroundings, shared.identity.clone(), shared.store.clone());
    server.run(listener, std::future::pending()).await;
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
