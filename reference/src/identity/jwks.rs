//! Verifies the RS256 tokens of another issuer with its published key set (a JWKS file).

use super::{Claims, Identity, IdentityError, Issuer};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey};
use std::collections::BTreeMap;
use std::time::Duration;

/// Verifies tokens with the keys of a set, picked by the token's `kid`; issues none.
pub struct JwksIdentity {
    issuer: Issuer,
    keys: BTreeMap<String, DecodingKey>,
}

impl JwksIdentity {
    /// With the keys of a JWKS document. Keys without an id, or of a kind that is not RSA, are passed over.
    ///
    /// # Errors
    /// `Key` if it is no key set, or none of its keys can be used.
    pub fn from_json(issuer: Issuer, json: &str) -> Result<JwksIdentity, IdentityError> {
        let set: JwkSet = serde_json::from_str(json).map_err(|error| IdentityError::Key(error.to_string()))?;
        let is_rsa =
            |key: &jsonwebtoken::jwk::Jwk| matches!(key.algorithm, jsonwebtoken::jwk::AlgorithmParameters::RSA(_));
        let keys: BTreeMap<String, DecodingKey> = set
            .keys
            .iter()
            .filter(|key| is_rsa(key))
            .filter_map(|key| Some((key.common.key_id.clone()?, DecodingKey::from_jwk(key).ok()?)))
            .collect();
        if keys.is_empty() {
            return Err(IdentityError::Key("the key set has no RSA key with an id".to_string()));
        }
        Ok(JwksIdentity { issuer, keys })
    }
}

impl Identity for JwksIdentity {
    fn issue(&self, _: &str, _: Duration) -> Result<String, IdentityError> {
        Err(IdentityError::CannotIssue)
    }

    fn verify(&self, token: &str, now: Duration) -> Result<Claims, IdentityError> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| IdentityError::Invalid(error.to_string()))?;
        let key = header.kid.and_then(|kid| self.keys.get(&kid));
        let key = key.ok_or_else(|| IdentityError::Invalid("its key is not in the key set".to_string()))?;
        self.issuer.verify(token, key, Algorithm::RS256, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_without_a_usable_key_is_refused() {
        for json in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AAAA","kid":"1"}]}"#] {
            let refused = JwksIdentity::from_json(Issuer::default(), json);
            assert!(matches!(refused, Err(IdentityError::Key(_))), "{json}");
        }
    }
}
