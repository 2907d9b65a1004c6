//! What runs on the hosts of a seed: the servers of the system, users on the hosts that the plan gives them, and the run
//! itself on a host of its own, which no fault can name: it prepares before time 0 and cleans up at the end.
//! Neighbours: `driver` says which phase it is and asks who has ended.

use crate::engine::Engine;
use crate::event_log::EventLog;
use crate::host::Host;
use crate::network::SimNetwork;
use crate::system::{SharedSystem, seen_by_server};
use rehearsal_loadgen::cleanup::clean_up;
use rehearsal_loadgen::commons::{Commons, RunPhase};
use rehearsal_loadgen::faults::lives::Lives;
use rehearsal_loadgen::faults::orders::Orders;
use rehearsal_loadgen::faults::sights::{Hit, Sights};
use rehearsal_loadgen::journal::NoJournal;
use rehearsal_loadgen::prepare::prepare;
use rehearsal_loadgen::sink::EventSink;
use rehearsal_loadgen::system::{FIRST_SERVER, Server, Stop};
use rehearsal_loadgen::target::{Target, user_agent};
use rehearsal_loadgen::users::{UserEnv, play_user};
use rehearsal_reports::event::Name;
use rehearsal_scenarios::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

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
    sights: Option<Arc<Sights>>,
    cleaning: watch::Sender<bool>,
}

/// What every program of the world gets. Cheap to clone.
#[derive(Clone)]
struct Shared {
    plan: Arc<Plan>,
    log: Arc<EventLog>,
    sink: Arc<dyn EventSink>,
    commons: Arc<Commons>,
    system: SharedSystem,
    progress: Arc<Mutex<Progress>>,
    orders: Orders,
    cleaning: watch::Receiver<bool>,
}

struct Progress {
    director: Director,
    lives: Lives,
    /// Servers that were told to stop, and have.
    exited: BTreeSet<Arc<str>>,
}

impl Programs {
    pub(super) fn new(plan: Arc<Plan>, log: Arc<EventLog>, system: SharedSystem) -> Programs {
        let (cleaning, cleaning_seen) = watch::channel(false);
        let (lives, exited) = Default::default();
        let progress = Progress { director: Director::Preparing, lives, exited };
        let steps = log.clone();
        // The fault may be due at once, and is known to the schedule after the step.
        let sights = Sights::new(&plan, log.clone(), move || steps.end_step_here());
        let sink: Arc<dyn EventSink> = match &sights {
            Some(sights) => sights.clone(),
            None => log.clone(),
        };
        let shared = Shared {
            plan,
            log,
            sink,
            commons: Arc::new(Commons::new()),
            system,
            progress: Arc::new(Mutex::new(progress)),
            orders: Orders::default(),
            cleaning: cleaning_seen,
        };
        Programs { shared, sights, cleaning }
    }

    pub(super) fn plan(&self) -> Arc<Plan> {
        self.shared.plan.clone()
    }

    pub(super) fn log(&self) -> Arc<EventLog> {
        self.shared.log.clone()
    }

    /// Servers first, then users' hosts in the order of the plan, then the run's own.
    pub(super) fn add_hosts(&self, engine: &mut dyn Engine) {
        for server in self.shared.system.deploy(&self.shared.plan) {
            let (shared, name, server) = (self.shared.clone(), server.name().to_owned(), Arc::new(server));
            engine.add_host(&name, Box::new(move |host| Box::pin(serve(shared.clone(), server.clone(), host))));
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
        self.shared.orders.enter(phase);
    }

    /// Tells the programs of a host to stop.
    pub(super) fn stop(&self, host: &str) {
        self.shared.orders.stop(host);
    }

    /// The programs of a host are about to start again.
    pub(super) fn start(&self, host: &str) {
        self.shared.orders.start(host);
    }

    /// Whether every program of a host that was told to stop has done so.
    pub(super) fn has_exited(&self, host: &str) -> bool {
        let progress = self.shared.progress();
        let mut users = self.shared.plan.users.iter().filter(|user| user.host == *host).peekable();
        match users.peek() {
            Some(_) => users.all(|user| progress.lives.has_left(user.number)),
            None => progress.exited.contains(host),
        }
    }

    /// Messages that faults have waited for, since the last call.
    pub(super) fn sighted(&self) -> Vec<Hit> {
        self.sights.as_ref().map_or_else(Vec::new, |sights| sights.take())
    }

    /// Lets the run's own program clean up.
    pub(super) fn let_clean_up(&self) {
        self.cleaning.send_replace(true);
    }

    pub(super) fn director(&self) -> Director {
        self.shared.progress().director.clone()
    }

    pub(super) fn has_ended(&self, user: u32) -> bool {
        self.shared.progress().lives.has_ended(user)
    }
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something has come to its end, which the driver waits for.
    fn advance(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress());
        self.log.end_step_here();
    }

    fn env(&self, host: &Host, who: &str) -> UserEnv<SimNetwork> {
        let run_id = Name::from(format!("seed-{}", self.plan.seed));
        let mut target = Target::plain(FIRST_SERVER, self.system.port(), &user_agent(&run_id));
        target.path = self.system.path().to_owned();
        UserEnv {
            plan: self.plan.clone(),
            network: host.network.clone(),
            surroundings: host.surroundings(who),
            target: Arc::new(target),
            sink: self.sink.clone(),
            commons: self.commons.clone(),
            journal: Arc::new(NoJournal),
            tokens: None,
            phase: self.orders.of(&host.name),
            run_id,
        }
    }
}

/// All users of a host, each in a task of its own.
async fn play_users(shared: Shared, host: Host, users: Vec<u32>) {
    for number in users {
        let Some(user) = shared.plan.user(number) else { continue };
        let life = shared.progress().lives.begin(user, host.incarnation, shared.log.now_ns());
        // It may have done all it wanted before its host died.
        let Some(life) = life else { continue };
        let env = shared.env(&host, &user.name);
        let (shared, spawner, host) = (shared.clone(), env.surroundings.spawner.clone(), host.name.clone());
        let playing = Box::pin(async move {
            play_user(Arc::new(env), number, life).await;
            let is_stopped = shared.orders.is_stopped(&host);
            shared.advance(|progress| progress.lives.end(number, is_stopped));
        });
        spawner.spawn("user", playing).detach();
    }
}

/// The run's own program.
async fn direct(shared: Shared, host: Host) {
    let env = shared.env(&host, "run");
    let prepared = prepare(&env, |_| ()).await;
    let director = match prepared {
        Ok(_) => Director::Prepared,
        Err(error) => Director::Failed(error.to_string()),
    };
    shared.advance(|progress| progress.director = director);
    // An error means that the driver is gone, and with it this host.
    let _ = shared.cleaning.clone().wait_for(|may| *may).await;
    clean_up(&env).await;
    shared.advance(|progress| progress.director = Director::CleanedUp);
}

/// One incarnation of a server, until it ends by itself or its host dies.
async fn serve(shared: Shared, server: Arc<Server<SimNetwork>>, host: Host) {
    shared.progress().exited.remove(&host.name);
    let name = host.name.clone();
    let (mut told, orders, of) = (shared.orders.of(&name), shared.orders.clone(), name.clone());
    // The end of the run alone is none for a server: others still leave. An error means that there is nobody left to ask.
    let stop = Stop::new(async move { drop(told.wait_for(|_| orders.is_stopped(&of)).await) });
    server.start(seen_by_server(host, shared.system.port()), stop).await;
    shared.advance(|progress| _ = progress.exited.insert(name));
}
