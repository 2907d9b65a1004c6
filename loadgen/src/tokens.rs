//! Identity tokens that the run does not make itself: whoever holds the secret hands one in, and a new one when it has expired.
//! Neighbours: `steward` asks in place of signing in, `live::secrets` reads them. Left out: where they come from.

use rehearsal_reference::failure::Failure;
use std::pin::Pin;

/// A token that is being read.
pub type Reading = Pin<Box<dyn Future<Output = Result<String, Failure>> + Send>>;

/// Hands identity tokens in.
pub trait Tokens: Send + Sync {
    /// The token of this moment, a secret.
    fn read(&self) -> Reading;
}
