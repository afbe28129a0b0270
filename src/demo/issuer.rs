//! The embedded issuer: a signing key made for this run, and the gateway's trust in it.

use std::sync::{Mutex, MutexGuard};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use super::error::DemoError;
use crate::{
    secret::{Fingerprint, Secret},
    sync,
};

/// The tokens' audience.
pub(super) const AUDIENCE: &str = "demo-gateway";

/// The signing key. The daemon signs with the private half, which its source of type `jwt` reads
/// from a file; the gateway verifies with the public half.
pub(super) struct Issuer(Mutex<SigningKey>);

struct SigningKey {
    private: Secret,
    public: DecodingKey,
    id: Fingerprint,
}

impl Issuer {
    pub(super) fn new() -> Result<Self, DemoError> {
        Ok(Self(Mutex::new(SigningKey::generate()?)))
    }

    /// Replaces the signing key: tokens of the old one are no longer trusted.
    pub(super) fn rotate(&self) -> Result<(), DemoError> {
        *self.lock() = SigningKey::generate()?;
        Ok(())
    }

    /// The private key: PKCS #8 in PEM.
    pub(super) fn signing_key(&self) -> Secret {
        self.lock().private.clone()
    }

    /// The fingerprint of the signing key, which identifies it in the demo's output.
    pub(super) fn key_id(&self) -> Fingerprint {
        self.lock().id.clone()
    }

    /// Whether `token` is an unexpired JWT for the gateway, signed with the current key.
    pub(super) fn is_trusted(&self, token: &Secret) -> bool {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        let public = self.lock().public.clone();
        jsonwebtoken::decode::<serde_json::Value>(token.expose(), &public, &validation).is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, SigningKey> {
        sync::lock(&self.0)
    }
}

impl SigningKey {
    fn generate() -> Result<Self, DemoError> {
        let pair = Ed25519KeyPair::generate().map_err(cannot_generate)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(cannot_generate)?;
        let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref()));
        let private = Secret::new(pem);
        Ok(Self {
            id: private.fingerprint(),
            private,
            public: DecodingKey::from_ed_der(pair.public_key().as_ref()),
        })
    }
}

fn cannot_generate(error: impl std::error::Error) -> DemoError {
    DemoError::bug(format!("cannot generate a signing key: {error}"))
}
