//! Drives a live run through its phases: guard, preflight, prepare, play, settle, clean up. Start here: [`run`].
//!
//! Neighbours: `recorder` (a thread beside it), `outcome` (what comes of it), `users` (who play). Left out: showing it, and
//! exit codes, which are the command line's. The multi-thread runtime is the caller's.

use super::breaker::Patience;
use super::faults::network::FaultyNetwork;
use super::faults::{Env, LiveFaults};
use super::files::write_verdict;
use super::guard;
use super::holding_back::HoldingBack;
use super::machine::{self, MachineSpawner};
use super::network::TcpNetwork;
use super::opening::Opened;
use super::options::{Interrupt, LiveError, LiveOptions, LiveRun};
use super::outcome::{Ending, outcome};
use super::preflight::{Preflight, preflight};
use super::progress::{OnProgress, RunStage};
use super::recorder::{self, Shared};
use super::secrets::{NoSecret, Secret};
use super::start::{Start, TooLate};
use super::startup::{self, Processes, Route};
use super::umpires::{Stop, Umpires};
use super::url;
use crate::cleanup::{LeftBehind, clean_up};
use crate::commons::{Commons, RunPhase};
use crate::faults::orders::Orders;
use crate::journal::NoJournal;
use crate::prepare::{PrepareError, Prepared, prepare};
use crate::steward::RUN;
use crate::tokens::Tokens;
use crate::users::UserEnv;
use rehearsal_reference::surroundings::Spawn;
use rehearsal_scenarios::plan::{Behaviour, Phases, Plan};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// How long users may take to leave once the run has ended; each of them bounds its own leave by 5 s.
const LEAVE_WITHIN: Duration = Duration::from_secs(8);
/// A target on which nothing ever succeeds is left alone after this long.
const FIRST_SUCCESS_WITHIN: Duration = Duration::from_secs(10);

/// The first contact only (`--preflight-only`); `interrupt` ends it early.
pub async fn preflight_only(
    plan: Arc<Plan>,
    options: &LiveOptions,
    interrupt: watch::Receiver<Interrupt>,
) -> Result<Preflight, LiveError> {
    guard::check(&plan, &options.target, &options.allowed_hosts, &options.policy)?;
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
    guard::check(&plan, &options.target, &options.allowed_hosts, &options.policy)?;
    let start_up = startup::plan(&plan, Route::to(&options.target), Processes::One);
    start_up.check()?;
    let (mut env, orders, spawner) = environment(plan.clone(), &options)?;
    env.network = FaultyNetwork::free(env.network.inner().clone().spread_over(start_up.sources_of(options.segment)));
    let opened = Opened::create(&plan, &options, env.surroundings.clock.now())?;
    env.journal = opened.journal.clone();
    let is_known = options.step.as_ref().is_some_and(|step| step.is_known);
    let contact = if is_known { Ok(Preflight::default()) } else { preflight(&env, &interrupt).await };
    let preflight = match contact {
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
    let umpires = Umpires::new(&plan, options.policy.rate_max, options.step.as_ref().map(|step| step.judge.clone()));
    let thread = recorder::start(plan.clone(), files, shared.clone(), umpires, on_progress).map_err(failed)?;
    let faults = LiveFaults::new(env.clone(), orders.clone(), spawner.clone());
    let breaker = HoldingBack::new(patience(&options), shared.clone(), env.commons.clone());
    let start = options.start.clone();
    let mut run = Run { env, orders, faults, breaker, shared, spawner, interrupt, start };
    let ending = run.play_all().await;
    let left_behind = run.finish(&ending).await;
    let Ok(recorded) = thread.join() else { return Err(LiveError::RecorderStopped { folder: record }) };
    let (unreachable, told) = (ending.unreachable(&recorded), recorded.told.clone());
    let interrupted = *run.interrupt.borrow();
    let mut outcome = outcome(&plan, &options, &record, recorded, &preflight, &left_behind, &ending);
    outcome.notes.extend(run.breaker.remark());
    outcome.notes.extend(run.env.network.inner().reached().remark());
    if let Err(error) = write_verdict(&record, &outcome, told) {
        return Err(LiveError::Record { folder: record, error });
    }
    Ok(LiveRun { outcome, record, left_behind, ending, interrupted, unreachable })
}

fn environment(plan: Arc<Plan>, options: &LiveOptions) -> Result<(Env, Orders, Arc<MachineSpawner>), LiveError> {
    for observed in &plan.live.observe {
        url::page(&observed.url, String::new())?;
    }
    let commons = Commons::new();
    let existing = plan.live.existing_rooms.iter().map(|place| Secret::parse(place)?.room());
    commons.join_existing(existing.collect::<Result<_, NoSecret>>()?);
    let (surroundings, spawner) = machine::surroundings();
    let orders = Orders::default();
    let give_up_after = Duration::from_nanos(plan.network.tcp_timeout_ns);
    let env = UserEnv {
        plan,
        network: FaultyNetwork::free(TcpNetwork::new(&options.trust)?.giving_up_after(give_up_after)),
        surroundings,
        target: Arc::new(options.target.clone()),
        sink: Arc::new(super::preflight::Nowhere),
        commons: Arc::new(commons),
        journal: Arc::new(NoJournal),
        tokens: options.policy.token.clone().map(|token| Arc::new(token) as Arc<dyn Tokens>),
        phase: orders.of(RUN),
        run_id: options.run_id.as_str().into(),
    };
    Ok((env, orders, spawner))
}

/// A step of a search is decided by a target that is not reached: there is nothing to wait for.
fn patience(options: &LiveOptions) -> Patience {
    let given = options.policy.patience;
    if options.step.is_some() { Patience { tries: 0, ..given } } else { given }
}

/// A run that goes on.
struct Run {
    env: Env,
    orders: Orders,
    faults: Arc<LiveFaults>,
    breaker: HoldingBack,
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
            prepared = self.prepare() => match prepared {
                Ok(()) => {}
                Err(too_long @ PrepareError::TooLong { .. }) => return Ending::TooLate(too_long.to_string()),
                Err(error) => return Ending::NotPrepared(error.to_string()),
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
        self.shared.enter(RunStage::Settle);
        self.env.commons.end_at(self.env.sink.now_ns());
        self.faults.heal();
        self.orders.enter(RunPhase::Ended);
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

    async fn prepare(&self) -> Result<(), PrepareError> {
        let of = Prepared::all(&self.env.plan);
        self.shared.enter(RunStage::Prepare { made: 0, of });
        let progress = |made: Prepared| self.shared.enter(RunStage::Prepare { made: made.count(), of });
        prepare(&self.env, progress).await.map(drop)
    }

    /// The lag meter and the target's metrics, for as long as the run goes on.
    fn watch_over(&self) {
        let (meter, probe, env) = (self.shared.clone(), self.shared.clone(), self.env.clone());
        let spawner = &self.env.surroundings.spawner;
        let ticks = async move { meter.lag.run(&meter.pacer, |length| meter.stood_still(length)).await };
        spawner.spawn("lag meter", Box::pin(ticks)).detach();
        spawner.spawn("target metrics", Box::pin(async move { probe.probes.run(&env).await })).detach();
    }

    fn start_users(&self) -> Users {
        let (ended, ends) = mpsc::unbounded_channel();
        let mut users = Users { ends, playing: 0, finite: 0 };
        for user in &self.env.plan.users {
            let is_finite = !matches!(user.behaviour, Behaviour::Worker(_));
            users.playing += 1;
            users.finite += usize::from(is_finite);
            self.faults.start(user, Box::new(Told { is_finite, ended: ended.clone() }));
        }
        users
    }

    /// Time 0 to the end of settling.
    async fn play(&self, users: &mut Users) -> Ending {
        self.orders.enter(RunPhase::Playing);
        self.spawner.spawn("faults", Box::pin(self.faults.clone().run())).detach();
        let plan = &self.env.plan;
        let play_ns = plan.phases.measured().end;
        let mut ending = Ending::Complete;
        tokio::select! {
            biased;
            () = users.finite_ended() => {}
            () = self.stages(plan.phases) => {}
            () = self.never_succeeds() => ending = Ending::NothingSucceeded,
            () = self.breaker.run() => ending = Ending::BrokenOff,
            stop = self.shared.stopped() => match stop {
                Stop::Decided => {}
                Stop::Aborted(aborted) => ending = Ending::Aborted(aborted),
            },
            () = self.env.sleep_until(i64::try_from(play_ns).unwrap_or(i64::MAX)) => {}
        }
        self.shared.enter(RunStage::Settle);
        self.env.commons.end_at(self.env.sink.now_ns());
        self.breaker.release();
        self.faults.heal();
        self.orders.enter(RunPhase::Settling);
        if ending != Ending::NothingSucceeded {
            let settle = Duration::from_nanos(plan.phases.settle_ns);
            let settled = async {
                self.shared.answered(settle / 2).await;
                self.orders.enter(RunPhase::Leaving);
                users.all_ended().await;
            };
            let _ = timeout(settle, settled).await;
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
        self.faults.end_all().await;
        self.spawner.end_all().await;
        let mut faults: Vec<String> =
            panics.into_iter().map(|panic| format!("the generator has a bug: {panic}")).collect();
        faults.extend(self.env.network.inner().starved().reasons());
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
