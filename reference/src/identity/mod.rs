//! Who a user is: identity tokens (JWT) are issued at sign-in and verified at registration. Three kinds: [`Rs256Identity`]
//! as deployed, [`Hs256Identity`] with the same claims at a fraction of the cost, for simulations, and [`JwksIdentity`],
//! which verifies the tokens of another issuer. Expiry is judged with the clock that is handed in, never the machine's.
//! Left out: users; they are no more than a name in a token.

mod claims;
mod hs256;
mod jwks;
mod rs256;

pub use claims::{Claims, Issuer};
pub use hs256::Hs256Identity;
pub use jwks::JwksIdentity;
pub use rs256::Rs256Identity;

use std::time::Duration;

/// Shortest RSA key that is taken, in bits (RFC 7518, section 3.3).
const RSA_BITS_MIN: usize = 2048;

/// How long an identity token is valid, as the deployed identity provider does it.
pub const TOKEN_LIVES: Duration = Duration::from_secs(60 * 60);

/// Issues and verifies identity tokens.
pub trait Identity: Send + Sync {
    /// A token for this user, valid for [`TOKEN_LIVES`] from `now`, which is time since 1970.
    ///
    /// # Errors
    /// `CannotIssue` if this identity only verifies, `Signing` if the key does not work.
    fn issue(&self, username: &str, now: Duration) -> Result<String, IdentityError>;

    /// Whom a token is about, if it is valid at `now`, which is time since 1970.
    ///
    /// # Errors
    /// What is wrong with it.
    fn verify(&self, token: &str, now: Duration) -> Result<Claims, IdentityError>;
}

/// What is wrong with a token or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not a token, not signed with the right key, or a claim is missing.
    #[error("the identity token is not valid: {0}")]
    Invalid(String),
    /// Its time is over.
    #[error("the identity token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the identity token is not valid yet")]
    NotYet,
    /// Another issuer.
    #[error("the identity token comes from another issuer")]
    Issuer,
    /// For another application.
    #[error("the identity token is meant for another application")]
    Audience,
    /// An access token where an identity token is asked for.
    #[error("this is not an identity token")]
    Use,
    /// This identity only verifies.
    #[error("tokens of this issuer cannot be issued here")]
    CannotIssue,
    /// The key does not sign.
    #[error("the key does not sign: {0}")]
    Signing(String),
    /// A key or key set that cannot be read.
    #[error("the key cannot be read: {0}")]
    Key(String),
}
