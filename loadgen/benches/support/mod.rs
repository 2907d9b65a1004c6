//! What benchmarks share: the stand on which users play a plan, with recording, checks and numbers on as in a live run.

use rehearsal_loadgen::commons::{Commons, IdentityCredentials, RoomCredentials, RunPhase};
use rehearsal_loadgen::journal::NoJournal;
use rehearsal_loadgen::live::files::Files;
use rehearsal_loadgen::live::machine;
use rehearsal_loadgen::live::network::TcpNetwork;
use rehearsal_loadgen::live::progress::OnProgress;
use rehearsal_loadgen::live::recorder::{self, Recorded, Shared};
use rehearsal_loadgen::live::tls::Trust;
use rehearsal_loadgen::live::umpires::Umpires;
use rehearsal_loadgen::target::{Target, user_agent};
use rehearsal_loadgen::users::{UserEnv, play_user};
use rehearsal_reports::record::{FORMAT, Header};
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, load};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;

/// A stand with a recorder that runs; [`Stand::end`] ends it.
pub struct Stand {
    shared: Arc<Shared>,
    env: Arc<UserEnv<TcpNetwork>>,
    phase: watch::Sender<RunPhase>,
    thread: JoinHandle<Recorded>,
    _folder: TempDir,
}

impl Stand {
    /// Opens a record in a folder of its own and starts the recorder.
    pub fn new(plan: Plan, port: u16, on_progress: OnProgress) -> Stand {
        let folder = tempfile::tempdir().unwrap();
        let plan = Arc::new(plan);
        let files = Files::create(folder.path(), header(&plan)).unwrap();
        let shared = Shared::start().unwrap();
        let thread =
            recorder::start(plan.clone(), files, shared.clone(), Umpires::new(&plan, None, None), on_progress).unwrap();
        let (phase, phases) = watch::channel(RunPhase::Preparing);
        let env = Arc::new(UserEnv {
            network: TcpNetwork::new(&Trust::Machine).unwrap(),
            surroundings: machine::surroundings().0,
            target: Arc::new(Target::plain("127.0.0.1", port, &user_agent("bench"))),
            sink: shared.clone(),
            commons: Arc::new(commons(&plan)),
            journal: Arc::new(NoJournal),
            tokens: None,
            phase: phases,
            run_id: "bench".into(),
            plan,
        });
        Stand { shared, env, phase, thread, _folder: folder }
    }

    /// Plays from time 0 to the end of the measure phase, and until every user has left.
    pub async fn play(&self) {
        let mut tasks = tokio::task::JoinSet::new();
        for user in &self.env.plan.users {
            tasks.spawn(play_user(self.env.clone(), user.number, 0));
        }
        let meter = self.shared.clone();
        let meter = tokio::spawn(async move { meter.lag.run(&meter.pacer, |_| {}).await });
        self.shared.sink.set_zero();
        self.phase.send_replace(RunPhase::Playing);
        tokio::time::sleep(Duration::from_nanos(self.env.plan.phases.measured().end)).await;
        self.phase.send_replace(RunPhase::Settling);
        self.shared.answered(Duration::from_nanos(self.env.plan.phases.settle_ns / 2)).await;
        self.phase.send_replace(RunPhase::Leaving);
        tasks.join_all().await;
        meter.abort();
    }

    /// What was recorded.
    pub fn end(self) -> Recorded {
        self.shared.end(true, Vec::new());
        let recorded = self.thread.join().unwrap();
        assert!(recorded.write_error.is_none());
        recorded
    }
}

/// The plan of a scenario file's text for the live world.
pub fn plan(text: &str) -> Plan {
    let scenario = load("bench", text.as_bytes(), &Overrides::default()).unwrap();
    scenario.plan(1, World::Live)
}

fn commons(plan: &Plan) -> Commons {
    let commons = Commons::new();
    commons.add_room(RoomCredentials { id: "room".into(), token: "token".into() });
    for user in &plan.users {
        commons.add_identity(user.number, IdentityCredentials { username: user.name.clone(), id_token: "".into() });
    }
    commons
}

fn header(plan: &Plan) -> Header {
    Header {
        format: FORMAT,
        scenario: plan.scenario.clone(),
        text: String::new(),
        parameters: Default::default(),
        seed: plan.seed,
        world: World::Live,
        engine: None,
        targets: Vec::new(),
        versions: Default::default(),
        lock_hash: String::new(),
        machine: None,
        arguments: Vec::new(),
        started_unix_s: None,
        segment: None,
        clock: None,
        merged: Vec::new(),
    }
}
