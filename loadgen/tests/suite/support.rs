//! For tests: the reference server on a free loopback port, and plans written by hand.

use rehearsal_loadgen::live::machine::{self, MachineSpawner};
use rehearsal_loadgen::live::network::{LiveListener, TcpNetwork};
use rehearsal_loadgen::live::tls::Trust;
use rehearsal_loadgen::target::{Target, user_agent};
use rehearsal_reference::identity::Hs256Identity;
use rehearsal_reference::network::{Listener, Network};
use rehearsal_reference::server::{Server, ServerOptions};
use rehearsal_reference::store::MemoryRoomStore;
use rehearsal_reference::surroundings::Surroundings;
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{
    Behaviour, ChecksPlan, ClientPlan, Expectation, Identities, Limits, LivePlan, NetworkPlan, Otherwise, Phases, Plan,
    PreparePlan, Profile, Protocol, Service, Stage, Step, Strategy, SystemPlan, UserPlan, Verb, WorkerPlan, World,
};
use std::sync::Arc;
use tokio::sync::oneshot;

pub const MS: u64 = 1_000_000;

/// A running server; it ends with this value.
pub struct Served {
    pub port: u16,
    pub surroundings: Surroundings,
    spawner: Arc<MachineSpawner>,
    _stop: oneshot::Sender<()>,
}

impl Served {
    pub async fn start(options: ServerOptions) -> Served {
        let listener = network().bind("127.0.0.1:0").await.unwrap();
        Served::start_on(listener, options)
    }

    pub fn start_on(listener: LiveListener, options: ServerOptions) -> Served {
        let port = listener.local_addr().unwrap().port();
        let (surroundings, spawner) = machine::surroundings();
        let identity = Arc::new(Hs256Identity::simulated());
        let server = Server::new(options, surroundings.clone(), identity, Arc::new(MemoryRoomStore::new()));
        let (stop, stopped) = oneshot::channel::<()>();
        let running = async move { server.run(listener, async { drop(stopped.await) }).await };
        surroundings.spawner.spawn("test: server", Box::pin(running)).detach();
        Served { port, surroundings, spawner, _stop: stop }
    }

    /// Ends everything at once, as a crash does.
    pub async fn kill(&self) {
        self.spawner.end_all().await;
    }

    pub fn target(&self) -> Target {
        target(self.port)
    }
}

pub fn target(port: u16) -> Target {
    Target::plain("127.0.0.1", port, &user_agent("test"))
}

pub fn network() -> TcpNetwork {
    TcpNetwork::new(&Trust::Machine).unwrap()
}

pub fn plan(users: Vec<UserPlan>) -> Plan {
    Plan {
        scenario: "test".into(),
        about: String::new(),
        parameters: Default::default(),
        seed: 1,
        world: World::Live,
        system: SystemPlan {
            service: Service::Reference,
            stage: Stage::Single,
            servers: 1,
            defects: Vec::new(),
            restart_takes_ns: 0,
            profile: Profile::Documented,
            identity: Default::default(),
            limits: Limits::default(),
        },
        network: NetworkPlan::new(Distribution::Fixed(0), 1_000 * MS),
        rooms: vec!["room-0".into()],
        tables: Default::default(),
        users,
        faults: Vec::new(),
        delay_points: Vec::new(),
        drawn: Vec::new(),
        phases: Phases {
            prepare_ns: 10_000 * MS,
            measure_ns: 10_000 * MS,
            settle_ns: 100 * MS,
            cleanup_ns: 10_000 * MS,
            ..Phases::default()
        },
        prepare: PreparePlan { sign_in_rate: 0.0, identities: Identities::PerUser },
        checks: ChecksPlan::default(),
        thresholds: Vec::new(),
        live: LivePlan::default(),
        expect: Expectation::Holds,
    }
}

pub fn user(number: u32, group: &str, nth: u32, behaviour: Behaviour) -> UserPlan {
    UserPlan {
        number,
        name: format!("{group}-{nth}"),
        group: group.into(),
        room: 0,
        host: format!("{group}-{nth}"),
        start_ns: 0,
        protocol: Protocol::V2,
        role: match behaviour {
            Behaviour::Worker(_) => "worker".into(),
            Behaviour::Client(_) => "client".into(),
            Behaviour::Flow(_) => "peer".into(),
        },
        behaviour,
        tags: Vec::new(),
        properties: Default::default(),
        drop_when_late_ns: None,
        churn: None,
        rows: None,
    }
}

pub fn worker(job_ms: u64) -> Behaviour {
    let job = Distribution::Fixed(job_ms * MS);
    Behaviour::Worker(Box::new(WorkerPlan { strategy: Strategy::MetadataFirst, defects: Vec::new(), job }))
}

pub fn client(jobs: u32) -> Behaviour {
    Behaviour::Client(Box::new(ClientPlan {
        strategy: Strategy::MetadataFirst,
        defects: Vec::new(),
        jobs,
        think: Distribution::Fixed(0),
        pace: None,
        choose: Default::default(),
        ask: 1,
        cancel_after: None,
    }))
}

pub fn step(verb: Verb) -> Step {
    Step { name: String::new(), verb, save: Default::default(), otherwise: Otherwise::Fail, span: None }
}

pub fn saving(verb: Verb, name: &str, pointer: &str) -> Step {
    Step { save: [(name.to_owned(), pointer.to_owned())].into(), ..step(verb) }
}
