//! The event sink of a walk: it keeps the last thing that went wrong for each user, and whether that shows a target that
//! cannot be used or only a wait in vain. Neighbours: `walk` asks it when a flow has failed.

use super::super::transport::failure_in;
use crate::commons::lock;
use crate::sink::{Draft, EventSink};
use rehearsal_reference::failure::FailureClass;
use rehearsal_reference::rooms::close_code;
use rehearsal_reports::event::{Body, Closer, Kind, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use tokio::time::Instant;

/// What went wrong for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The target cannot be used like this.
    Target {
        /// The class, for the hint.
        class: FailureClass,
        /// In words, with the operation.
        words: String,
    },
    /// Something did not come, or was refused in the protocol's own words.
    InVain,
}

/// Keeps troubles by user.
pub(super) struct Troubles {
    start: Instant,
    users: Mutex<BTreeMap<Name, OfUser>>,
}

#[derive(Default)]
struct OfUser {
    last: Option<Trouble>,
    registering: BTreeSet<u64>,
}

impl Troubles {
    /// None yet; time 0 is now.
    pub(super) fn new() -> Self {
        Troubles { start: Instant::now(), users: Mutex::default() }
    }

    /// The last trouble of a user, unless something succeeded after it.
    pub(super) fn of(&self, user: &str) -> Option<Trouble> {
        lock(&self.users).get(user).and_then(|user| user.last.clone())
    }
}

impl EventSink for Troubles {
    fn now_ns(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }

    fn record(&self, event: Draft) {
        lock(&self.users).entry(event.user.clone()).or_default().observe(&event);
    }
}

impl OfUser {
    fn observe(&mut self, event: &Draft) {
        match (event.kind, &event.body) {
            (Kind::Invoked, Body::Register { .. }) => self.registering.extend(event.op_id),
            (Kind::Ok, _) => self.last = None,
            (Kind::Failed | Kind::Unknown, Body::Http { status, .. }) => {
                self.fatal(FailureClass::Status(*status), format!("`{}` was answered with status {status}", event.op));
            }
            (Kind::Failed | Kind::Unknown, Body::Error { code, message, .. }) => self.failed(event, code, message),
            (Kind::Received, Body::Error { code, message, .. }) if &**code == "garbage" => {
                self.fatal(FailureClass::Garbage, format!("it sent garbage: {message}"));
            }
            (Kind::Closed, Body::Closed { by, code, reason }) => self.closed(*by, *code, reason),
            _ => {}
        }
    }

    fn failed(&mut self, event: &Draft, code: &str, message: &str) {
        let is_register = event.op_id.is_some_and(|op_id| self.registering.contains(&op_id));
        match failure_in(event.kind, event.conn, &event.body) {
            Some((class, _)) => self.fatal(class, format!("`{}` failed with {code}: {message}", event.op)),
            None if is_register => {
                self.fatal(FailureClass::Other, format!("`{}` was refused with {code}: {message}", event.op));
            }
            None => self.last = self.last.take().or(Some(Trouble::InVain)),
        }
    }

    fn closed(&mut self, by: Closer, code: Option<u16>, reason: &str) {
        let is_meant = by == Closer::Us || by == Closer::Fault || code == Some(close_code::REPLACED);
        if is_meant {
            // What it cut off was given up on purpose: by the user itself, or by another one that took over.
            if let Some(Trouble::Target { class: FailureClass::Reset, .. }) = self.last {
                self.last = Some(Trouble::InVain);
            }
        } else {
            self.fatal(FailureClass::Reset, format!("the connection ended: {reason}"));
        }
    }

    fn fatal(&mut self, class: FailureClass, words: String) {
        self.last = Some(Trouble::Target { class, words });
    }
}
