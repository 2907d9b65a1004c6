//! The claims of an identity token, and the checks that the documents name for them: issuer, application (`aud`, or
//! `client_id`), `token_use` = `id`, expiry, and the user's name in `cognito:username`. Neighbours: the three identities.

use super::{IdentityError, TOKEN_LIVES};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a valid token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The user's name.
    pub username: String,
    /// Time since 1970 at which the token expires.
    pub expires_at: Duration,
}

/// Who issues tokens, and for which application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The `iss` claim.
    pub url: String,
    /// The `aud` (or `client_id`) claim.
    pub client_id: String,
}

impl Default for Issuer {
    fn default() -> Issuer {
        Issuer { url: "https://identity.rehearsal.invalid/pool".into(), client_id: "rehearsal".into() }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TokenClaims {
    sub: String,
    iss: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    token_use: String,
    #[serde(default)]
    iat: f64,
    exp: f64,
    #[serde(rename = "cognito:username")]
    username: String,
}

impl Issuer {
    pub(super) fn claims_of(&self, username: &str, now: Duration) -> TokenClaims {
        TokenClaims {
            sub: username.to_string(),
            iss: self.url.clone(),
            aud: Some(self.client_id.clone()),
            client_id: None,
            token_use: "id".to_string(),
            iat: now.as_secs() as f64,
            exp: (now + TOKEN_LIVES).as_secs() as f64,
            username: username.to_string(),
        }
    }

    /// Verifies the signature with this key, then the claims with the clock that was handed in.
    pub(super) fn verify(
        &self,
        token: &str,
        key: &DecodingKey,
        algorithm: Algorithm,
        now: Duration,
    ) -> Result<Claims, IdentityError> {
        let mut only_signature = Validation::new(algorithm);
        // The library would judge time with the machine's clock: every claim is checked below instead.
        only_signature.validate_exp = false;
        only_signature.validate_aud = false;
        only_signature.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<TokenClaims>(token, key, &only_signature)
            .map_err(|error| IdentityError::Invalid(error.to_string()))?
            .claims;
        self.accept(claims, now)
    }

    fn accept(&self, claims: TokenClaims, now: Duration) -> Result<Claims, IdentityError> {
        if claims.iss != self.url {
            return Err(IdentityError::Issuer);
        }
        if claims.aud.or(claims.client_id).as_deref() != Some(self.client_id.as_str()) {
            return Err(IdentityError::Audience);
        }
        if claims.token_use != "id" {
            return Err(IdentityError::Use);
        }
        let expires_at = Duration::try_from_secs_f64(claims.exp)
            .map_err(|_| IdentityError::Invalid("`exp` is not a time".to_string()))?;
        if expires_at <= now {
            return Err(IdentityError::Expired);
        }
        Ok(Claims { username: claims.username, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000_000);

    fn judged(change: impl FnOnce(&mut TokenClaims)) -> Result<Claims, IdentityError> {
        let issuer = Issuer::default();
        let mut claims = issuer.claims_of("ada", NOW);
        change(&mut claims);
        issuer.accept(claims, NOW)
    }

    #[test]
    fn each_claim_is_checked_with_the_handed_in_clock() {
        assert_eq!(judged(|_| {}).map(|claims| claims.username), Ok("ada".to_string()));
        assert_eq!(judged(|claims| claims.iss = "https://elsewhere.invalid".into()), Err(IdentityError::Issuer));
        assert_eq!(judged(|claims| claims.aud = Some("other".into())), Err(IdentityError::Audience));
        assert_eq!(judged(|claims| claims.aud = None), Err(IdentityError::Audience));
        assert_eq!(judged(|claims| claims.token_use = "access".into()), Err(IdentityError::Use));
        assert_eq!(judged(|claims| claims.exp = 1_000_000.0), Err(IdentityError::Expired));
        assert!(judged(|claims| claims.exp = 1_000_000.5).is_ok());
        assert!(matches!(judged(|claims| claims.exp = -1.0), Err(IdentityError::Invalid(_))));
    }

    #[test]
    fn a_client_id_serves_where_there_is_no_audience() {
        let accepted = judged(|claims| claims.client_id = claims.aud.take());
        assert_eq!(accepted.map(|claims| claims.username), Ok("ada".to_string()));
    }
}
