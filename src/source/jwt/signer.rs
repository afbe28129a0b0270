//! Signing with the key in a file or variable, which is read for each signature.
//!
//! The key is not kept: it can sign any token, it is needed for a millisecond in an hour, and it
//! may have been replaced since. Only an encrypted key takes longer, for the iterations that the
//! administrator has chosen.

use serde_json::{Map, Value};

use crate::{
    config::SigningAlgorithm,
    secret::Secret,
    source::{
        SourceError,
        secret_input::SecretInput,
        signing_key::{KeyError, KeyNames, SigningKey},
    },
};

/// The location of the signing key, and of its password.
pub(super) struct Signer {
    /// The source's name in the configuration.
    name: String,
    algorithm: SigningAlgorithm,
    from: SecretInput,
    password: Option<SecretInput>,
}

impl Signer {
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
        let password = self.password.as_ref().map(SecretInput::read_password);
        let password = password.transpose()?;
        let names = KeyNames {
            key_id,
            certificate_hash: None,
        };
        SigningKey::parse(self.algorithm, &self.from.read_bytes()?, password.as_ref())
            .and_then(|key| key.sign(&names, claims))
            .map_err(|error| self.broken(error))
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
