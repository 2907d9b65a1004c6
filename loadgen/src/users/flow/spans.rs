//! Spans: several steps measured as one operation, from the begin of the first to the end of the last. One that a failed step
//! or the end of the flow cuts short has failed; an open one whose first step is played again begins anew.
//! Neighbours: `node` knows which step is the last, `interpreter` tells when steps begin and end.

use super::node::{Node, Span};
use crate::recorder::{UserRecorder, error};
use rehearsal_reports::event::{Body, Kind, Name};
use std::collections::BTreeMap;

/// The spans that are open.
#[derive(Default)]
pub struct Spans {
    open: BTreeMap<Name, u64>,
}

impl Spans {
    /// A step begins: its span does too, unless it is open.
    pub fn begin(&mut self, node: &Node<'_>, recorder: &UserRecorder) {
        if let Some(Span { name, .. }) = &node.span {
            self.open.entry(name.clone()).or_insert_with(|| recorder.invoke_around(name));
        }
    }

    /// A step has ended; the reason if it failed.
    pub fn end(&mut self, node: &Node<'_>, failure: Option<&str>, recorder: &UserRecorder) {
        let Some(Span { name, is_last }) = &node.span else { return };
        if failure.is_none() && !is_last {
            return;
        }
        let Some(op_id) = self.open.remove(name) else { return };
        match failure {
            None => recorder.end(Kind::Ok, name, op_id, Body::Empty),
            Some(reason) => {
                let class = reason.split(':').next().unwrap_or_default();
                recorder.end(Kind::Failed, name, op_id, error(class, reason));
            }
        }
    }

    /// The flow ends.
    pub fn end_all(&mut self, recorder: &UserRecorder) {
        for (name, op_id) in std::mem::take(&mut self.open) {
            let reason = "the flow ended within the span";
            recorder.end(Kind::Failed, &name, op_id, error("cut_short", reason));
        }
    }
}
