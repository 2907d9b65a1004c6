//! Spans: several steps measured as one operation, from the begin of the first to the end of the last. One in which a step fails
//! has failed: at once if the flow ends there, else when its last step has ended. What the end of the flow cuts short has failed
//! as well.
//! Neighbours: `node` knows which step is the last, `interpreter` tells when steps begin and end.

use super::node::{Node, Span};
use crate::recorder::{UserRecorder, error};
use rehearsal_reports::event::{Body, Kind, Name};
use rehearsal_scenarios::plan::Otherwise;
use std::collections::BTreeMap;

/// The spans that are open.
#[derive(Default)]
pub struct Spans {
    open: BTreeMap<Name, Open>,
}

struct Open {
    op_id: u64,
    /// Why the first of its steps that failed did.
    failure: Option<String>,
}

impl Spans {
    /// A step begins: its span does too, unless it is open.
    pub fn begin(&mut self, node: &Node<'_>, recorder: &UserRecorder) {
        if let Some(Span { name, .. }) = &node.span {
            let open = || Open { op_id: recorder.invoke_around(name), failure: None };
            self.open.entry(name.clone()).or_insert_with(open);
        }
    }

    /// A step has ended; the reason if it failed.
    pub fn end(&mut self, node: &Node<'_>, failure: Option<&str>, recorder: &UserRecorder) {
        let Some(Span { name, is_last }) = &node.span else { return };
        let Some(open) = self.open.get_mut(name) else { return };
        open.failure = open.failure.take().or_else(|| failure.map(str::to_owned));
        let goes_on = failure.is_none() || node.step.otherwise == Otherwise::Continue;
        if goes_on && !is_last {
            return;
        }
        let Some(Open { op_id, failure }) = self.open.remove(name) else { return };
        match failure {
            None => recorder.end(Kind::Ok, name, op_id, Body::Empty),
            Some(reason) => {
                let class = reason.split(':').next().unwrap_or_default();
                recorder.end(Kind::Failed, name, op_id, error(class, &reason));
            }
        }
    }

    /// The flow ends.
    pub fn end_all(&mut self, recorder: &UserRecorder) {
        for (name, Open { op_id, .. }) in std::mem::take(&mut self.open) {
            let reason = "the flow ended within the span";
            recorder.end(Kind::Failed, &name, op_id, error("cut_short", reason));
        }
    }
}
