//! Steps of the scenario's own, played one after the other over one WebSocket connection and one HTTP session.
//!
//! - `node`: a flow's steps with their static numbers, by which draws are indexed
//! - `interpreter`: goes from step to step: captures, failures, repetitions
//! - `verbs`: what each step does on the WebSocket; `expecting` those that wait for messages; `http` and `meeting` the others
//! - `rude`: steps that servers have to be protected from
//! - `spans`: several steps as one operation
//! - `session`: the connection of the moment, and those that were left open
//! - `scope`: the variables of templates
//!
//! While a flow waits for anything, its connection is read: pings are answered, and messages are recorded when they come.

mod expecting;
mod http;
mod interpreter;
mod meeting;
mod node;
mod rude;
mod scope;
mod session;
mod spans;
mod verbs;

use super::player::{Player, UserEnd};
use crate::commons::RunPhase;
use crate::recorder::error;
use interpreter::{Control, Interpreter};
use rehearsal_reference::network::Network;
use rehearsal_reports::event::{Body, CUT_SHORT, Kind, Name};
use rehearsal_scenarios::plan::Step;

/// A flow in events.
const FLOW: &str = "flow";

/// Plays the steps to their end, or until the run has ended, and leaves cleanly. The record says when the flow began, and
/// when and how it ended; a flow whose task is dropped has no end there. No `async fn`, which would keep its arguments beside
/// what becomes of them for as long as it plays.
pub(super) fn play<N: Network>(player: Player<N>, steps: &[Step]) -> impl Future<Output = UserEnd> + Send {
    let nodes = node::number(steps);
    let (env, recorder) = (player.env.clone(), player.recorder.clone());
    let mut interpreter = Interpreter::new(player, node::count(steps));
    async move {
        recorder.note(Kind::Began, &Name::from(FLOW), Body::Empty);
        let end = tokio::select! {
            biased;
            () = env.reached(RunPhase::Ended) => UserEnd::CutShort,
            played = interpreter.play(&nodes) => match played {
                Ok(Control::Next) => UserEnd::Finished,
                Ok(Control::Stop) => UserEnd::Stopped,
                Err(failure) => UserEnd::Failed(failure),
            },
        };
        interpreter.conclude();
        recorder.note(Kind::Ended, &Name::from(FLOW), how(&end, env.phase()));
        if env.phase() == RunPhase::Settling {
            interpreter.stay_until_leaving().await;
        }
        Box::pin(interpreter.leave()).await;
        end
    }
}

/// How a flow ended, for the record. What fails while the run is ending, fails because the others have gone.
fn how(end: &UserEnd, phase: RunPhase) -> Body {
    let text = match end {
        UserEnd::Failed(reason) if phase < RunPhase::Settling => return error("step_failed", reason),
        UserEnd::Failed(reason) => format!("{CUT_SHORT}: {reason}"),
        UserEnd::CutShort => CUT_SHORT.to_owned(),
        UserEnd::Stopped => "stopped".to_owned(),
        UserEnd::Finished | UserEnd::NeverStarted => "finished".to_owned(),
    };
    Body::Text { text: text.into() }
}
