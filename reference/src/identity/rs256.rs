//! Tokens as deployed: signed with an RSA key. The key is made when a server starts, read from a PEM file, or, in
//! simulated runs, the fixed one beside this file.

use super::{Claims, Identity, IdentityError, Issuer, JwksIdentity, RSA_BITS_MIN};
use crate::surroundings::Random;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::{CryptoRng, Error, RngCore};
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, RsaPublicKey};
use std::time::Duration;

const SIMULATION_ONLY_KEY_PEM: &str = include_str!("simulation_only_key.pem");
const KEY_ID: &str = "rehearsal-1";

/// Issues and verifies RS256 tokens.
pub struct Rs256Identity {
    issuer: Issuer,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: RsaPublicKey,
}

impl Rs256Identity {
    /// With a new key, made of this randomness. Takes a noticeable part of a second.
    ///
    /// # Errors
    /// `Key` if no key could be made.
    pub fn generate(issuer: Issuer, random: &dyn Random) -> Result<Rs256Identity, IdentityError> {
        let key = RsaPrivateKey::new(&mut HandedIn(random), RSA_BITS_MIN).map_err(key_error)?;
        Rs256Identity::of_key(issuer, &key)
    }

    /// With the private key of a PEM text, PKCS#1 or PKCS#8.
    ///
    /// # Errors
    /// `Key` if it cannot be read, or has less than 2,048 bits.
    pub fn from_pem(issuer: Issuer, pem: &str) -> Result<Rs256Identity, IdentityError> {
        let key = RsaPrivateKey::from_pkcs8_pem(pem)
            .or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem))
            .map_err(|error| IdentityError::Key(error.to_string()))?;
        Rs256Identity::of_key(issuer, &key)
    }

    /// With a fixed key that everybody can read: for simulated runs only.
    ///
    /// # Errors
    /// None in practice: a test reads the key.
    pub fn simulated() -> Result<Rs256Identity, IdentityError> {
        Rs256Identity::from_pem(Issuer::default(), SIMULATION_ONLY_KEY_PEM)
    }

    /// The public key as a JWKS document, for a server that verifies these tokens.
    pub fn jwks(&self) -> String {
        jwks_of(&self.public)
    }

    /// An identity that verifies these tokens and issues none.
    ///
    /// # Errors
    /// None in practice: it reads what [`Rs256Identity::jwks`] wrote.
    pub fn verifier(&self) -> Result<JwksIdentity, IdentityError> {
        JwksIdentity::from_json(self.issuer.clone(), &self.jwks())
    }

    fn of_key(issuer: Issuer, key: &RsaPrivateKey) -> Result<Rs256Identity, IdentityError> {
        let bits = key.n().bits();
        if bits < RSA_BITS_MIN {
            return Err(IdentityError::Key(format!("it has {bits} bits, {RSA_BITS_MIN} are needed")));
        }
        let public = key.to_public_key();
        let private_der = key.to_pkcs1_der().map_err(key_error)?;
        let public_der = public.to_pkcs1_der().map_err(key_error)?;
        Ok(Rs256Identity {
            issuer,
            signing: EncodingKey::from_rsa_der(private_der.as_bytes()),
            verifying: DecodingKey::from_rsa_der(public_der.as_bytes()),
            public,
        })
    }
}

impl Identity for Rs256Identity {
    fn issue(&self, username: &str, now: Duration) -> Result<String, IdentityError> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(KEY_ID.to_string());
        jsonwebtoken::encode(&header, &self.issuer.claims_of(username, now), &self.signing)
            .map_err(|error| IdentityError::Signing(error.to_string()))
    }

    fn verify(&self, token: &str, now: Duration) -> Result<Claims, IdentityError> {
        self.issuer.verify(token, &self.verifying, Algorithm::RS256, now)
    }
}

fn jwks_of(public: &RsaPublicKey) -> String {
    let base64url = |number: &rsa::BigUint| {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(number.to_bytes_be())
    };
    let key = serde_json::json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID,
                                  "n": base64url(public.n()), "e": base64url(public.e()) });
    serde_json::json!({ "keys": [key] }).to_string()
}

fn key_error(error: impl std::fmt::Display) -> IdentityError {
    IdentityError::Key(error.to_string())
}

/// The randomness of the surroundings, in the form that key generation asks for.
struct HandedIn<'a>(&'a dyn Random);

impl RngCore for HandedIn<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl CryptoRng for HandedIn<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000_000);

    #[test]
    fn the_fixed_key_signs_what_it_verifies_and_the_same_each_time() {
        let identity = Rs256Identity::simulated().unwrap();
        let token = identity.issue("ada", NOW).unwrap();
        assert_eq!(identity.issue("ada", NOW).unwrap(), token);
        assert_eq!(identity.verify(&token, NOW).unwrap().username, "ada");
    }

    #[test]
    fn its_key_set_verifies_its_tokens_and_issues_none() {
        let identity = Rs256Identity::simulated().unwrap();
        let verifier = identity.verifier().unwrap();
        let token = identity.issue("ada", NOW).unwrap();
        assert_eq!(verifier.verify(&token, NOW).unwrap().username, "ada");
        assert_eq!(verifier.issue("ada", NOW), Err(IdentityError::CannotIssue));
    }

    #[test]
    fn a_key_of_an_unknown_kind_leaves_the_others_usable() {
        let identity = Rs256Identity::simulated().unwrap();
        let set = identity.jwks().replace(r#"{"keys":["#, r#"{"keys":[{"kty":"AKP","kid":"pq","pub":"AA"},"#);
        let verifier = JwksIdentity::from_json(Issuer::default(), &set).unwrap();
        assert!(verifier.verify(&identity.issue("ada", NOW).unwrap(), NOW).is_ok());
    }

    #[test]
    fn a_token_signed_with_a_secret_is_refused_where_a_key_is_asked_for() {
        let forged = crate::identity::Hs256Identity::simulated().issue("ada", NOW).unwrap();
        let refused = Rs256Identity::simulated().unwrap().verify(&forged, NOW);
        assert!(matches!(refused, Err(IdentityError::Invalid(_))));
    }

    /// Bytes of a linear congruential generator: enough to make a key that nobody should trust.
    struct Congruential(std::sync::Mutex<u64>);

    impl Random for Congruential {
        fn fill(&self, bytes: &mut [u8]) {
            let mut state = self.0.lock().unwrap();
            for byte in bytes {
                *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (*state >> 56) as u8;
            }
        }
    }

    #[test]
    fn a_new_key_signs_what_it_verifies_and_no_other_key_does() {
        let identity = Rs256Identity::generate(Issuer::default(), &Congruential(7.into())).unwrap();
        let token = identity.issue("ada", NOW).unwrap();
        assert_eq!(identity.verify(&token, NOW).unwrap().username, "ada");
        let other = Rs256Identity::simulated().unwrap().verify(&token, NOW);
        assert!(matches!(other, Err(IdentityError::Invalid(_))));
    }

    #[test]
    fn a_short_key_is_refused_wherever_it_comes_from() {
        let short = RsaPrivateKey::new(&mut HandedIn(&Congruential(7.into())), 1024).unwrap();
        let refused =
            |made: Result<(), IdentityError>| matches!(made, Err(IdentityError::Key(why)) if why.contains("1024"));
        let pem = short.to_pkcs1_pem(Default::default()).unwrap();
        assert!(refused(Rs256Identity::from_pem(Issuer::default(), &pem).map(drop)));
        let jwks = jwks_of(&RsaPublicKey::from(&short));
        assert!(refused(JwksIdentity::from_json(Issuer::default(), &jwks).map(drop)));
    }

    #[test]
    fn rubbish_is_no_key() {
        assert!(matches!(Rs256Identity::from_pem(Issuer::default(), "rubbish"), Err(IdentityError::Key(_))));
    }
}
