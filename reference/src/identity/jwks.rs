//! Verifies the RS256 tokens of another issuer with its published key set (a JWKS file).

use super::claims::unreadable;
use super::{Claims, Identity, IdentityError, Issuer, RSA_BITS_MIN};
use crate::protocol::shortened;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

/// Verifies tokens with the keys of a set, picked by the token's `kid`; issues none.
pub struct JwksIdentity {
    issuer: Issuer,
    keys: BTreeMap<String, DecodingKey>,
}

impl JwksIdentity {
    /// With the keys of a JWKS document. Keys without an id, or of a kind that is not RSA, are passed over.
    ///
    /// # Errors
    /// `Key` if it is no key set, none of its keys can be used, or one has less than 2,048 bits.
    pub fn from_json(issuer: Issuer, json: &str) -> Result<JwksIdentity, IdentityError> {
        let set: KeySet = serde_json::from_str(json).map_err(|error| IdentityError::Key(error.to_string()))?;
        let mut keys = BTreeMap::new();
        // A kind of key that is not known makes no other key unusable (RFC 7517, section 5).
        for key in set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok()) {
            let (Some(key_id), AlgorithmParameters::RSA(numbers)) = (&key.common.key_id, &key.algorithm) else {
                continue;
            };
            long_enough(key_id, &numbers.n)?;
            if let Ok(key) = DecodingKey::from_jwk(&key) {
                keys.insert(key_id.clone(), key);
            }
        }
        if keys.is_empty() {
            return Err(IdentityError::Key("the key set has no RSA key with an id".to_string()));
        }
        Ok(JwksIdentity { issuer, keys })
    }
}

/// Refuses a key whose modulus, in base64url, is too short.
fn long_enough(key_id: &str, modulus: &str) -> Result<(), IdentityError> {
    let bytes = URL_SAFE_NO_PAD.decode(modulus).unwrap_or_default();
    let bits = rsa::BigUint::from_bytes_be(&bytes).bits();
    if bits < RSA_BITS_MIN {
        let key_id = shortened(key_id);
        return Err(IdentityError::Key(format!("`{key_id}` has {bits} bits, {RSA_BITS_MIN} are needed")));
    }
    Ok(())
}

impl Identity for JwksIdentity {
    fn issue(&self, _: &str, _: Duration) -> Result<String, IdentityError> {
        Err(IdentityError::CannotIssue)
    }

    fn verify(&self, token: &str, now: Duration) -> Result<Claims, IdentityError> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| unreadable(&error))?;
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
