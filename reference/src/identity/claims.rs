//! The claims of an identity token, and the checks that the documents name for them: issuer, application (`aud`, or
//! `client_id`), `token_use` = `id`, the time from which and until which it is valid, and the user's name in `cognito:username`. Neighbours: the three identities.

use super::{IdentityError, TOKEN_LIVES};
use jsonwebtoken::errors::{Error, ErrorKind};
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
    aud: Option<Audience>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    token_use: String,
    #[serde(default)]
    iat: f64,
    exp: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<f64>,
    #[serde(rename = "cognito:username")]
    username: String,
}

/// One application, or a list of them (RFC 7519, section 4.1.3).
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn includes(&self, client_id: &str) -> bool {
        match self {
            Audience::One(one) => one == client_id,
            Audience::Many(many) => many.iter().any(|one| one == client_id),
        }
    }
}

impl Issuer {
    pub(super) fn claims_of(&self, username: &str, now: Duration) -> TokenClaims {
        TokenClaims {
            sub: username.to_string(),
            iss: self.url.clone(),
            aud: Some(Audience::One(self.client_id.clone())),
            client_id: None,
            token_use: "id".to_string(),
            iat: now.as_secs() as f64,
            exp: (now + TOKEN_LIVES).as_secs() as f64,
            nbf: None,
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
        only_signature.validate_nbf = false;
        only_signature.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<TokenClaims>(token, key, &only_signature)
            .map_err(|error| unreadable(&error))?
            .claims;
        self.accept(claims, now)
    }

    fn accept(&self, claims: TokenClaims, now: Duration) -> Result<Claims, IdentityError> {
        if claims.iss != self.url {
            return Err(IdentityError::Issuer);
        }
        let is_meant = match (&claims.aud, &claims.client_id) {
            (Some(audience), _) => audience.includes(&self.client_id),
            (None, client_id) => client_id.as_ref() == Some(&self.client_id),
        };
        if !is_meant {
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
        if claims.nbf.is_some_and(|from| from > now.as_secs_f64()) {
            return Err(IdentityError::NotYet);
        }
        Ok(Claims { username: claims.username, expires_at })
    }
}

/// Why a token cannot be read, in words that do not repeat what it holds.
pub(super) fn unreadable(error: &Error) -> IdentityError {
    let why = match error.kind() {
        ErrorKind::InvalidSignature => "it is not signed with the right key",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => "it is signed in another way than asked for",
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::Json(_) => "its header or its claims cannot be read",
        ErrorKind::InvalidToken | ErrorKind::Base64(_) | ErrorKind::Utf8(_) => "it is no JSON Web Token",
        _ => "it cannot be read",
    };
    IdentityError::Invalid(why.to_string())
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
        assert_eq!(judged(|claims| claims.aud = Some(Audience::One("other".into()))), Err(IdentityError::Audience));
        assert_eq!(judged(|claims| claims.aud = None), Err(IdentityError::Audience));
        assert_eq!(judged(|claims| claims.token_use = "access".into()), Err(IdentityError::Use));
        assert_eq!(judged(|claims| claims.exp = 1_000_000.0), Err(IdentityError::Expired));
        assert!(judged(|claims| claims.exp = 1_000_000.5).is_ok());
        assert!(matches!(judged(|claims| claims.exp = -1.0), Err(IdentityError::Invalid(_))));
    }

    #[test]
    fn an_audience_may_be_a_list() {
        let audience = |json: &str| serde_json::from_str(json).unwrap();
        assert!(judged(|claims| claims.aud = audience(r#"["other", "rehearsal"]"#)).is_ok());
        for json in [r#"["other"]"#, "[]", "null"] {
            assert_eq!(judged(|claims| claims.aud = audience(json)), Err(IdentityError::Audience), "{json}");
        }
    }

    #[test]
    fn a_token_is_not_valid_before_its_time() {
        assert_eq!(judged(|claims| claims.nbf = Some(1_000_000.5)), Err(IdentityError::NotYet));
        assert!(judged(|claims| claims.nbf = Some(1_000_000.0)).is_ok());
    }

    #[test]
    fn what_is_no_token_is_refused_in_words_that_do_not_repeat_it() {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let header = |json: &str| format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(json));
        let key = DecodingKey::from_secret(b"secret");
        let unknown_algorithm = header(r#"{"alg":"rubbish"}"#);
        for token in ["rubbish", "", "rubbish.rubbish.rubbish", &unknown_algorithm, &header(r#"{"alg":"RS256"}"#)] {
            let refused = Issuer::default().verify(token, &key, Algorithm::HS256, NOW).unwrap_err().to_string();
            assert!(
                refused.starts_with("the identity token is not valid: it") && !refused.contains("rubbish"),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_client_id_serves_where_there_is_no_audience() {
        let accepted = judged(|claims| {
            claims.aud = None;
            claims.client_id = Some("rehearsal".to_string());
        });
        assert_eq!(accepted.map(|claims| claims.username), Ok("ada".to_string()));
    }
}
