//! Does what the circuit breaker says: holds users back, lets a few through, and tells it in the record, on the terminal and in
//! the report. Neighbours: `breaker` decides, `admission` is the door at which users wait, `driver` ends the run.

use super::breaker::{Breaker, Patience, Turn};
use super::recorder::Shared;
use crate::admission::{Admission, Admits};
use crate::commons::{Commons, lock};
use crate::sink::{Draft, EventSink};
use crate::steward::RUN;
use rehearsal_reports::event::{Body, Kind, Name};
use rehearsal_reports::render::units;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;

/// How often the breaker looks.
const PULSE_EVERY: Duration = Duration::from_secs(1);
/// What its events are called.
const CIRCUIT_BREAKER: &str = "circuit breaker";

/// How the target is treated at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Restraint {
    /// As planned.
    #[default]
    None,
    /// A few try whether it is back.
    Trying,
    /// It is left alone.
    BackedOff,
}

impl Restraint {
    /// In words, for a line of progress; none if everything goes as planned.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Restraint::None => None,
            Restraint::Trying => Some("circuit breaker tries a few"),
            Restraint::BackedOff => Some("circuit breaker holds back"),
        }
    }
}

/// The breaker of a run that goes on.
pub struct HoldingBack {
    patience: Patience,
    shared: Arc<Shared>,
    commons: Arc<Commons>,
    turns: Mutex<Vec<(i64, Turn)>>,
}

impl HoldingBack {
    /// Nobody is held back yet.
    pub fn new(patience: Patience, shared: Arc<Shared>, commons: Arc<Commons>) -> HoldingBack {
        HoldingBack { patience, shared, commons, turns: Mutex::default() }
    }

    /// Looks once a second; ends when the run must.
    pub async fn run(&self) {
        let mut breaker = Breaker::new(self.patience);
        loop {
            if let Some(turn) = breaker.second(self.shared.pulse()) {
                self.take(turn);
                if turn == Turn::Stop {
                    return;
                }
            }
            sleep(PULSE_EVERY).await;
        }
    }

    /// The run settles: whoever still has something to finish may come back for it, unless the target was given up.
    pub fn release(&self) {
        let is_given_up = lock(&self.turns).last().is_some_and(|(_, turn)| *turn == Turn::Stop);
        if !is_given_up && !self.admission().is_free() {
            self.take(Turn::Close);
        }
    }

    /// What it did, for the report; none if it did nothing.
    pub fn remark(&self) -> Option<String> {
        let turns = lock(&self.turns);
        if turns.is_empty() {
            return None;
        }
        let told: Vec<String> =
            turns.iter().map(|(t_ns, turn)| format!("at {} s it {}", units::offset_s(*t_ns), did(*turn))).collect();
        let admission = self.admission();
        Some(format!(
            "{CIRCUIT_BREAKER}: {}; {} were dropped and {} held back meanwhile",
            told.join(", "),
            units::counted(admission.dropped(), "planned beginnings"),
            units::counted(admission.held_back(), "users"),
        ))
    }

    fn admission(&self) -> &Admission {
        &self.commons.admission
    }

    fn take(&self, turn: Turn) {
        let (admits, restraint) = match turn {
            Turn::BackOff { .. } | Turn::Stop => (Admits::Nobody, Restraint::BackedOff),
            Turn::Try => {
                let every = Duration::from_secs(1) / self.patience.tries_per_second.max(1);
                (Admits::Few { every }, Restraint::Trying)
            }
            Turn::Close => (Admits::All, Restraint::None),
        };
        self.admission().set(admits);
        self.shared.restrain(restraint);
        let (name, what) = (Name::from(CIRCUIT_BREAKER), Name::from(words(turn)));
        let body = Body::Fault { name, what, hosts: Vec::new(), users: Vec::new() };
        self.shared.record(Draft::new(RUN.into(), Kind::Fault, Name::default(), body));
        lock(&self.turns).push((self.shared.now_ns(), turn));
    }
}

/// What an event says. Readers know that a fault is over by the word "ended".
fn words(turn: Turn) -> String {
    match turn {
        Turn::BackOff { for_s, .. } => format!("holds users back for {for_s} s"),
        Turn::Try => "lets a few users through".to_owned(),
        Turn::Close => "lets all users through, ended".to_owned(),
        Turn::Stop => "gives the target up, ended".to_owned(),
    }
}

fn did(turn: Turn) -> String {
    match turn {
        Turn::BackOff { unreached, ended, for_s } => {
            format!("backed off for {for_s} s ({unreached} of {ended} operations did not reach the target or lost it)")
        }
        Turn::Try => "tried again with a few".to_owned(),
        Turn::Close => "let everybody through".to_owned(),
        Turn::Stop => "gave up, so that nothing new was begun".to_owned(),
    }
}
