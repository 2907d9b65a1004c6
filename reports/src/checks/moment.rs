//! What one event means to the checks: recognised once by the `cast`, so that each check only picks the acts that concern
//! it. Operations are known by what they carry, not by their name: a scenario may name its steps as it likes.

use super::faults::HostFate;
use super::names::Id;
use crate::event::{Event, Name};
use serde_json::Value;
use std::sync::Arc;

/// An event and what it means.
pub struct Moment<'e> {
    /// The event.
    pub event: &'e Event,
    /// Its user.
    pub user: Id,
    /// What it means.
    pub act: Act,
}

/// What an event means.
#[derive(Clone, Debug)]
pub enum Act {
    /// Nothing to any check.
    Other,
    /// An operation was invoked.
    Asked(Ask),
    /// It succeeded; the answer is the event's body.
    Answered(Ask),
    /// It certainly had no effect.
    Refused(Ask),
    /// Nobody can say what became of it.
    Lapsed(Ask),
    /// A resource was made or removed without an `invoked` before.
    Resource,
    /// A relayed message left.
    Sent {
        /// The sender as the message names it.
        from: Id,
        /// The receiver.
        to: Id,
    },
    /// A relayed message arrived.
    Received {
        /// The sender as the message names it.
        from: Id,
        /// The receiver.
        to: Id,
    },
    /// An error arrived that ends no operation: a relay was refused, or the server complains about something else.
    Complaint,
    /// A connection was opened.
    Opened,
    /// A connection ended.
    Closed {
        /// What was asked over it and never answered.
        lapsed: Vec<Ask>,
    },
    /// A worker began a job.
    JobBegan,
    /// A worker ended a job.
    JobEnded,
    /// A fault began or ended.
    Fault {
        /// What it did to the hosts of these users.
        fate: HostFate,
        /// The users concerned.
        users: Vec<Id>,
    },
}

/// An operation that somebody invoked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Its number within the user.
    pub op_id: u64,
    /// The connection it was asked over; 0 if none.
    pub conn: u32,
    /// The event that invoked it.
    pub n: u64,
    /// When.
    pub t_ns: i64,
    /// What was asked.
    pub what: What,
}

/// What was asked.
#[derive(Clone, Debug)]
pub enum What {
    /// To be registered.
    Register {
        /// As whom.
        peer: Id,
        /// Where.
        room: Id,
        /// In which role.
        role: Name,
        /// With which metadata.
        metadata: Arc<Value>,
    },
    /// Who is there.
    Discover {
        /// The filters as sent.
        filters: Arc<Value>,
    },
    /// To change the own metadata.
    Update {
        /// The change.
        metadata: Arc<Value>,
    },
    /// To keep a worker for oneself.
    Reserve {
        /// The worker.
        worker: Id,
        /// For how long.
        duration_ns: i64,
    },
    /// To make or remove a room or an identity.
    Resource,
}
