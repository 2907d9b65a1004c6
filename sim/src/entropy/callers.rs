//! Who uses a door to the machine: the function that called, by its name, host and task. Costs a look at the stack for each
//! call, so that it is done only where somebody asks (a replay, a test).
//!
//! Libraries may use doors for what no outcome depends on; which one may use which door stands in [`EXCUSED`]. Everybody
//! else is charged: the reference system has its wall clock and its randomness handed in. `rand` asks the machine once in
//! 64 KiB and answers from a generator of the thread between; here that generator is wound forward to its next asking
//! before each turn of a task, so that the first draw of every turn is seen. Masks differ from a plain run's thereby, and
//! nothing else may. Neighbours: `ledger` counts, `task` says whose turn it is.

use super::task::{self, STREAM_OF_THREAD};
use super::{Door, elapsed};
use crate::clock::nanos;
use rand::Rng;
use rehearsal_scenarios::distribution::Nanos;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The libraries that may use a door, and for what.
const EXCUSED: [(Door, &str, &str); 4] = [
    (Door::Randomness, "tungstenite", "masks of frames and keys of handshakes, which mean nothing"),
    (Door::WallClock, "hyper", "the date header, which is virtual time"),
    (Door::MonotonicClock, "tokio", "its own measurements"),
    (Door::MonotonicClock, "turmoil", "its own measurements"),
];

/// Crates through which everybody comes to a door: the caller is behind them.
const PLUMBING: [&str; 8] = ["std", "core", "alloc", "getrandom", "rand", "rand_core", "chacha20", "backtrace"];

/// The folder of this very module, through which everybody comes as well.
const OWN_DOORS: &str = "sim/src/entropy/";

/// How much of the stack is kept: callers are at its inner end.
const FRAMES_MAX: usize = 48;

/// What `rand`'s generator of a thread gives out before it asks the machine again.
const BYTES_BETWEEN_SEEDS: usize = 64 << 10;

thread_local! {
    static IS_ASKED: Cell<bool> = const { Cell::new(false) };
    /// Set while our own code uses a door.
    static OWN_DRAWS: Cell<Option<u64>> = const { Cell::new(None) };
    static HAS_DRAWN: Cell<bool> = const { Cell::new(false) };
    static CALLERS: RefCell<Callers> = const { RefCell::new(Callers(BTreeMap::new())) };
}

/// A use of a door, by everything that tells it apart.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    door: Door,
    stream: u64,
    origin: &'static str,
    /// Return addresses, innermost first.
    stack: Vec<usize>,
}

/// Who has used doors on this thread: since when, and how often.
#[derive(Default)]
pub(super) struct Callers(BTreeMap<Use, (Nanos, u64)>);

/// One function that used a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which door.
    pub door: Door,
    /// On which host.
    pub host: Arc<str>,
    /// Who spawned the task that called.
    pub origin: &'static str,
    /// The function, and where it stands if the program knows.
    pub caller: String,
    /// Virtual time of the first call, in nanoseconds since the world was built.
    pub first_ns: Nanos,
    /// How often.
    pub times: u64,
    /// Whether it may.
    pub charge: Charge,
}

/// Whether a caller may use a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// It may, for this.
    Excused(&'static str),
    /// It must not: the program has something handed in for it.
    MustNot,
}

/// From now on, callers are named in the simulations of this thread.
pub(crate) fn name_callers() {
    IS_ASKED.set(true);
}

/// A new simulation begins on this thread.
pub(super) fn open() {
    CALLERS.take();
    if IS_ASKED.get() {
        wind_up();
    }
}

/// A task's turn is over.
pub(super) fn turn_is_over() {
    if HAS_DRAWN.replace(false) {
        wind_up();
    }
}

/// The number of this draw if it is one of our own, which nobody's count may see.
pub(super) fn number_of_own_draw() -> Option<u64> {
    let number = OWN_DRAWS.get()?;
    OWN_DRAWS.set(Some(number + 1));
    Some(number)
}

/// Lets `rand`'s generator of this thread ask the machine at its next draw.
fn wind_up() {
    OWN_DRAWS.set(Some(0));
    #[allow(clippy::disallowed_methods, reason = "its uses by others are what is looked for")]
    let mut generator = rand::rng();
    // A simulating thread's `getrandom` never fails; without a new seed a draw would be seen later, no more than that.
    let _ = generator.reseed();
    generator.fill_bytes(&mut vec![0; BYTES_BETWEEN_SEEDS]);
    OWN_DRAWS.set(None);
}

/// Remembers who uses a door now, if somebody wants to know and a host's task does.
pub(super) fn note(door: Door) {
    let stream = task::stream();
    if !IS_ASKED.get() || stream == STREAM_OF_THREAD || OWN_DRAWS.get().is_some() {
        return;
    }
    HAS_DRAWN.set(HAS_DRAWN.get() || door == Door::Randomness);
    let mut stack = Vec::new();
    backtrace::trace(|frame| {
        stack.push(frame.ip() as usize);
        stack.len() < FRAMES_MAX
    });
    let found = Use { door, stream, origin: task::origin(), stack };
    // A call from a thread-local's destructor may find the list gone; it cannot influence the run any more.
    let _ = CALLERS.try_with(|callers| {
        if let Ok(mut callers) = callers.try_borrow_mut() {
            callers.0.entry(found).or_insert_with(|| (nanos(elapsed()), 0)).1 += 1;
        }
    });
}

impl Callers {
    /// Everything that was noted on this thread.
    pub(super) fn take() -> Callers {
        CALLERS.take()
    }

    /// The same in names, one for each function, host and task that used a door.
    pub(super) fn into_calls(self, host_of: impl Fn(u64) -> Option<Arc<str>>) -> Vec<Call> {
        let mut calls = BTreeMap::<(Door, Arc<str>, &'static str, String), (Nanos, u64, Charge)>::new();
        for (Use { door, stream, origin, stack }, (first_ns, times)) in self.0 {
            let (caller, charge) = judge(door, &stack);
            let host = host_of(stream).unwrap_or_else(|| "no host".into());
            let call = calls.entry((door, host, origin, caller)).or_insert((first_ns, 0, charge));
            call.0 = call.0.min(first_ns);
            call.1 += times;
        }
        let named = |((door, host, origin, caller), (first_ns, times, charge))| Call {
            door,
            host,
            origin,
            caller,
            first_ns,
            times,
            charge,
        };
        calls.into_iter().map(named).collect()
    }
}

/// The caller behind the plumbing, and whether it may.
fn judge(door: Door, stack: &[usize]) -> (String, Charge) {
    let mut found = None;
    let mut is_key_of_hash_maps = false;
    for address in stack {
        // A return address is behind its call.
        backtrace::resolve((address - 1) as *mut _, |symbol| {
            let name = symbol.name().map(|name| format!("{name:#}")).unwrap_or_default();
            let file = symbol.filename().map(|file| file.display().to_string());
            is_key_of_hash_maps |= found.is_none() && name.contains("RandomState");
            let owner = owner_of(&name, file.as_deref());
            if let (None, Some(owner)) = (&found, owner) {
                let place = file.zip(symbol.lineno()).map(|(file, line)| format!(" at {}:{line}", shortened(&file)));
                found = Some((owner, name + &place.unwrap_or_default()));
            }
        });
        if found.is_some() {
            break;
        }
    }
    let Some((owner, caller)) = found else { return ("somebody without a name".to_owned(), Charge::MustNot) };
    let excused = EXCUSED.iter().find(|(may_use, library, _)| *may_use == door && *library == owner);
    let charge = match excused {
        Some((_, _, reason)) => Charge::Excused(reason),
        None if is_key_of_hash_maps => Charge::Excused("keys of a hash map, whose order comes from the seed"),
        None => Charge::MustNot,
    };
    (caller, charge)
}

/// The crate that a function belongs to; none if it is only on the way to a door, or if nothing tells.
///
/// The file says it, where there is one: a library's function may be inlined into somebody else's, and has no path then.
fn owner_of(name: &str, file: Option<&str>) -> Option<String> {
    let owner = match file {
        Some(file) if file.contains("/library/") && file.starts_with("/rustc/") => "std".to_owned(),
        Some(file) if file.contains(OWN_DOORS) => return None,
        Some(file) => crate_of_file(file).or_else(|| crate_of_name(name)).unwrap_or_else(|| "the program".to_owned()),
        None => crate_of_name(name)?,
    };
    (!PLUMBING.contains(&&*owner)).then_some(owner)
}

/// The crate of a library's file: the folder of a registry has its name and version.
fn crate_of_file(file: &str) -> Option<String> {
    let (_, in_registry) = file.split_once("/registry/src/")?;
    let (folder, _) = in_registry.split_once('/')?.1.split_once('/')?;
    let version =
        folder.match_indices('-').find(|(at, _)| folder[at + 1..].starts_with(|c: char| c.is_ascii_digit()))?;
    Some(folder[..version.0].replace('-', "_"))
}

/// The crate that begins a function's path, behind what stands before it in `<&mut a::B as c::D>::e`. C functions, and
/// generic ones whose name does not begin with a crate, say nothing.
fn crate_of_name(name: &str) -> Option<String> {
    let path = name.trim_start_matches(['<', '&', '(', '[', '*']);
    let path = ["mut ", "dyn ", "const "].iter().find_map(|word| path.strip_prefix(word)).unwrap_or(path);
    let path = path.split([' ', '>', ',', '<']).next().unwrap_or_default();
    if path.starts_with("rehearsal_sim::entropy::") {
        return Some(PLUMBING[0].to_owned());
    }
    path.split_once("::").map(|(found, _)| found.to_owned())
}

/// The end of a path that a reader knows: from the crate's folder on.
fn shortened(path: &str) -> &str {
    let parts: Vec<_> = path.match_indices('/').map(|(at, _)| at).collect();
    parts.len().checked_sub(4).map_or(path, |from| &path[parts[from] + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_on_the_way_to_a_door_belongs_to_nobody() {
        for plumbing in [
            "std::time::SystemTime::now",
            "clock_gettime",
            "<rand::rngs::thread::ThreadRng as rand_core::TryRng>::try_next_u32",
            "<alloc::boxed::Box<F,A> as core::future::future::Future>::poll",
            "<F as core::future::future::Future>::poll",
            "rehearsal_sim::entropy::interpose::getrandom",
            "core::ops::function::FnOnce::call_once{{vtable.shim}}",
        ] {
            assert_eq!(owner_of(plumbing, None), None, "{plumbing}");
        }
        let std = "/rustc/59807616e1fa/library/std/src/time.rs";
        assert_eq!(owner_of("now", Some(std)), None);
        assert_eq!(owner_of("random<u32>", Some("/home/me/.cargo/registry/src/index-1/rand-0.10.3/src/lib.rs")), None);
        assert_eq!(owner_of("fill", Some("/home/me/rehearsal/sim/src/entropy/mod.rs")), None);
    }

    #[test]
    fn a_function_belongs_to_the_crate_of_its_file_or_of_its_path() {
        for (name, file, of) in [
            ("tungstenite::protocol::frame::mask::generate_mask", None, "tungstenite"),
            ("<rehearsal_reference::rooms::Rooms as core::fmt::Debug>::fmt", None, "rehearsal_reference"),
            ("<&mut tokio::time::Sleep as core::future::Future>::poll", None, "tokio"),
            ("randomized::draw", None, "randomized"),
            ("poll<F>", Some("/c/registry/src/index-1/tokio-tungstenite-0.30.0/src/lib.rs"), "tokio_tungstenite"),
            ("run", Some("/home/me/rehearsal/reference/src/server/mod.rs"), "the program"),
        ] {
            assert_eq!(owner_of(name, file).as_deref(), Some(of), "{name}");
        }
    }
}
