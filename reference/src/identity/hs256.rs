//! Tokens signed with a shared secret: the claims and checks of the real ones, deterministic and cheap. For simulations,
//! where one RS256 signature would cost more than a whole seed may.

use super::{Claims, Identity, IdentityError, Issuer};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use std::time::Duration;

/// Issues and verifies HS256 tokens.
pub struct Hs256Identity {
    issuer: Issuer,
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl Hs256Identity {
    /// With this secret.
    pub fn new(issuer: Issuer, secret: &[u8]) -> Hs256Identity {
        let (signing, verifying) = (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
        Hs256Identity { issuer, signing, verifying }
    }

    /// With a fixed secret that everybody can read here: for simulated runs only.
    pub fn simulated() -> Hs256Identity {
        Hs256Identity::new(Issuer::default(), b"a fixed secret for simulated runs only")
    }
}

impl Identity for Hs256Identity {
    fn issue(&self, username: &str, now: Duration) -> Result<String, IdentityError> {
        let claims = self.issuer.claims_of(username, now);
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .map_err(|error| IdentityError::Signing(error.to_string()))
    }

    fn verify(&self, token: &str, now: Duration) -> Result<Claims, IdentityError> {
        self.issuer.verify(token, &self.verifying, Algorithm::HS256, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::TOKEN_LIVES;

    #[test]
    fn a_token_is_valid_until_its_hour_is_over_and_the_same_each_time() {
        let (identity, now) = (Hs256Identity::simulated(), Duration::from_secs(1_000_000));
        let token = identity.issue("ada", now).unwrap();
        assert_eq!(identity.issue("ada", now).unwrap(), token);
        let last = now + TOKEN_LIVES - Duration::from_secs(1);
        assert_eq!(identity.verify(&token, last).unwrap().username, "ada");
        assert_eq!(identity.verify(&token, now + TOKEN_LIVES), Err(IdentityError::Expired));
    }

    #[test]
    fn a_token_of_another_secret_or_with_a_changed_letter_is_refused() {
        let (identity, now) = (Hs256Identity::simulated(), Duration::from_secs(1_000_000));
        let foreign = Hs256Identity::new(Issuer::default(), b"another").issue("ada", now).unwrap();
        assert!(matches!(identity.verify(&foreign, now), Err(IdentityError::Invalid(_))));
        assert!(matches!(identity.verify("rubbish", now), Err(IdentityError::Invalid(_))));
        assert!(matches!(identity.verify("", now), Err(IdentityError::Invalid(_))));
    }
}
