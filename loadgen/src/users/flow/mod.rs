//! Steps of the scenario's own, played one after the other over one WebSocket connection and one HTTP session.
//!
//! - `node`: a flow's steps with their static numbers, by which draws are indexed
//! - `interpreter`: goes from step to step: captures, failures, repetitions
//! - `verbs`: what each step does on the WebSocket; `http` and `meeting` the others
//! - `session`: the connection of the moment, and those that were left open
//! - `scope`: the variables of templates
//!
//! While a flow waits for anything, its connection is read: pings are answered, and messages are recorded when they come.

mod http;
mod interpreter;
mod meeting;
mod node;
mod scope;
mod session;
mod verbs;

use super::player::{Player, UserEnd};
use crate::commons::RunPhase;
use interpreter::{Control, Interpreter};
use rehearsal_reference::network::Network;
use rehearsal_scenarios::plan::Step;

/// Plays the steps to their end, or until the run has ended, and leaves cleanly.
pub(super) async fn play<N: Network>(player: Player<N>, steps: &[Step]) -> UserEnd {
    let nodes = node::number(steps);
    let env = player.env.clone();
    let mut interpreter = Interpreter::new(player, node::count(steps));
    let end = tokio::select! {
        biased;
        () = env.reached(RunPhase::Ended) => UserEnd::Stopped,
        played = interpreter.play(&nodes) => match played {
            Ok(Control::Next) => UserEnd::Finished,
            Ok(Control::Stop) => UserEnd::Stopped,
            Err(failure) => UserEnd::Failed(failure),
        },
    };
    interpreter.leave().await;
    end
}
