//! How the threads of a load share the processors: users and the pacer run as soon as they are woken, what is recorded of
//! them gives way. Neighbours: `pacer` and `recorder` ask for themselves; whoever starts a load takes its [`runtime`] here.
//! Left out: how they share memory (`heap`). Where the kernel does not grant it, a load is played all the same, and as late
//! as the generator then says.

use std::io;
use tokio::runtime::{Builder, Runtime};

/// A runtime on all cores, for the users of a load.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().on_thread_start(run_when_woken).build()
}

/// This thread does little whenever it is woken, and is to do it at once: it asks for slices of 0.1 ms, the shortest that
/// Linux grants (6.12 and later), so that it need not wait until another thread's millisecond is over.
pub fn run_when_woken() {
    #[cfg(target_os = "linux")]
    linux::ask_for_slices_of(std::time::Duration::from_micros(100));
}

/// What this thread does can wait until a processor is free.
pub(super) fn give_way() {
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::setpriority_process(None, 10);
        // It may have been started by a thread that runs when it is woken, and slices are inherited.
        linux::ask_for_slices_of(linux::AS_USUAL);
    }
}

/// Linux lets sleeps of ordinary threads end 50 µs late, to wake several at once. This thread is to be woken in time.
pub(super) fn sleep_finely() {
    let Ok(thread) = std::fs::read_link("/proc/thread-self") else { return };
    let Some(id) = thread.file_name() else { return };
    let _ = std::fs::write(std::path::Path::new("/proc").join(id).join("timerslack_ns"), "1");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::mem::size_of;
    use std::time::Duration;

    /// The length that the kernel chooses.
    pub const AS_USUAL: Duration = Duration::ZERO;

    /// How long this thread may run before others have their turn. A short slice earns no more of a processor, only an
    /// earlier turn. Policy and priority stay as they are.
    #[allow(unsafe_code, reason = "no safe wrapper knows this call")]
    pub fn ask_for_slices_of(length: Duration) {
        if let Some(now) = attributes() {
            let wanted = libc::sched_attr { sched_runtime: length.as_nanos() as u64, ..now };
            // SAFETY: the kernel reads as many bytes of it as it says it has.
            unsafe { libc::syscall(libc::SYS_sched_setattr, THIS_THREAD, &wanted, NO_FLAGS) };
        }
    }

    /// What the scheduler knows of this thread; nothing if it is not to say, or not one of the ordinary threads.
    #[allow(unsafe_code, reason = "no safe wrapper knows this call")]
    pub fn attributes() -> Option<libc::sched_attr> {
        let size = size_of::<libc::sched_attr>() as u32;
        let mut found = libc::sched_attr {
            size,
            sched_policy: 0,
            sched_flags: 0,
            sched_nice: 0,
            sched_priority: 0,
            sched_runtime: 0,
            sched_deadline: 0,
            sched_period: 0,
        };
        // SAFETY: the kernel writes at most as many bytes as it is told that there are.
        let answer = unsafe { libc::syscall(libc::SYS_sched_getattr, THIS_THREAD, &mut found, size, NO_FLAGS) };
        (answer == 0 && found.sched_policy == libc::SCHED_OTHER as u32).then_some(found)
    }

    const THIS_THREAD: libc::pid_t = 0;
    const NO_FLAGS: libc::c_uint = 0;
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::disallowed_methods, reason = "threads are what is tested")]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Nothing where the kernel is older than slices that can be chosen: it then says 0.
    fn slice() -> Option<Duration> {
        let found = linux::attributes().map(|found| Duration::from_nanos(found.sched_runtime));
        found.filter(|length| !length.is_zero())
    }

    #[test]
    fn users_have_short_slices_and_what_is_recorded_of_them_the_usual_ones() {
        let Some(usual) = slice() else { return };
        let found = runtime().unwrap().block_on(async { tokio::spawn(async { slice() }).await.unwrap() });
        assert_eq!(found, Some(Duration::from_micros(100)));
        run_when_woken();
        let recorder = std::thread::spawn(|| {
            give_way();
            (slice(), linux::attributes().map(|found| found.sched_nice))
        });
        let (slice, nice) = recorder.join().unwrap();
        assert_eq!(slice, Some(usual));
        assert!(nice >= Some(10));
    }
}
