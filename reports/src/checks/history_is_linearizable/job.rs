//! Who runs a job, as a lock that is taken once: the job's id is the token, and whoever asks again asks under a new one. A
//! worker takes it when it begins the job; whoever is told that the job is complete is told so by the one who took it.

use super::super::cast::Cast;
use super::super::findings::Findings;
use super::super::moment::{Act, Moment};
use super::super::names::Id;
use super::calls::{Calls, Told};
use crate::event::{Body, Kind, Name};
use crate::linearizable::Model;
use std::collections::BTreeMap;

struct Ownership;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Free,
    Taken(Id),
    Over(Id),
}

#[derive(Clone)]
enum Call {
    Begin { worker: Id },
    End { worker: Id },
    Complete { worker: Id },
}

impl Model for Ownership {
    type State = State;
    type Call = Call;

    fn step(state: &State, call: &Call) -> Option<State> {
        match (state, call) {
            (State::Free, Call::Begin { worker }) => Some(State::Taken(*worker)),
            (State::Taken(owner), Call::End { worker }) if owner == worker => Some(State::Over(*owner)),
            (State::Taken(owner) | State::Over(owner), Call::Complete { worker }) if owner == worker => Some(*state),
            _ => None,
        }
    }

    fn is_read(call: &Call) -> bool {
        matches!(call, Call::Complete { .. })
    }

    fn leaves(call: &Call) -> Vec<State> {
        match call {
            Call::Begin { worker } => vec![State::Taken(*worker)],
            Call::End { worker } => vec![State::Over(*worker)],
            Call::Complete { .. } => Vec::new(),
        }
    }
}

impl Told for Ownership {
    fn words(call: &Call, cast: &Cast) -> String {
        match call {
            Call::Begin { .. } => "began it".to_owned(),
            Call::End { .. } => "ended it".to_owned(),
            Call::Complete { worker } => format!("was told by {} that it is complete", cast.display(*worker)),
        }
    }
}

/// All jobs that a worker began.
#[derive(Default)]
pub(super) struct Jobs {
    jobs: BTreeMap<Name, Calls<Ownership>>,
    calls: usize,
}

impl Jobs {
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    pub(super) fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        let event = moment.event;
        let now = (event.t_ns, event.n);
        let newest = || cast.links(moment.user).filter_map(|link| link.standing).last().map(|standing| standing.peer);
        let (job, call, began) = match (&moment.act, &event.body) {
            (Act::JobBegan, Body::Job { job, .. }) => {
                let Some(worker) = newest() else { return };
                self.jobs.entry(job.clone()).or_default();
                (job, Call::Begin { worker }, now)
            }
            (Act::JobEnded, Body::Job { job, .. }) => {
                let Some(worker) = newest() else { return };
                (job, Call::End { worker }, now)
            }
            (Act::Received { from, .. }, Body::Message { job: Some(message), .. })
                if event.kind == Kind::Received && &*message.says == "job_complete" =>
            {
                let Some(job) = &message.job else { return };
                (job, Call::Complete { worker: *from }, (i64::MIN, 0))
            }
            _ => return,
        };
        // What no worker began is another protocol's business.
        if let Some(calls) = self.jobs.get_mut(job) {
            self.calls += 1;
            calls.push(moment.user, call, began, now);
        }
    }

    pub(super) fn judge(self, cast: &Cast, findings: &mut Findings) {
        for (job, calls) in self.jobs {
            calls.judge(&State::Free, || format!("who ran job {job}"), cast, findings);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linearizable::by_force::search_and_force_agree;

    #[test]
    fn a_jobs_ownership_is_searched_as_if_everything_was_tried() {
        let without = search_and_force_agree::<Ownership>(&State::Free, &|draws| {
            let worker = Id(draws.below(2) as u32);
            match draws.below(3) {
                0 => Call::Begin { worker },
                1 => Call::End { worker },
                _ => Call::Complete { worker },
            }
        });
        assert!((2_000..9_900).contains(&without), "{without} have no order");
    }
}
