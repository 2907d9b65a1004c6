//! Drives a live run through its phases: guard, preflight, prepare, play, settle, clean up. Start here: [`run`].
//!
//! Neighbours: `recorder` (a thread beside it), `outcome` (what comes of it), `users` (who play). Left out: showing it, and
//! exit codes, which are the command line's. The multi-thread runtime is the caller's.

use super::breaker::Breaker;
use super::files::write_verdict;
use super::guard;
use super::machine::{self, MachineSpawner};
use super::network::TcpNetwork;
use super::opening::Opened;
use super::options::{Interrupt, LiveError, LiveOptions, LiveRun};
use super::outcome::{Ending, outcome};
use super::preflight::{Preflight, preflight};
use super::progress::{OnProgress, RunStage};
use super::recorder::{self, Shared};
use super::start::{Start, TooLate};
use super::startup::{self, Processes, Route};
use crate::cleanup::{LeftBehind, clean_up};
use crate::commons::{Commons, RunPhase};
use crate::journal::NoJournal;
use crate::prepare::prepare;
use crate::users::{UserEnv, play_user};
use rehearsal_scenarios::plan::{Behaviour, Phases, Plan};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// How long users may take to leave once the run has ended; each of them bounds its own leave by 5 s.
const LEAVE_WITHIN: Duration = Duration::from_secs(8);
/// A target on which nothing ever succeeds is left alone after this long.
const FIRST_SUCCESS_WITHIN: Duration = Duration::from_secs(10);

/// How often the circuit breaker looks.
const PULSE_EVERY: Duration = Duration::from_secs(1);

/// The first contact only (`--preflight-only`); `interrupt` ends it early.
pub async fn preflight_only(
    plan: Arc<Plan>,
    options: &LiveOptions,
    interrupt: watch::Receiver<Interrupt>,
) -> Result<Preflight, LiveError> {
    guard::check(&plan, &options.target, &options.allowed_hosts)?;
    let (mut env, _, _spawner) = environment(plan.clone(), options)?;
    let opened = Opened::create(&plan, options, env.surroundings.clock.now())?;
    env.journal = opened.journal.clone();
    let found = preflight(&env, &interrupt).await;
    opened.discard();
    found
}

/// Plays the plan against the target. `on_progress` hears of it once a second; `interrupt` ends it early.
pub async fn run(
    plan: Arc<Plan>,
    options: LiveOptions,
    on_progress: OnProgress,
    interrupt: watch::Receiver<Interrupt>,
) -> Result<LiveRun, LiveError> {
    guard::check(&plan, &options.target, &options.allowed_hosts)?;
    let start_up = startup::plan(&plan, Route::to(&options.target), Processes::One);
    start_up.check()?;
    let (mut env, phase, spawner) = environment(plan.clone(), &options)?;
    env.network = env.network.spread_over(start_up.sources_of(options.segment));
    let opened = Opened::create(&plan, &options, env.surroundings.clock.now())?;
    env.journal = opened.journal.clone();
    let preflight = match preflight(&env, &interrupt).await {
        Ok(found) => found,
        Err(error) => {
            opened.discard();
            return Err(error);
        }
    };
    let (record, files) = opened.keep();
    let failed = |error| LiveError::Record { folder: record.clone(), error };
    let shared = Shared::start().map_err(failed)?;
    env.sink = shared.clone();
    let thread = recorder::start(plan.clone(), files, shared.clone(), on_progress).map_err(failed)?;
    let mut run = Run { env, phase, shared, spawner, interrupt, start: options.start.clone() };
    let ending = run.play_all().await;
    let left_behind = run.finish(&ending).await;
    let Ok(recorded) = thread.join() else { return Err(LiveError::RecorderStopped { folder: record }) };
    let (unreachable, events) = (ending.unreachable(&recorded), recorded.events);
    let interrupted = *run.interrupt.borrow();
    let mut outcome = outcome(&plan, &options, &record, recorded, &preflight, &left_behind, &ending);
    outcome.notes.extend(run.env.network.reached().remark());
    if let Err(error) = write_verdict(&record, &outcome, events) {
        return Err(LiveError::Record { folder: record, error });
    }
    Ok(LiveRun { outcome, record, left_behind, interrupted, unreachable })
}

type Env = UserEnv<TcpNetwork>;

fn environment(
    plan: Arc<Plan>,
    options: &LiveOptions,
) -> Result<(Env, watch::Sender<RunPhase>, Arc<MachineSpawner>), LiveError> {
    let (surroundings, spawner) = machine::surroundings();
    let (tell, phase) = watch::channel(RunPhase::Preparing);
    let give_up_after = Duration::from_nanos(plan.network.tcp_timeout_ns);
    let env = UserEnv {
        plan,
        network: TcpNetwork::new(&options.trust)?.giving_up_after(give_up_after),
        surroundings,
        target: Arc::new(options.target.clone()),
        sink: Arc::new(super::preflight::Nowhere),
        commons: Arc::new(Commons::new()),
        journal: Arc::new(NoJournal),
        phase,
        run_id: options.run_id.as_str().into(),
    };
    Ok((env, tell, spawner))
}

/// A run that goes on.
struct Run {
    env: Env,
    phase: watch::Sender<RunPhase>,
    shared: Arc<Shared>,
    spawner: Arc<MachineSpawner>,
    interrupt: watch::Receiver<Interrupt>,
    start: Start,
}

impl Run {
    /// Prepares, plays and settles.
    async fn play_all(&mut self) -> Ending {
        let mut interrupt = self.interrupt.clone();
        tokio::select! {
            biased;
            _ = asked(&mut interrupt, Interrupt::Polite) => return Ending::Interrupted,
            prepared = self.prepare() => if let Err(reason) = prepared {
                return Ending::NotPrepared(reason);
            },
        }
        tokio::select! {
            biased;
            _ = asked(&mut interrupt, Interrupt::Polite) => return Ending::Interrupted,
            started = self.time_zero() => if let Err(too_late) = started {
                return Ending::TooLate(too_late.to_string());
            },
        }
        self.watch_over();
        let mut users = self.start_users();
        let ending = tokio::select! {
            biased;
            _ = asked(&mut interrupt, Interrupt::Polite) => Ending::Interrupted,
            ending = self.play(&mut users) => ending,
        };
        self.phase.send_replace(RunPhase::Ended);
        tokio::select! {
            biased;
            _ = asked(&mut interrupt, Interrupt::Now) => {}
            _ = timeout(LEAVE_WITHIN, users.all_ended()) => {}
        }
        ending
    }

    /// Waits for time 0.
    async fn time_zero(&self) -> Result<(), TooLate> {
        match self.start.moment().await? {
            None => self.shared.sink.set_zero(),
            Some(moment) => {
                self.shared.sink.set_zero_at(moment);
                self.shared.enter(RunStage::Waiting);
                self.shared.pacer.until(moment).await;
            }
        }
        Ok(())
    }

    async fn prepare(&self) -> Result<(), String> {
        let of = self.env.plan.rooms.len() + self.env.plan.users.len();
        self.shared.enter(RunStage::Prepare { made: 0, of });
        let progress = |made: crate::prepare::Prepared| {
            self.shared.enter(RunStage::Prepare { made: made.rooms + made.identities, of });
        };
        prepare(&self.env, progress).await.map(drop).map_err(|error| error.to_string())
    }

    /// The lag meter and the target's metrics, for as long as the run goes on.
    fn watch_over(&self) {
        let (meter, probe, env) = (self.shared.clone(), self.shared.clone(), self.env.clone());
        let spawner = &self.env.surroundings.spawner;
        let ticks = async move { meter.lag.run(&meter.pacer, |length| meter.stood_still(length)).await };
        spawner.spawn("lag meter", Box::pin(ticks)).detach();
        spawner.spawn("target metrics", Box::pin(async move { probe.probe.run(&env).await })).detach();
    }

    fn start_users(&self) -> Users {
        let (ended, ends) = mpsc::unbounded_channel();
        let mut users = Users { ends, playing: 0, finite: 0 };
        for user in &self.env.plan.users {
            let is_finite = !matches!(user.behaviour, Behaviour::Worker(_));
            users.playing += 1;
            users.finite += usize::from(is_finite);
            let (env, number, ended) = (self.env.clone(), user.number, ended.clone());
            // Told also when the user's task panics.
            let told = Told { is_finite, ended };
            let life = async move {
                let _told = told;
                play_user(env, number, 0).await;
            };
            self.env.surroundings.spawner.spawn("user", Box::pin(life)).detach();
        }
        users
    }

    /// Time 0 to the end of settling.
    async fn play(&self, users: &mut Users) -> Ending {
        self.phase.send_replace(RunPhase::Playing);
        let plan = &self.env.plan;
        let play_ns = plan.phases.measured().end;
        let mut ending = Ending::Complete;
        tokio::select! {
            biased;
            () = users.finite_ended() => {}
            () = self.stages(plan.phases) => {}
            () = self.never_succeeds() => ending = Ending::NothingSucceeded,
            () = self.breaks() => ending = Ending::BrokenOff,
            () = self.env.sleep_until(i64::try_from(play_ns).unwrap_or(i64::MAX)) => {}
        }
        self.shared.enter(RunStage::Settle);
        self.phase.send_replace(RunPhase::Settling);
        if ending != Ending::NothingSucceeded {
            let _ = timeout(Duration::from_nanos(plan.phases.settle_ns), users.all_ended()).await;
        }
        ending
    }

    /// Says which phase it is; never ends.
    async fn stages(&self, phases: Phases) {
        self.shared.enter(RunStage::Ramp);
        sleep(Duration::from_nanos(phases.ramp_ns)).await;
        self.shared.enter(RunStage::WarmUp);
        sleep(Duration::from_nanos(phases.warmup_ns)).await;
        self.shared.enter(RunStage::Measure);
        std::future::pending().await
    }

    /// Ends when operations fail and none has succeeded for a while.
    async fn never_succeeds(&self) {
        loop {
            sleep(FIRST_SUCCESS_WITHIN).await;
            let pulse = self.shared.pulse();
            if pulse.succeeded > 0 {
                return std::future::pending().await;
            }
            if pulse.errors > 0 {
                return;
            }
        }
    }

    /// Ends when the circuit breaker opens.
    async fn breaks(&self) {
        let mut breaker = Breaker::default();
        while !breaker.is_open(self.shared.pulse()) {
            sleep(PULSE_EVERY).await;
        }
    }

    /// Cleans up, unless it must end at once, and lets the recorder end.
    async fn finish(&mut self, ending: &Ending) -> LeftBehind {
        self.shared.enter(RunStage::CleanUp);
        let mut interrupt = self.interrupt.clone();
        let left = tokio::select! {
            biased;
            _ = asked(&mut interrupt, Interrupt::Now) => crate::cleanup::everything(&self.env.commons),
            left = clean_up(&self.env) => left,
        };
        // Whoever still plays is dropped, and writes its last events while that happens.
        let panics = self.spawner.panics();
        self.spawner.end_all().await;
        let mut faults: Vec<String> =
            panics.into_iter().map(|panic| format!("the generator has a bug: {panic}")).collect();
        faults.extend(self.env.network.starved().reasons());
        if let Ending::TooLate(reason) = ending {
            faults.push(reason.clone());
        }
        self.shared.end(*ending == Ending::Complete, faults);
        left
    }
}

/// Waits until at least this is asked.
pub(super) async fn asked(interrupt: &mut watch::Receiver<Interrupt>, at_least: Interrupt) {
    if interrupt.wait_for(|asked| *asked >= at_least).await.is_err() {
        // Nobody is left who could interrupt.
        std::future::pending().await
    }
}

/// Users that play, as their ends come in.
struct Users {
    ends: mpsc::UnboundedReceiver<bool>,
    playing: usize,
    finite: usize,
}

impl Users {
    /// Until every client and every flow has ended; for ever in a plan without any.
    async fn finite_ended(&mut self) {
        if self.finite == 0 {
            return std::future::pending().await;
        }
        while self.finite > 0 {
            self.next().await;
        }
    }

    async fn all_ended(&mut self) {
        while self.playing > 0 {
            self.next().await;
        }
    }

    async fn next(&mut self) {
        match self.ends.recv().await {
            Some(is_finite) => {
                self.playing -= 1;
                self.finite -= usize::from(is_finite);
            }
            None => (self.playing, self.finite) = (0, 0),
        }
    }
}

/// Tells that a user has ended, when dropped.
struct Told {
    is_finite: bool,
    ended: mpsc::UnboundedSender<bool>,
}

impl Drop for Told {
    fn drop(&mut self) {
        // Nobody listens any more once the run is over.
        let _ = self.ended.send(self.is_finite);
    }
}
