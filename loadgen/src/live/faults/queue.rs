//! Bytes on their way over a disturbed link: each chunk has a time at which it is across, and none overtakes another.
//! Neighbours: `line` has one for each direction.

use rehearsal_scenarios::distribution::Nanos;
use std::collections::VecDeque;

/// Most bytes on their way in one direction: as much as a kernel takes before a program has to wait.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// Chunks in their order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    chunks: VecDeque<(Nanos, VecDeque<u8>)>,
    bytes: usize,
}

impl Queue {
    /// Sends a chunk on its way, across at this time at the earliest.
    pub(super) fn push(&mut self, across_ns: Nanos, bytes: &[u8]) {
        let last_ns = self.chunks.back().map_or(0, |(last_ns, _)| *last_ns);
        self.bytes += bytes.len();
        self.chunks.push_back((across_ns.max(last_ns), bytes.iter().copied().collect()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX
    }

    /// When the first chunk is across.
    pub(super) fn next_ns(&self) -> Option<Nanos> {
        self.chunks.front().map(|(across_ns, _)| *across_ns)
    }

    /// The beginning of what is across by now.
    pub(super) fn across(&self, now_ns: Nanos) -> Option<&[u8]> {
        let (across_ns, bytes) = self.chunks.front()?;
        (*across_ns <= now_ns).then_some(bytes.as_slices().0)
    }

    /// So many bytes of it are taken.
    pub(super) fn take(&mut self, count: usize) {
        let Some((_, bytes)) = self.chunks.front_mut() else { return };
        bytes.drain(..count);
        self.bytes -= count;
        if bytes.is_empty() {
            self.chunks.pop_front();
        }
    }

    /// Nothing is on its way any more.
    pub(super) fn clear(&mut self) {
        *self = Queue::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overtakes_and_what_is_taken_in_part_stays_in_part() {
        let mut queue = Queue::default();
        queue.push(50, b"one");
        queue.push(20, b"two");
        assert_eq!((queue.across(49), queue.next_ns()), (None, Some(50)));
        assert_eq!(queue.across(50), Some(&b"one"[..]));
        queue.take(2);
        assert_eq!(queue.across(50), Some(&b"e"[..]));
        queue.take(1);
        assert_eq!(queue.across(50), Some(&b"two"[..]), "it is across with the one before");
        queue.take(3);
        assert!(queue.is_empty() && queue.across(90).is_none());
    }
}
