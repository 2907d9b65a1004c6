//! How a running worker or client is told to leave. Neighbours: `worker` and `client` obey, their callers (the command
//! line on SIGTERM, a plan that ends) decide. Dropping the sender means nothing: the program runs on.

use tokio::sync::watch;

/// What is asked of a running program. It only ever gets stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shutdown {
    /// Go on.
    #[default]
    Run,
    /// Begin nothing new, finish what runs, then leave.
    Drain,
    /// Leave now, politely: what runs is given up and said so.
    Now,
}

/// Waits until more is asked than `known`, and returns it. Never ends if the sender is gone.
pub(crate) async fn stricter(receiver: &mut watch::Receiver<Shutdown>, known: Shutdown) -> Shutdown {
    // Copied out at once: a borrow held across an await would keep the whole program from being `Send`.
    let asked = receiver.wait_for(|asked| *asked > known).await.map(|asked| *asked);
    match asked {
        Ok(asked) => asked,
        Err(_) => std::future::pending().await,
    }
}
