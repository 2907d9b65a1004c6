//! Goes from step to step: plays each, keeps what it captures, decides what a failure means, and repeats.
//!
//! A repetition with `every` is an open model: its first operation carries the planned start, even when it starts late.
//! Draws are indexed by (user, how often this step was played before, number of the step). Neighbours: `verbs`.

use super::node::Node;
use super::scope::{Scope, Secrets};
use super::session::Session;
use crate::commons::RunPhase;
use crate::users::player::{Player, to_plan_time};
use rehearsal_reference::http_client::HttpClient;
use rehearsal_reference::network::Network;
use rehearsal_scenarios::distribution::{Distribution, Nanos};
use rehearsal_scenarios::plan::{Otherwise, Verb};
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

/// Where to go after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// On to the next one.
    Next,
    /// The flow ends here, without a failure.
    Stop,
}

/// Plays one user's flow.
pub struct Interpreter<N: Network> {
    pub(super) player: Player<N>,
    pub(super) session: Session<N>,
    pub(super) http: HttpClient<N>,
    pub(super) saved: BTreeMap<String, Value>,
    repetition: u64,
    visits: Vec<u64>,
}

impl<N: Network> Interpreter<N> {
    /// An interpreter for a flow of this many steps.
    pub fn new(player: Player<N>, steps: usize) -> Self {
        let env = &player.env;
        let http = HttpClient::new(env.network.clone(), env.target.clone(), env.surroundings.clone());
        let saved = BTreeMap::new();
        Interpreter { player, session: Session::new(), http, saved, repetition: 0, visits: vec![0; steps] }
    }

    /// Plays the steps. The error says which one failed, and why.
    pub async fn play(&mut self, nodes: &[Node<'_>]) -> Result<Control, String> {
        for node in nodes {
            let played = match &node.step.verb {
                Verb::Repeat { times, every, .. } => match self.repeat(node, *times, every.as_ref()).await? {
                    Control::Next => Ok(Value::Null),
                    Control::Stop => return Ok(Control::Stop),
                },
                _ => self.step(node).await,
            };
            self.visits[node.number] += 1;
            match played.and_then(|answer| self.save(node, &answer)) {
                Ok(()) => {}
                Err(reason) => match node.step.otherwise {
                    Otherwise::Fail => return Err(format!("step `{}`: {reason}", node.name)),
                    Otherwise::Stop => return Ok(Control::Stop),
                    Otherwise::Continue => {}
                },
            }
        }
        Ok(Control::Next)
    }

    /// Ends the connections.
    pub async fn leave(&mut self) {
        self.session.leave().await;
    }

    /// The value of a distribution at this step, this time.
    pub(super) fn sample(&self, node: &Node<'_>, distribution: &Distribution) -> Nanos {
        let draw = self.player.env.plan.draw(self.player.number, self.visits[node.number], node.number as u64);
        distribution.sample(draw)
    }

    /// How often this step was played before.
    pub(super) fn visits(&self, node: &Node<'_>) -> u64 {
        self.visits[node.number]
    }

    /// The variables of this moment.
    pub(super) fn scope(&self, secrets: Secrets) -> Scope<'_, N> {
        Scope { player: &self.player, saved: &self.saved, repetition: self.repetition, secrets }
    }

    /// Whether something new may still begin.
    fn may_begin(&self) -> bool {
        self.player.env.phase() < RunPhase::Settling
    }

    /// Keeps what the step captures. An answer without it fails the step, and an older value is not kept in its place.
    fn save(&mut self, node: &Node<'_>, answer: &Value) -> Result<(), String> {
        for (name, pointer) in &node.step.save {
            let Some(found) = answer.pointer(pointer) else {
                self.saved.remove(name);
                return Err(format!("no {pointer} in the answer"));
            };
            self.saved.insert(name.clone(), found.clone());
        }
        Ok(())
    }

    /// Boxed, since repetitions may hold repetitions.
    fn repeat<'a>(
        &'a mut self,
        node: &'a Node<'_>,
        times: Option<u64>,
        every: Option<&'a Distribution>,
    ) -> Pin<Box<dyn Future<Output = Result<Control, String>> + Send + 'a>> {
        Box::pin(async move {
            let outer = self.repetition;
            let mut planned_ns = self.player.recorder.now_ns();
            let mut control = Control::Next;
            for nth in 0..times.unwrap_or(u64::MAX) {
                if !self.may_begin() {
                    break;
                }
                self.repetition = nth;
                if let Some(every) = every {
                    if nth > 0 {
                        planned_ns = planned_ns.saturating_add(to_plan_time(self.gap(node, nth, every)));
                    }
                    if !self.wait_until(planned_ns).await {
                        break;
                    }
                    self.player.recorder.plan_next(planned_ns);
                }
                control = self.play(&node.inside).await?;
                if control == Control::Stop {
                    break;
                }
                // A repetition that never waits for anything must not keep its thread from the others; one that does has
                // yielded already, and pays nothing here.
                tokio::task::consume_budget().await;
            }
            self.repetition = outer;
            Ok(control)
        })
    }

    fn gap(&self, node: &Node<'_>, nth: u64, every: &Distribution) -> Nanos {
        let draw = self.player.env.plan.draw(self.player.number, self.visits(node), node.number as u64);
        every.sample(draw.named("every").at(nth))
    }

    /// Waits for the planned start of a repetition; false when the run settles first.
    async fn wait_until(&mut self, planned_ns: i64) -> bool {
        let env = self.player.env.clone();
        let wait = async {
            tokio::select! {
                biased;
                () = env.reached(RunPhase::Settling) => {}
                () = env.sleep_until(planned_ns) => {}
            }
        };
        self.session.reading(wait).await;
        self.may_begin()
    }
}
