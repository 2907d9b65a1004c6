//! Goes from step to step: plays each, keeps what it captures, decides what a failure means, and repeats.
//!
//! A repetition with `every` is an open model: its first operation carries the planned start, even when it starts late.
//! Draws are indexed by (user, how often this step was played before, number of the step). Neighbours: `verbs`.

use super::node::Node;
use super::scope::{Scope, Secrets};
use super::session::Session;
use super::spans::Spans;
use crate::commons::RunPhase;
use crate::recorder::Dropped;
use crate::users::beat::Beat;
use crate::users::pattern;
use crate::users::player::{Player, to_plan_time};
use crate::users::template::fill;
use rehearsal_reference::http_client::HttpClient;
use rehearsal_reference::network::Network;
use rehearsal_scenarios::distribution::{Distribution, Nanos};
use rehearsal_scenarios::plan::{Branch, Otherwise, Verb};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a user whose connection is gone waits before it repeats steps that could do nothing without one.
const WITHOUT_CONNECTION: Duration = Duration::from_millis(100);

/// How long one waits that would repeat something in no time without an end.
const STANDSTILL: Duration = Duration::from_millis(1);

/// So many repetitions with a pace begin at one moment at most, where they catch up with their plan or nothing lies between
/// them.
const AT_ONCE: u64 = 10;

/// Where to go after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// On to the next one.
    Next,
    /// The flow ends here, without a failure.
    Stop,
}

/// Why a step failed, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Failed {
    /// The step itself: its `otherwise` decides.
    Here(String),
    /// A step inside it, whose own `otherwise` has decided that the flow fails.
    Inside(String),
}

impl Failed {
    fn reason(&self) -> &str {
        match self {
            Failed::Here(reason) | Failed::Inside(reason) => reason,
        }
    }
}

/// Whether the next repetition begins.
enum Beginning {
    Now,
    /// It is counted and left out.
    Dropped,
    /// The run settles.
    Over,
}

/// Plays one user's flow.
pub struct Interpreter<N: Network> {
    pub(super) player: Player<N>,
    pub(super) session: Session<N>,
    /// Made at the first request: most users only talk over the WebSocket.
    http: Option<Box<HttpClient<N>>>,
    pub(super) saved: BTreeMap<String, Value>,
    /// Peers that answers and messages have shown and that are somebody else's.
    pub(super) strangers: BTreeSet<String>,
    spans: Spans,
    /// How many steps have failed that let the flow go on.
    forgiven: u64,
    repetition: u64,
    visits: Vec<u64>,
    /// The repetitions with a pace that are under way, the innermost last.
    beats: Vec<Beat>,
}

impl<N: Network> Interpreter<N> {
    /// An interpreter for a flow of this many steps.
    pub fn new(player: Player<N>, steps: usize) -> Self {
        let saved = BTreeMap::new();
        Interpreter {
            player,
            session: Session::new(),
            http: None,
            saved,
            strangers: BTreeSet::new(),
            spans: Spans::default(),
            forgiven: 0,
            repetition: 0,
            visits: vec![0; steps],
            beats: Vec::new(),
        }
    }

    /// Plays the steps. The error says which one failed, and why. Boxed, since steps may hold steps.
    pub fn play<'a>(
        &'a mut self,
        nodes: &'a [Node<'_>],
    ) -> Pin<Box<dyn Future<Output = Result<Control, String>> + Send + 'a>> {
        Box::pin(async move {
            for node in nodes {
                self.spans.begin(node, &self.player.recorder);
                let played = self.play_one(node).await;
                self.spans.end(node, played.as_ref().err().map(Failed::reason), &self.player.recorder);
                match played {
                    Ok(Control::Next) => {}
                    Ok(Control::Stop) => return Ok(Control::Stop),
                    Err(Failed::Inside(reason)) => return Err(reason),
                    Err(Failed::Here(reason)) => match node.step.otherwise {
                        Otherwise::Fail => return Err(format!("step `{}`: {reason}", node.name)),
                        Otherwise::Stop => return Ok(Control::Stop),
                        Otherwise::Continue => self.forgiven += 1,
                    },
                }
            }
            Ok(Control::Next)
        })
    }

    async fn play_one(&mut self, node: &Node<'_>) -> Result<Control, Failed> {
        let played = match &node.step.verb {
            Verb::Stop => return Ok(Control::Stop),
            Verb::Repeat { .. } => return Box::pin(self.repeat(node)).await,
            Verb::ExpectOneOf { branches, within_ns } => {
                let waiting = self.expect_one_of(node, branches, Duration::from_nanos(*within_ns));
                let chosen = Box::pin(waiting).await;
                self.visits[node.number] += 1;
                return self.go_on_with(node, branches, chosen).await;
            }
            _ => self.step(node).await,
        };
        self.visits[node.number] += 1;
        played.iter().for_each(|answer| self.look_for_strangers(answer));
        let saved = played.and_then(|answer| self.save(&node.step.save, &answer));
        saved.map(|()| Control::Next).map_err(Failed::Here)
    }

    /// What comes after the message that came.
    async fn go_on_with(
        &mut self,
        node: &Node<'_>,
        branches: &[Branch],
        chosen: Result<(usize, Value), String>,
    ) -> Result<Control, Failed> {
        let (branch, message) = chosen.map_err(Failed::Here)?;
        self.look_for_strangers(&message);
        self.save(&node.step.save, &message).map_err(Failed::Here)?;
        self.save(&branches[branch].save, &message).map_err(Failed::Here)?;
        self.play(&node.inside[branch]).await.map_err(Failed::Inside)
    }

    /// The flow is over: spans that are open have failed, and what was never begun and messages that nobody expected are
    /// counted.
    pub fn conclude(&mut self) {
        for beat in std::mem::take(&mut self.beats) {
            beat.drop_rest(&self.player.env, &self.player.recorder);
        }
        self.spans.end_all(&self.player.recorder);
        for (kind, count) in self.session.unmatched() {
            self.player.recorder.unmatched(&kind, count);
        }
    }

    /// Waits until it is time to leave, and reads its connection meanwhile.
    pub async fn stay_until_leaving(&mut self) {
        let env = self.player.env.clone();
        self.session.reading(pin!(env.reached(RunPhase::Leaving))).await;
    }

    /// Ends the connections.
    pub async fn leave(&mut self) {
        self.session.leave().await;
    }

    /// The value of a distribution at this step, this time.
    pub(super) fn sample(&self, node: &Node<'_>, distribution: &Distribution) -> Nanos {
        let draw = self.player.draw(self.visits[node.number], node.number as u64);
        distribution.sample(draw)
    }

    /// How often this step was played before.
    pub(super) fn visits(&self, node: &Node<'_>) -> u64 {
        self.visits[node.number]
    }

    /// The connection, and the HTTP session of this user.
    pub(super) fn session_and_http(&mut self) -> (&mut Session<N>, &mut HttpClient<N>) {
        let (player, env) = (&self.player, &self.player.env);
        let make = || HttpClient::new(env.network.clone(), player.target(), env.surroundings.clone());
        (&mut self.session, self.http.get_or_insert_with(|| Box::new(make())))
    }

    /// The variables of this moment.
    pub(super) fn scope(&self, secrets: Secrets) -> Scope<'_, N> {
        Scope { player: &self.player, saved: &self.saved, repetition: self.repetition, secrets }
    }

    /// A message or a pattern of this step with its variables filled in.
    pub(super) fn filled<'v>(
        &self,
        node: &Node<'_>,
        value: &'v Value,
        secrets: Secrets,
    ) -> Result<Cow<'v, Value>, String> {
        if node.is_fixed {
            return Ok(Cow::Borrowed(value));
        }
        fill(value, &self.scope(secrets)).map_err(|error| error.to_string())
    }

    /// Whether something new may still begin.
    fn may_begin(&self) -> bool {
        self.player.env.phase() < RunPhase::Settling
    }

    /// Keeps what a step captures. An answer without it fails the step, and an older value is not kept in its place.
    fn save(&mut self, captures: &BTreeMap<String, String>, answer: &Value) -> Result<(), String> {
        for (name, pointer) in captures {
            let Some(found) = answer.pointer(pointer) else {
                self.saved.remove(name);
                return Err(format!("no {pointer} in the answer"));
            };
            self.saved.insert(name.clone(), found.clone());
        }
        Ok(())
    }

    async fn repeat(&mut self, node: &Node<'_>) -> Result<Control, Failed> {
        let Verb::Repeat { times, first, every, until, .. } = &node.step.verb else { return Ok(Control::Next) };
        let outer = self.repetition;
        let mut ended = Ok(Control::Next);
        let times = times.unwrap_or(u64::MAX);
        if let Some(every) = every {
            self.beats.push(self.beat(node, times, first.as_ref(), every));
        }
        let (mut last_ended, mut at_once) = (Instant::now(), 0);
        for nth in 0..times {
            if !self.may_begin() {
                break;
            }
            self.repetition = nth;
            match self.beginning(every.is_some()).await {
                Beginning::Now => {}
                Beginning::Dropped => continue,
                Beginning::Over => break,
            }
            let forgiven = self.forgiven;
            ended = self.play(&node.inside[0]).await.map_err(Failed::Inside);
            if ended != Ok(Control::Next) || self.is_reached(until.as_ref()) {
                break;
            }
            // A repetition that never waits for anything must not keep its thread from the others; one that does has
            // yielded already, and pays nothing here.
            tokio::task::consume_budget().await;
            let took = last_ended.elapsed();
            last_ended += took;
            at_once = if took.is_zero() { at_once + 1 } else { 0 };
            let rest = match every {
                // Who has a pace keeps it, also towards a target that is gone.
                Some(_) => (at_once >= AT_ONCE).then_some(STANDSTILL),
                None => self.rest_after(took, self.forgiven > forgiven, times == u64::MAX),
            };
            if let Some(rest) = rest {
                sleep(rest).await;
                last_ended = Instant::now();
            }
        }
        let is_cut_short = !self.may_begin() && ended != Ok(Control::Stop) && !self.is_reached(until.as_ref());
        if every.is_some() && !is_cut_short {
            self.beats.pop();
        }
        self.repetition = outer;
        self.visits[node.number] += 1;
        match until {
            Some(until) if ended == Ok(Control::Next) && !self.is_reached(Some(until)) => {
                let why = match self.may_begin() {
                    true => format!("timed_out: {until} did not come in {times} times"),
                    false => format!("cut_short: the run was over before {until} came"),
                };
                Err(Failed::Here(why))
            }
            _ => ended,
        }
    }

    /// Waits until the next repetition is to begin: with a pace until it was planned, else until users may.
    async fn beginning(&mut self, is_paced: bool) -> Beginning {
        let Some(next_ns) = self.beats.last().filter(|_| is_paced).map(Beat::next_ns) else {
            self.enter().await;
            return Beginning::Now;
        };
        if !self.wait_until(next_ns).await {
            return Beginning::Over;
        }
        self.beats.last_mut().into_iter().for_each(|beat| beat.advance(next_ns));
        if self.is_dropped(next_ns) {
            return Beginning::Dropped;
        }
        self.player.recorder.plan_next(next_ns);
        Beginning::Now
    }

    /// How long to wait before steps that took no time are repeated without a pace: the virtual clock would stand still, and a
    /// machine would do nothing else.
    fn rest_after(&self, took: Duration, has_failed: bool, is_endless: bool) -> Option<Duration> {
        let came_to_nothing = took.is_zero() || took < Duration::from_millis(1) && has_failed;
        match came_to_nothing && self.session.has_lost_its_connection() {
            true => Some(WITHOUT_CONNECTION),
            false => (is_endless && took.is_zero()).then_some(STANDSTILL),
        }
    }

    /// Whether the saved variables contain what a repetition waits for.
    fn is_reached(&self, until: Option<&Value>) -> bool {
        let Some(Value::Object(wanted)) = until else { return false };
        let is_there = |(name, wanted): (&String, &Value)| {
            let wanted = fill(wanted, &self.scope(Secrets::Hidden));
            wanted.is_ok_and(|wanted| self.saved.get(name).is_some_and(|saved| pattern::matches(&wanted, saved)))
        };
        wanted.iter().all(is_there)
    }

    /// Whether planned work is not begun at all, since it comes too late or the target is left alone; that is counted.
    fn is_dropped(&self, planned_ns: i64) -> bool {
        let Player { env, recorder, .. } = &self.player;
        let late_ns = recorder.now_ns().saturating_sub(planned_ns);
        let is_late = self.player.user().drop_when_late_ns.is_some_and(|most| late_ns > to_plan_time(most));
        let why = match is_late {
            true => Some(Dropped::Late),
            false => (!env.commons.admission.admits_planned()).then_some(Dropped::HeldBack),
        };
        why.into_iter().for_each(|why| recorder.dropped(planned_ns, why));
        why.is_some()
    }

    /// Waits while the target is left alone, but not past the time in which something new may begin.
    pub(super) async fn enter(&mut self) {
        if self.player.env.commons.admission.is_free() {
            return;
        }
        let env = self.player.env.clone();
        let wait = async {
            tokio::select! {
                biased;
                () = env.reached(RunPhase::Settling) => {}
                _ = env.commons.admission.enter() => {}
            }
        };
        self.session.reading(pin!(wait)).await;
    }

    /// A series of planned beginnings that starts now.
    fn beat(&self, node: &Node<'_>, times: u64, first: Option<&Distribution>, every: &Distribution) -> Beat {
        let (draws, visits, number) = (self.player.draws(), self.visits(node), node.number as u64);
        let (first, every) = (first.cloned(), every.clone());
        let gap = move |nth| {
            let gap = if nth == 0 { first.as_ref() } else { Some(&every) };
            gap.map_or(0, |gap| gap.sample(draws(visits, number).named("every").at(nth)))
        };
        Beat { past: 0, times, at_ns: self.player.recorder.now_ns(), gap: Box::new(gap) }
    }

    /// Waits until this time of the plan; false when the run settles first.
    pub(super) async fn wait_until(&mut self, planned_ns: i64) -> bool {
        let env = self.player.env.clone();
        let wait = async {
            tokio::select! {
                biased;
                () = env.reached(RunPhase::Settling) => {}
                () = env.sleep_until(planned_ns) => {}
            }
        };
        self.session.reading(pin!(wait)).await;
        self.may_begin()
    }
}
