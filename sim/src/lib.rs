//! The simulated world.
//!
//! - [`entropy`]: what a simulating thread gets when it asks the machine for randomness or the time

#[cfg(not(tokio_unstable))]
compile_error!(
    "rehearsal-sim needs tokio's seeded scheduler: build with `--cfg tokio_unstable`. The workspace's .cargo/config.toml \
     sets it; an outer RUSTFLAGS replaces that value, so add the flag there: RUSTFLAGS=\"$RUSTFLAGS --cfg tokio_unstable\""
);

pub mod entropy;
