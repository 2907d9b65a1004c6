//! Tells the program what it was built from: the hash of the lock file and the commit, for versions and records.

use std::path::Path;
use std::process::Command;

fn main() {
    let lock = std::fs::read("Cargo.lock").unwrap_or_default();
    println!("cargo::rustc-env=REHEARSAL_LOCK_HASH={:016x}", fnv1a(&lock));
    println!("cargo::rerun-if-changed=Cargo.lock");

    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let version = commit().map_or(version.clone(), |commit| format!("{version}+{commit}"));
    println!("cargo::rustc-env=REHEARSAL_VERSION={version}");
    for file in [".git/HEAD", ".git/logs/HEAD"] {
        if Path::new(file).exists() {
            println!("cargo::rerun-if-changed={file}");
        }
    }
}

/// The commit that is checked out; none outside of a checkout, or without git.
fn commit() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=7", "HEAD"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// FNV-1a: a lock file needs no stronger hash, and a build script no dependency.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
