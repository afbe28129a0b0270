//! The signing key, parsed again when its file or its password changes.

use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{self, Digest};
use serde_json::{Map, Value};

use crate::{
    config::SigningAlgorithm,
    secret::Secret,
    source::{
        SourceError,
        secret_input::SecretInput,
        signing_key::{KeyError, KeyNames, SigningKey},
    },
    sync,
};

/// The location of the signing key, and the key as last parsed.
pub(super) struct KeyRing {
    /// The source's name in the configuration.
    name: String,
    algorithm: SigningAlgorithm,
    from: SecretInput,
    password: Option<SecretInput>,
    /// With the digest of what it was parsed from.
    last: Mutex<Option<(Vec<u8>, Arc<SigningKey>)>>,
}

impl KeyRing {
    pub(super) fn new(
        name: &str,
        algorithm: SigningAlgorithm,
        from: SecretInput,
        password: Option<SecretInput>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            algorithm,
            from,
            password,
            last: Mutex::new(None),
        }
    }

    /// Signs `claims` with the current key and returns the JWT. `key_id` is the header's `kid`.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if the key or its password cannot be read, or if the key does
    /// not fit the algorithm.
    pub(super) fn sign(
        &self,
        key_id: Option<&str>,
        claims: &Map<String, Value>,
    ) -> Result<Secret, SourceError> {
        let key = self.current()?;
        let names = KeyNames {
            key_id,
            certificate_hash: None,
        };
        key.sign(&names, claims).map_err(|error| self.broken(error))
    }

    /// Drops the key, which is read again when it is needed.
    pub(super) fn forget(&self) {
        *sync::lock(&self.last) = None;
    }

    /// Whether a key is in memory.
    #[cfg(test)]
    pub(super) fn has_key(&self) -> bool {
        sync::lock(&self.last).is_some()
    }

    fn current(&self) -> Result<Arc<SigningKey>, SourceError> {
        let bytes = self.from.read_bytes()?;
        let password = self.password.as_ref().map(SecretInput::read_password);
        let password = password.transpose()?;
        // Not by modification time, whose resolution may hide a second replacement.
        let hash = hash(&bytes, password.as_ref()).as_ref().to_vec();
        if let Some((last_hash, key)) = &*sync::lock(&self.last)
            && *last_hash == hash
        {
            return Ok(Arc::clone(key));
        }
        let key = SigningKey::parse(self.algorithm, &bytes, password.as_ref())
            .map(Arc::new)
            .map_err(|error| self.broken(error))?;
        *sync::lock(&self.last) = Some((hash, Arc::clone(&key)));
        Ok(key)
    }

    fn broken(&self, error: KeyError) -> SourceError {
        let Self { from, name, .. } = self;
        let (reason, hint) = match error {
            KeyError::Wrong => {
                let (kind, command) = expected(self.algorithm);
                let algorithm = self.algorithm;
                (
                    format!("{from} is not a signing key for {algorithm}: expected {kind} in PEM"),
                    format!("create one with: {command}"),
                )
            }
            KeyError::TooShort { len, least } => (
                format!(
                    "{from} contains {len} bytes, too few for {}: expected at least {least}",
                    self.algorithm
                ),
                format!("create a key with: openssl rand -hex {least}"),
            ),
            KeyError::NoPassword => (
                format!("{from} is encrypted, and 'source.{name}' names no password for it"),
                format!("set 'source.{name}.key_password_file' to the file with its password"),
            ),
            KeyError::WrongPassword => {
                let password = self.password.as_ref().map(ToString::to_string);
                let password = password.unwrap_or_default();
                (
                    format!("{from} cannot be decrypted with the password in {password}"),
                    format!("write the password of the key to {password}"),
                )
            }
            KeyError::UnsupportedEncryption => (
                format!("{from} is encrypted in an unsupported way"),
                "convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW".to_owned(),
            ),
        };
        SourceError::Configuration { reason, hint }
    }
}

fn hash(key: &[u8], password: Option<&Secret>) -> Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(digest::digest(&digest::SHA256, key).as_ref());
    context.update(password.map_or(&[], |password| password.expose().as_bytes()));
    context.finish()
}

/// The kind of key that `algorithm` needs, and the command that creates one.
fn expected(algorithm: SigningAlgorithm) -> (&'static str, &'static str) {
    match algorithm {
        SigningAlgorithm::Es256 => (
            "a P-256 private key",
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        ),
        SigningAlgorithm::Es384 => (
            "a P-384 private key",
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        ),
        SigningAlgorithm::Es512 => (
            "a P-521 private key",
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
        ),
        SigningAlgorithm::EdDsa => (
            "an Ed25519 private key",
            "openssl genpkey -algorithm ed25519",
        ),
        _ => (
            "an RSA private key of at least 2048 bits",
            "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072",
        ),
    }
}
