//! The tokio runtime of live commands, and how a user of the terminal ends them.

use crate::exit::{Exit, Failure};
use rehearsal_loadgen::live::threads;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::{Builder, Runtime};
use tokio::signal;

/// A runtime on all cores.
pub fn multi_thread() -> Result<Runtime, Failure> {
    Builder::new_multi_thread().enable_all().build().map_err(cannot_start)
}

/// A runtime on all cores whose users wake in time.
pub fn for_a_load() -> Result<Runtime, Failure> {
    threads::runtime().map_err(cannot_start)
}

fn cannot_start(error: io::Error) -> Failure {
    Failure::usage(format!("cannot start threads: {error}"), "the machine may be out of processes")
}

/// Ends on Ctrl-C or SIGTERM. Where signals cannot be had, it never ends.
pub async fn told_to_leave() {
    #[cfg(unix)]
    {
        let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) else {
            return interrupted().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            () = interrupted() => {}
        }
    }
    #[cfg(not(unix))]
    interrupted().await;
}

async fn interrupted() {
    if signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A flag that the first Ctrl-C or SIGTERM sets; the second ends the process at once. For work that does not run on tokio.
#[allow(clippy::disallowed_methods, reason = "waiting for signals is the command line's own thread")]
pub fn interrupt_flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("cannot wait for signals: {error}"), ""))?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            told_to_leave().await;
            set.store(true, Ordering::Relaxed);
            told_to_leave().await;
            std::process::exit(i32::from(Exit::Interrupted.code()));
        });
    });
    Ok(flag)
}
