//! The entropy ledger: how often each host asked the machine for randomness and the time while a simulation ran, and a
//! hash over what it was given. Always on, so that the hash of a seed covers it. Neighbours: `callers` (who exactly asked,
//! only where somebody wants to know), `task` (whose calls they are).

use super::callers::{self, Call, Charge};
use super::task::STREAM_OF_THREAD;
use super::{Door, callers::Callers};
use crate::netlog;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

thread_local! {
    static STREAMS: RefCell<BTreeMap<u64, Stream>> = const { RefCell::new(BTreeMap::new()) };
    /// How often the thread itself has looked at each clock: tokio does so at every moment of virtual time.
    static LOOKS_OF_THREAD: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// What one stream of calls has asked.
#[derive(Default)]
struct Stream {
    host: Option<Arc<str>>,
    tasks: u64,
    counts: Counts,
    /// Over all bytes that were drawn.
    hash: u64,
}

/// How often each door was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Draws of randomness; those of length 0 do not count.
    pub randomness: u64,
    /// Looks at the wall clock.
    pub wall_clock: u64,
    /// Looks at the monotonic clock.
    pub monotonic_clock: u64,
}

/// What the programs of one host asked, over all its incarnations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCounts {
    /// The host; none for the engine itself.
    pub host: Option<Arc<str>>,
    /// How often.
    pub counts: Counts,
}

/// What a simulation asked the machine for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// By host, in the order of names; the engine itself comes last.
    pub hosts: Vec<HostCounts>,
    /// Who asked, if callers were to be named: by door, host and caller.
    pub calls: Vec<Call>,
    /// Over all draws of all streams.
    pub hash: u64,
}

impl Ledger {
    /// How often randomness was drawn, by anybody.
    pub fn draws(&self) -> u64 {
        self.hosts.iter().map(|row| row.counts.randomness).sum()
    }

    /// Calls that no library makes for a reason of its own: doors that a program must not use. Empty unless callers were
    /// to be named.
    pub fn charges(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| call.charge == Charge::MustNot)
    }
}

/// A new simulation begins on this thread.
pub(super) fn open() {
    STREAMS.with_borrow_mut(BTreeMap::clear);
    LOOKS_OF_THREAD.set((0, 0));
    callers::open();
}

/// What the simulation of this thread has asked so far.
pub(crate) fn close() -> Ledger {
    let name_of =
        |stream: u64| STREAMS.with_borrow(|streams| streams.get(&stream).and_then(|found| found.host.clone()));
    let calls = Callers::take().into_calls(name_of);
    STREAMS.with_borrow(|streams| {
        let mut hosts = BTreeMap::<Option<Arc<str>>, Counts>::new();
        let mut hash = 0;
        for (key, stream) in streams {
            hosts.entry(stream.host.clone()).or_default().add(stream.counts);
            // A stream without draws adds nothing: whether a clock was looked at shows in what was done with it.
            if stream.counts.randomness > 0 {
                hash = xxh3_64_with_seed(&stream.hash.to_le_bytes(), hash ^ key);
            }
        }
        let (wall_clock, monotonic_clock) = LOOKS_OF_THREAD.get();
        if (wall_clock, monotonic_clock) != (0, 0) {
            hosts.entry(None).or_default().add(Counts { randomness: 0, wall_clock, monotonic_clock });
        }
        let mut hosts: Vec<_> = hosts.into_iter().map(|(host, counts)| HostCounts { host, counts }).collect();
        hosts.sort_by_key(|row| row.host.is_none());
        Ledger { hosts, calls, hash }
    })
}

/// The number of the next task of an incarnation, which is called so.
pub(super) fn number_of_task(stream: u64, host: &Arc<str>) -> u64 {
    with_stream(stream, |stream| {
        stream.host.get_or_insert_with(|| host.clone());
        stream.tasks += 1;
        stream.tasks - 1
    })
}

/// The number of a stream's next draw, from 1.
pub(super) fn number_of_draw(stream: u64) -> u64 {
    with_stream(stream, |stream| stream.counts.randomness + 1)
}

/// The stream has drawn these bytes.
pub(super) fn note_draw(stream: u64, bytes: &[u8]) {
    let (host, number) = with_stream(stream, |stream| {
        stream.counts.randomness += 1;
        stream.hash = xxh3_64_with_seed(bytes, stream.hash);
        (stream.host.clone(), stream.counts.randomness)
    });
    netlog::draw(host.as_ref(), number, bytes.len());
}

/// The stream has looked at a clock.
pub(super) fn note_clock(stream: u64, door: Door) {
    if stream == STREAM_OF_THREAD {
        let (wall_clock, monotonic_clock) = LOOKS_OF_THREAD.get();
        LOOKS_OF_THREAD.set(match door {
            Door::WallClock => (wall_clock + 1, monotonic_clock),
            Door::MonotonicClock => (wall_clock, monotonic_clock + 1),
            Door::Randomness => (wall_clock, monotonic_clock),
        });
        return;
    }
    with_stream(stream, |stream| match door {
        Door::WallClock => stream.counts.wall_clock += 1,
        Door::MonotonicClock => stream.counts.monotonic_clock += 1,
        Door::Randomness => {}
    });
}

/// A call from a thread-local's destructor may find the streams gone; it cannot influence the run any more.
fn with_stream<R: Default>(key: u64, work: impl FnOnce(&mut Stream) -> R) -> R {
    STREAMS
        .try_with(|streams| streams.try_borrow_mut().map(|mut streams| work(streams.entry(key).or_default())))
        .map(Result::unwrap_or_default)
        .unwrap_or_default()
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.randomness += other.randomness;
        self.wall_clock += other.wall_clock;
        self.monotonic_clock += other.monotonic_clock;
    }
}
