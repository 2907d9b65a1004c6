//! This program as a file, for processes of its own that it starts. Neighbours: `confirming`, `crew` and the main job start
//! them.

use std::io;
use std::path::PathBuf;

/// Linux's name for the file that a process runs, wherever it was moved and even after it was deleted.
const RUNNING_IMAGE: &str = "/proc/self/exe";

/// The file that this process runs. One that was built anew meanwhile is not it: what a process of its own plays must be
/// what this one plays.
///
/// # Errors
///
/// The system cannot say which file it is.
pub fn program() -> io::Result<PathBuf> {
    let named = std::env::current_exe()?;
    // Its name, where there is one, is what readers of `top` look for.
    let is_gone = !named.exists() && PathBuf::from(RUNNING_IMAGE).exists();
    Ok(if is_gone { RUNNING_IMAGE.into() } else { named })
}
