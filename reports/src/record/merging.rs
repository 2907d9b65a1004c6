//! Several records as one: the events of the segments of a plan in the order of their times, numbered anew. Each event keeps
//! who wrote it as its `process`. Neighbours: `reader`, `clocks` (what the order of two processes' events is worth).

use super::{EventReader, FileEnd, RecordError};
use crate::event::{Event, RUN};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Read;

/// Operations of the run itself have numbers of their own in each process: these lie above all of them.
const RUN_OPERATIONS_APART: u32 = 48;

/// An iterator over the events of several records.
pub struct Merging<R: Read> {
    parts: Vec<Part<R>>,
    /// The next event of each part, the earliest first; at the same time the one of the first part.
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    next_n: u64,
}

struct Part<R: Read> {
    process: u32,
    events: EventReader<R>,
    head: Option<Event>,
}

impl<R: Read> Merging<R> {
    /// Merges these records; the number stands as `process` in their events, and must be another for each.
    pub fn new(records: impl IntoIterator<Item = (u32, EventReader<R>)>) -> Result<Merging<R>, RecordError> {
        let parts = records.into_iter().map(|(process, events)| Part { process, events, head: None });
        let mut merging = Merging { parts: parts.collect(), heads: BinaryHeap::new(), next_n: 0 };
        (0..merging.parts.len()).try_for_each(|part| merging.read(part))?;
        Ok(merging)
    }

    /// How the files ended, once the iterator has: finished only if all were.
    pub fn end(&self) -> FileEnd {
        let is_finished = |part: &Part<R>| part.events.end() == Some(FileEnd::Finished);
        if self.parts.iter().all(is_finished) { FileEnd::Finished } else { FileEnd::Truncated }
    }

    fn read(&mut self, index: usize) -> Result<(), RecordError> {
        let part = &mut self.parts[index];
        part.head = part.events.next().transpose()?;
        if let Some(head) = &part.head {
            self.heads.push(Reverse((head.t_ns, index)));
        }
        Ok(())
    }
}

impl<R: Read> Iterator for Merging<R> {
    type Item = Result<Event, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((_, index)) = self.heads.pop()?;
        let mut event = self.parts[index].head.take()?;
        if let Err(error) = self.read(index) {
            return Some(Err(error));
        }
        event.process = self.parts[index].process;
        if &*event.user == RUN {
            event.op_id = event.op_id.map(|op_id| op_id | u64::from(event.process) << RUN_OPERATIONS_APART);
        }
        event.n = self.next_n;
        self.next_n += 1;
        Some(Ok(event))
    }
}
