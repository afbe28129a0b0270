//! A key that signs JWTs.

#![expect(clippy::unwrap_used, reason = "tests")]

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, dangerous::insecure_decode,
};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::Value;

use super::canary::issued;

/// A key for `EdDSA`.
pub(crate) struct SigningKey(KeyPair);

impl SigningKey {
    pub(crate) fn new() -> Self {
        let key = Self(KeyPair::generate_for(&PKCS_ED25519).unwrap());
        issued::add(&key.private_pem());
        key
    }

    /// PKCS #8 in PEM.
    pub(crate) fn private_pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// SPKI in PEM.
    pub(crate) fn public_pem(&self) -> String {
        self.0.public_key_pem()
    }

    /// Whether `token` is signed by this key for `audience`, and has not expired.
    pub(crate) fn verifies(&self, token: &str, audience: &str) -> bool {
        let key = DecodingKey::from_ed_pem(self.public_pem().as_bytes()).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[audience]);
        validation.leeway = 0;
        jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
    }

    /// A token with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let key = EncodingKey::from_ed_pem(self.private_pem().as_bytes()).unwrap();
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, &key).unwrap()
    }
}

/// The claims of a token, which is not verified.
pub(crate) fn claims(token: &str) -> Value {
    insecure_decode::<Value>(token).unwrap().claims
}
