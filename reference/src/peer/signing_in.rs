//! Signing in as a capability: a link asks for it when the server does not take the identity token any more, since tokens
//! live for an hour and a server that was restarted may have another key. Whoever must know about every identity that is
//! made, to remove it again, hands in a capability of its own. Neighbours: `link` uses it, `http_client` does the work.

use crate::failure::Failure;
use crate::http_client::{HttpClient, SignIn};
use crate::network::Network;
use crate::surroundings::Surroundings;
use crate::target::Target;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A sign-in on its way.
pub type SigningIn = Pin<Box<dyn Future<Output = Result<SignIn, Failure>> + Send>>;

/// Signs in anew each time it is called.
pub type SignsIn = Arc<dyn Fn() -> SigningIn + Send + Sync>;

/// Signs in anonymously, over a session of its own each time.
pub fn anonymously<N: Network>(network: N, target: Arc<Target>, surroundings: Surroundings) -> SignsIn {
    Arc::new(move || {
        let mut session = HttpClient::new(network.clone(), target.clone(), surroundings.clone());
        Box::pin(async move { session.anonymous_signin().await })
    })
}
