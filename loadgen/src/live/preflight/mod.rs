//! The first contact, before any load: one user of each group joins, then walks its flow once. Start here: [`preflight`].
//!
//! - `contact`: addresses, TLS, sign-in, rooms, registration, and which profile the server has
//! - `shape`: the plan as a walk: first users only, repetitions once, short waits
//! - `walk`: plays that, with the same users as the run itself
//! - `troubles`: which of the events that come of it show a target that cannot be used
//! - `needs`: what the plan needs and this server's profile does not have
//! - `made`: what it has made so far
//!
//! What fails it: transport, TLS, sign-in, registration, HTTP statuses that a step does not want, garbage, and connections
//! that the target ends. What a scenario waits for and does not get is a remark at most, since a scenario may expect
//! things to break and since others are missing. The walk is not the whole flow in three cases: what follows a step that
//! ended it early, what only a second user of a group would cause, and what does not fit into 10 s.
//!
//! Everything made is in the run's journal and is removed again, also when it fails or is interrupted. Its events belong
//! to no record.

mod contact;
mod made;
mod needs;
mod shape;
#[cfg(test)]
mod tests;
mod troubles;
mod walk;

use super::driver::asked;
use super::options::{Interrupt, LiveError};
use crate::journal::Resource;
use crate::recorder::UserRecorder;
use crate::sink::{Draft, EventSink};
use crate::steward::{RUN, Steward};
use crate::users::UserEnv;
use contact::Contact;
use made::Made;
use rehearsal_reference::network::Network;
use rehearsal_scenarios::plan::{Profile, Service};
use std::sync::Arc;
use tokio::sync::watch;

/// What the first contact found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// Users that joined, one of each group.
    pub joined: usize,
    /// How the server answers registrations.
    pub profile: Option<Profile>,
    /// What a walk showed that is no failure: steps that waited for something and did not get it.
    pub remarks: Vec<String>,
}

/// Events of the preflight belong to no record.
pub(super) struct Nowhere;

impl EventSink for Nowhere {
    fn now_ns(&self) -> i64 {
        -1
    }
    fn record(&self, _: Draft) {}
}

/// Joins with the first user of each group, then walks their flows once; to a service of one's own it only connects, since
/// nothing that a flow does there could be undone. A polite interrupt ends it and removes what was
/// made; a second one ends it at once.
pub async fn preflight<N: Network>(
    env: &UserEnv<N>,
    interrupt: &watch::Receiver<Interrupt>,
) -> Result<Preflight, LiveError> {
    let made = Arc::new(Made::and_kept_in(env.journal.clone()));
    let env = UserEnv { journal: made.clone(), ..env.clone() };
    let mut steward = Steward::new(&env, UserRecorder::new(Arc::new(Nowhere), RUN.into(), 0));
    let mut interrupt = interrupt.clone();
    let result = tokio::select! {
        biased;
        () = asked(&mut interrupt, Interrupt::Polite) => Err(LiveError::Interrupted),
        result = first_contact(&env, &mut steward) => result,
    };
    tokio::select! {
        biased;
        () = asked(&mut interrupt, Interrupt::Now) => {}
        () = remove(&mut steward, made.left()) => {}
    }
    result
}

async fn first_contact<N: Network>(env: &UserEnv<N>, steward: &mut Steward<N>) -> Result<Preflight, LiveError> {
    if env.plan.system.service == Service::Own {
        contact::knock(env).await?;
        return Ok(Preflight { joined: 0, profile: None, remarks: Vec::new() });
    }
    let mut contact = Contact { env, steward };
    let meeting = contact.make().await?;
    let mut remarks = meeting.profile.map(|profile| needs::remarks(&env.plan, profile)).unwrap_or_default();
    remarks.extend(walk::walk(env, &meeting.walk, meeting.commons).await?);
    for holder in meeting.holders {
        holder.close().await;
    }
    Ok(Preflight { joined: meeting.walk.walkers.len(), profile: meeting.profile, remarks })
}

async fn remove<N: Network>(steward: &mut Steward<N>, made: Vec<(Resource, String)>) {
    for (what, id) in made.into_iter().rev() {
        if let Err(failure) = steward.remove(what, &id).await {
            tracing::warn!("the preflight could not remove its {} {id}: {failure}", what.word());
        }
    }
}
