//! The embedded issuer: a signing key made for the occasion, and the gateway's trust in it.

use std::sync::Mutex;

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use super::Failed;
use crate::secret::{Fingerprint, Secret};
use crate::sync;

/// Who the tokens are for.
pub(super) const AUDIENCE: &str = "demo-gateway";

/// Signs for the daemon, through the file that its source of type `jwt` reads; and knows the public half.
pub(super) struct Issuer(Mutex<KeyPair>);

struct KeyPair {
    private: Secret,
    public: DecodingKey,
    id: Fingerprint,
}

impl Issuer {
    pub(super) fn new() -> Result<Self, Failed> {
        Ok(Self(Mutex::new(KeyPair::generate()?)))
    }

    /// From now on only what is signed with a new key is trusted.
    pub(super) fn rotate(&self) -> Result<(), Failed> {
        *self.lock() = KeyPair::generate()?;
        Ok(())
    }

    /// The private key, PKCS #8 in PEM.
    pub(super) fn signing_key(&self) -> Secret {
        self.lock().private.clone()
    }

    /// What the signing key is called.
    pub(super) fn key_id(&self) -> Fingerprint {
        self.lock().id.clone()
    }

    /// Whether `token` is a JWT that this issuer's present key signed, for the gateway, and that has not expired.
    pub(super) fn is_trusted(&self, token: &Secret) -> bool {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        let public = self.lock().public.clone();
        jsonwebtoken::decode::<serde_json::Value>(token.expose(), &public, &validation).is_ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, KeyPair> {
        sync::lock(&self.0)
    }
}

impl KeyPair {
    fn generate() -> Result<Self, Failed> {
        let pair = Ed25519KeyPair::generate()?;
        let der: Pkcs8V1Der<'_> = pair.as_der()?;
        let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref()));
        let private = Secret::new(pem);
        Ok(Self {
            id: private.fingerprint(),
            private,
            public: DecodingKey::from_ed_der(pair.public_key().as_ref()),
        })
    }
}
