//! The recorder: a thread of its own that numbers events, writes them, and folds checks and numbers over them while the run
//! goes on. Users only append to the sink. Neighbours: `sink` (where events wait), `files` (where they go), `driver`.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "live runs have a thread for files, and read the machine's clock"
)]

use super::files::Files;
use super::generator::GeneratorWatch;
use super::guard::planned_per_second;
use super::holding_back::Restraint;
use super::lag::LagMeter;
use super::pacer::Pacer;
use super::probes::Probes;
use super::progress::{OnProgress, Progress, RunStage};
use super::pulse::{Pulse, in_second};
use super::samples::Sample;
use super::sink::{LiveSink, Stamped};
use super::threads;
use super::umpires::{Stop, Umpires};
use crate::commons::lock;
use crate::sink::{Draft, EventSink, Wait};
use crate::steward::RUN;
use rehearsal_reports::checks::RunEnd;
use rehearsal_reports::checks::standstills::STANDSTILL;
use rehearsal_reports::event::{Body, Event, Kind, Name};
use rehearsal_reports::judge::Judge;
use rehearsal_reports::metrics::MetricSeries;
use rehearsal_reports::numbers::{self, MEASURE, Numbers};
use rehearsal_reports::outcome::{Generator, ObservedSeries, Validity};
use rehearsal_reports::record::Told;
use rehearsal_reports::verdict::CheckVerdict;
use rehearsal_scenarios::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// How long events wait for the thread: long enough to make batches, short enough that a kill loses little.
const BATCH_EVERY: Duration = Duration::from_millis(20);
/// How often everything is flushed, sampled and told.
const BEAT_EVERY: Duration = Duration::from_secs(1);
/// Distance between two looks at whether everything is answered.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What driver and recorder tell each other.
pub struct Shared {
    /// Where events wait.
    pub sink: LiveSink,
    /// Wakes users at their planned times.
    pub pacer: Pacer,
    /// How late it was about that.
    pub lag: LagMeter,
    /// Metrics of the target and of what is observed.
    pub probes: Probes,
    status: Mutex<Status>,
    stop: watch::Sender<Option<Stop>>,
}

/// What the driver says and what the recorder found, as of the last beat.
#[derive(Clone, Debug, Default)]
struct Status {
    stage: RunStage,
    restraint: Restraint,
    faults: Vec<String>,
    is_complete: bool,
    pulse: Pulse,
}

impl Shared {
    /// Starts the pacer's thread; nothing is recorded yet.
    pub fn start() -> std::io::Result<Arc<Shared>> {
        Ok(Arc::new(Shared {
            sink: LiveSink::default(),
            pacer: Pacer::start()?,
            lag: LagMeter::default(),
            probes: Probes::default(),
            status: Mutex::default(),
            stop: watch::Sender::new(None),
        }))
    }

    /// Where the run stands from now on. The record says when users began nothing new any more, which may be before the plan's time.
    pub fn enter(&self, stage: RunStage) {
        let was = std::mem::replace(&mut lock(&self.status).stage, stage);
        if was.is_playing() && !stage.is_playing() {
            self.record(Draft::new(RUN.into(), Kind::Ended, MEASURE.into(), Body::Empty));
        }
    }

    /// How the target is treated from now on.
    pub fn restrain(&self, restraint: Restraint) {
        lock(&self.status).restraint = restraint;
    }

    /// The generator noticed nothing for so long, until now: checks with a time bound have to know.
    pub fn stood_still(&self, length: Duration) {
        let length_ns = i64::try_from(length.as_nanos()).unwrap_or(i64::MAX);
        let (name, what) = (Name::from(STANDSTILL), Name::from(format!("for {length:.0?}, ended")));
        let body = Body::Fault { name, what, hosts: Vec::new(), users: Vec::new() };
        let planned_ns = Some(self.now_ns().saturating_sub(length_ns));
        self.record(Draft { planned_ns, ..Draft::new(RUN.into(), Kind::Fault, Name::default(), body) });
    }

    /// Operations since time 0, as of the last beat.
    pub fn pulse(&self) -> Pulse {
        lock(&self.status).pulse
    }

    /// Waits until somebody says that the run must end before its time.
    pub async fn stopped(&self) -> Stop {
        let mut stop = self.stop.subscribe();
        // The sender is in here, so that waiting cannot fail.
        let stopped = stop.wait_for(Option::is_some).await.ok().and_then(|stop| stop.clone());
        match stopped {
            Some(stop) => stop,
            None => std::future::pending().await,
        }
    }

    /// Waits until what was begun is answered, but no longer than this. A crowd that leaves at once keeps processors busy, the
    /// generator's and the target's: the last answers that count would be late by that.
    pub async fn answered(&self, within: Duration) {
        let all = async {
            while self.sink.under_way() > 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let _ = tokio::time::timeout(within, all).await;
    }

    /// The run is over. `faults` are reasons of the generator's own why its numbers cannot be trusted.
    pub fn end(&self, is_complete: bool, faults: Vec<String>) {
        let mut status = lock(&self.status);
        status.is_complete = is_complete;
        status.faults = faults;
        drop(status);
        self.sink.end();
    }
}

/// The sink that users see.
impl EventSink for Shared {
    fn now_ns(&self) -> i64 {
        self.sink.now_ns()
    }
    fn record(&self, event: Draft) {
        self.sink.record(event);
    }
    fn sleep_until(&self, plan_ns: i64) -> Wait<'_> {
        Box::pin(async move {
            match self.sink.moment(plan_ns) {
                // What has passed waited for its user, who was busy with the target: that is no lag of the generator.
                Some(at) => self.pacer.until(at).await.into_iter().for_each(|late| self.lag.sent(late)),
                None => std::future::pending().await,
            }
        })
    }
}

/// What the recorder gives back.
pub struct Recorded {
    /// What the checks say.
    pub verdicts: Vec<CheckVerdict>,
    /// How the generator did.
    pub generator: Generator,
    /// Operations of users since time 0.
    pub pulse: Pulse,
    /// Latencies and errors.
    pub numbers: numbers::Totals,
    /// Plan time of the last event, in nanoseconds.
    pub end_ns: i64,
    /// Faults that struck, by name.
    pub struck: BTreeSet<Name>,
    /// What there is to tell of the record.
    pub told: Told,
    /// What was observed.
    pub observed: Vec<ObservedSeries>,
    /// How often what is observed did not answer, by its name.
    pub unanswered: BTreeMap<String, u64>,
    /// Why the record is not whole, if it is not.
    pub write_error: Option<String>,
}

/// Starts the thread.
pub fn start(
    plan: Arc<Plan>,
    files: Files,
    shared: Arc<Shared>,
    umpires: Umpires,
    on_progress: OnProgress,
) -> std::io::Result<JoinHandle<Recorded>> {
    let recorder = Recorder {
        judge: Judge::new(&plan),
        numbers: Numbers::new(&plan).counting(umpires.limits(&plan)),
        umpires,
        metrics: MetricSeries::default(),
        rate_planned: Some(planned_per_second(&plan)).filter(|rate| *rate > 0.0),
        pulse: Pulse::default(),
        hit: BTreeSet::new(),
        struck: BTreeSet::new(),
        watch: GeneratorWatch::default(),
        held: Some(Vec::new()),
        next_n: 0,
        end_ns: 0,
        plan,
        files,
        shared,
        on_progress,
    };
    std::thread::Builder::new().name("recorder".into()).spawn(move || recorder.run())
}

/// While time 0 is not known, times in the file count towards one day after the record was opened: only their order and
/// their distances mean something. They are written again when time 0 has come.
const BEFORE_ZERO_NS: i64 = 86_400 * 1_000_000_000;

struct Recorder {
    plan: Arc<Plan>,
    files: Files,
    shared: Arc<Shared>,
    on_progress: OnProgress,
    judge: Judge,
    numbers: Numbers,
    umpires: Umpires,
    metrics: MetricSeries,
    rate_planned: Option<f64>,
    pulse: Pulse,
    /// Users whom a fault of the plan has hit.
    hit: BTreeSet<Name>,
    struck: BTreeSet<Name>,
    watch: GeneratorWatch,
    // Events of the preparation wait here to be judged, until time 0 is known. The file has them already.
    held: Option<Vec<Stamped>>,
    next_n: u64,
    end_ns: i64,
}

impl Recorder {
    fn run(mut self) -> Recorded {
        threads::give_way();
        let mut batch = Vec::new();
        let mut next_beat = Instant::now() + BEAT_EVERY;
        loop {
            let is_over = self.shared.sink.take(&mut batch, BATCH_EVERY);
            self.take_in(&mut batch);
            if is_over {
                break;
            }
            if Instant::now() >= next_beat {
                next_beat = Instant::now() + BEAT_EVERY;
                self.beat();
            }
        }
        self.beat();
        self.finish()
    }

    fn take_in(&mut self, batch: &mut Vec<Stamped>) {
        if let Some(mut held) = self.held.take() {
            let Some(zero_ns) = self.shared.sink.zero_ns() else { return self.hold(held, batch) };
            held.append(batch);
            self.begin(held, zero_ns);
        }
        let zero_ns = self.shared.sink.zero_ns().unwrap_or_default();
        for stamped in batch.drain(..) {
            let event = self.stamp(stamped, zero_ns);
            self.observe(&event);
            self.files.write(&event);
        }
    }

    /// Events before time 0 is known: a run that is killed while it prepares leaves them in its record.
    fn hold(&mut self, mut held: Vec<Stamped>, batch: &mut Vec<Stamped>) {
        for stamped in batch.iter() {
            let since_start_ns = stamped.since_start_ns.min(BEFORE_ZERO_NS - 1);
            self.files.write(&stamped.event.clone().stamp(self.next_n, since_start_ns - BEFORE_ZERO_NS));
            self.next_n += 1;
        }
        if !batch.is_empty() {
            self.files.flush();
        }
        held.append(batch);
        self.held = Some(held);
    }

    /// Time 0 is known: the preparation gets its times, in place of those that it had in the file.
    fn begin(&mut self, held: Vec<Stamped>, zero_ns: i64) {
        self.next_n = 0;
        let prepared: Vec<Event> = held.into_iter().map(|stamped| self.stamp(stamped, zero_ns)).collect();
        self.files.begin(unix_s(self.shared.sink.age_ns() - zero_ns), &prepared);
        prepared.iter().for_each(|event| self.observe(event));
    }

    fn stamp(&mut self, stamped: Stamped, zero_ns: i64) -> Event {
        let n = self.next_n;
        self.next_n += 1;
        stamped.event.stamp(n, stamped.since_start_ns - zero_ns)
    }

    fn observe(&mut self, event: &Event) {
        self.end_ns = event.t_ns;
        self.judge.observe(event);
        if let (Kind::Fault, Body::Fault { name, users, .. }) = (event.kind, &event.body) {
            self.hit.extend(users.iter().cloned());
            self.struck.insert(name.clone());
        }
        self.pulse.observe(event, self.hit.contains(&event.user));
        self.numbers.observe(event);
    }

    fn beat(&mut self) {
        let probed = self.shared.probes.take();
        let sample = Sample {
            t_ns: self.shared.now_ns(),
            generator: self.watch.sample(&self.shared.lag),
            target: probed.target,
            observed: probed.fresh.clone(),
            unanswered: probed.unanswered.clone(),
        };
        self.files.sample(&sample);
        self.metrics.add(sample.t_ns, &probed.fresh);
        self.files.latencies(&self.numbers.drain_intervals());
        self.files.flush();
        let (rate, busiest) = self.numbers.last_second().map_or((0, None), in_second);
        let mut status = lock(&self.shared.status);
        status.pulse = self.pulse;
        let (stage, restraint) = (status.stage, status.restraint);
        drop(status);
        let tallies = self.numbers.take_tallies();
        if let Some(stop) = self.umpires.look(stage, sample.t_ns, &tallies, &probed.around) {
            self.shared.stop.send_if_modified(|known| known.is_none().then(|| *known = Some(stop)).is_some());
        }
        let progress = Progress {
            stage,
            restraint,
            t_ns: sample.t_ns,
            end_ns: i64::try_from(self.plan.end_ns()).unwrap_or(i64::MAX),
            users: self.numbers.connected_users(),
            users_planned: self.plan.users.len(),
            rate,
            rate_planned: self.rate_planned,
            operations_now: self.numbers.last_second().map(|second| second.operations.clone()).unwrap_or_default(),
            error_classes: self.numbers.errors(),
            metrics: probed.around.metrics,
            lag_max_ns: sample.generator.lag_max_ns,
            cpu_cores: sample.generator.cpu_cores,
            rss_bytes: sample.generator.rss_bytes,
            p50_ns: busiest.and_then(|operation| operation.p50_ns),
            p99_ns: busiest.and_then(|operation| operation.p99_ns),
            errors: self.pulse.errors,
            operations: self.pulse.operations(),
            generator: self.validity(),
        };
        (self.on_progress)(&progress);
    }

    fn validity(&self) -> Validity {
        self.watch.judge(self.shared.lag.totals(), Vec::new()).validity
    }

    fn finish(mut self) -> Recorded {
        let status = lock(&self.shared.status).clone();
        let end = RunEnd { t_ns: self.end_ns, complete: status.is_complete };
        let (numbers, intervals) = self.numbers.finish(&self.plan, end);
        self.files.latencies(&intervals);
        let (told, write_error) = self.files.finish(self.next_n, end.complete);
        Recorded {
            numbers,
            verdicts: self.judge.finish(end),
            generator: self.watch.judge(self.shared.lag.totals(), status.faults),
            pulse: self.pulse,
            end_ns: self.end_ns,
            told,
            struck: self.struck,
            observed: self.metrics.finish(),
            unanswered: self.shared.probes.take().unanswered,
            write_error,
        }
    }
}

/// The wall clock this long ago, in seconds since 1970.
fn unix_s(ago_ns: i64) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs_f64() - ago_ns as f64 / 1e9
}
