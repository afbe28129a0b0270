//! A client's signed assertion (`private_key_jwt`; RFC 7523, sections 2.2 and 3; OpenID Connect
//! Core 1.0, section 9).

use std::{path::PathBuf, sync::Arc, time::Duration};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{
    clock::Clock,
    config::{FilePath, SecretRef, SigningAlgorithm},
    named_file,
    network::one_line,
    principal::Principal,
    secret::Secret,
    source::{
        SourceError,
        oauth::provider::discovery::Metadata,
        random,
        secret_input::{SecretInput, resolve_path},
        signing_key::{KeyError, KeyKind, KeyNames, SigningKey},
    },
};

/// How long an assertion is valid: one request, and a server's clock that is a few minutes off.
/// Servers refuse long ones.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The key that signs the assertions, read at every use.
pub(in super::super) struct AssertionKey {
    /// The source's name in the configuration.
    source: String,
    key: SecretInput,
    key_id: Option<String>,
    cert_file: Option<PathBuf>,
    clock: Arc<dyn Clock>,
}

impl AssertionKey {
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if a placeholder has no value.
    pub(super) fn new(
        name: &str,
        (key, key_id, cert_file): (&SecretRef, Option<&str>, Option<&FilePath>),
        principal: &Principal,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            source: name.to_owned(),
            key: SecretInput::new(name, "key", key, principal)?,
            key_id: key_id.map(str::to_owned),
            cert_file: cert_file
                .map(|path| resolve_path(name, "cert_file", path, principal))
                .transpose()?,
            clock,
        })
    }

    /// Signs an assertion of `client_id` for the server.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if the key or the certificate cannot be read, or the server
    /// accepts no algorithm of the key.
    pub(super) fn sign(&self, client_id: &str, metadata: &Metadata) -> Result<Secret, SourceError> {
        let pem = self.key.read_bytes()?;
        let kind = KeyKind::of(&pem).map_err(|error| self.broken(error))?;
        let algorithm = algorithm(kind, metadata)?;
        let key = SigningKey::parse(algorithm, &pem, None).map_err(|error| self.broken(error))?;
        let certificate_hash = self.certificate_hash()?;
        let names = KeyNames {
            key_id: self.key_id.as_deref(),
            certificate_hash: certificate_hash.as_deref(),
        };
        let claims = self.claims(client_id, metadata.token_endpoint.as_str())?;
        key.sign(&names, &claims)
            .map_err(|error| self.broken(error))
    }

    /// `aud` is the token endpoint, at every endpoint: no metadata say that a server expects its
    /// issuer there.
    fn claims(&self, client_id: &str, audience: &str) -> Result<Map<String, Value>, SourceError> {
        let id = random::bytes::<16>(&self.source)?;
        let now = self.clock.now().wall.as_second();
        let lifetime = i64::try_from(LIFETIME.as_secs()).unwrap_or(0);
        Ok([
            ("iss", Value::from(client_id)),
            ("sub", Value::from(client_id)),
            ("aud", Value::from(audience)),
            ("jti", Value::from(URL_SAFE_NO_PAD.encode(id))),
            ("iat", Value::from(now)),
            ("exp", Value::from(now.saturating_add(lifetime))),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect())
    }

    /// The header's `x5t#S256`: the hash of the first certificate in the file.
    fn certificate_hash(&self) -> Result<Option<String>, SourceError> {
        let Some(path) = &self.cert_file else {
            return Ok(None);
        };
        let file = named_file::read_public(path)?;
        let blocks = pem::parse_many(&*file).unwrap_or_default();
        let certificate = blocks.iter().find(|block| block.tag() == "CERTIFICATE");
        let certificate = certificate.ok_or_else(|| SourceError::Configuration {
            reason: format!("the file '{}' contains no PEM certificate", path.display()),
            hint: "write the certificate of 'key_file' to 'cert_file'".to_owned(),
        })?;
        let hash = digest::digest(&digest::SHA256, certificate.contents());
        Ok(Some(URL_SAFE_NO_PAD.encode(hash)))
    }

    fn broken(&self, error: KeyError) -> SourceError {
        let key = &self.key;
        let (reason, hint) = match error {
            KeyError::NoPassword | KeyError::WrongPassword | KeyError::UnsupportedEncryption => (
                format!("{key} is encrypted"),
                "write it unencrypted, readable by the user alone: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW",
            ),
            KeyError::Wrong | KeyError::TooShort { .. } => (
                format!(
                    "{key} is not a signing key: expected an RSA, EC or Ed25519 private key in PEM"
                ),
                "write the private key of the registered client to it",
            ),
        };
        SourceError::Configuration {
            reason,
            hint: hint.to_owned(),
        }
    }
}

/// The first algorithm of the key that the server lists; RS256, which all have, comes first.
fn algorithm(kind: KeyKind, metadata: &Metadata) -> Result<SigningAlgorithm, SourceError> {
    use SigningAlgorithm as Name;
    let possible: &[(Name, &str)] = match kind {
        KeyKind::Rsa => &[
            (Name::Rs256, "RS256"),
            (Name::Ps256, "PS256"),
            (Name::Rs384, "RS384"),
            (Name::Ps384, "PS384"),
            (Name::Rs512, "RS512"),
            (Name::Ps512, "PS512"),
        ],
        KeyKind::P256 => &[(Name::Es256, "ES256")],
        KeyKind::P384 => &[(Name::Es384, "ES384")],
        KeyKind::P521 => &[(Name::Es512, "ES512")],
        KeyKind::Ed25519 => &[(Name::EdDsa, "EdDSA")],
    };
    let accepted = metadata.signing_algorithms.as_deref().unwrap_or_default();
    let is_accepted = |name: &str| accepted.is_empty() || accepted.iter().any(|one| one == name);
    let found = possible.iter().find(|(_, name)| is_accepted(name));
    found
        .map(|(algorithm, _)| *algorithm)
        .ok_or_else(|| SourceError::Configuration {
            reason: format!(
                "'{}' accepts no assertion that the configured key can sign; expected one of {}",
                metadata.host(),
                one_line(&accepted.join(", "))
            ),
            hint: "create a key for one of these algorithms and register it for the client"
                .to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::oauth::provider::tests::metadata;

    #[test]
    fn the_algorithm_fits_the_key_and_the_servers_list() {
        let choose = |kind, accepted: Option<&[&str]>| {
            let mut metadata = metadata("https://i.test");
            metadata.signing_algorithms =
                accepted.map(|all| all.iter().map(|&one| one.to_owned()).collect());
            algorithm(kind, &metadata).ok()
        };
        for (kind, accepted, expected) in [
            (KeyKind::Rsa, None, Some(SigningAlgorithm::Rs256)),
            (
                KeyKind::Rsa,
                Some(&["PS256", "RS256"][..]),
                Some(SigningAlgorithm::Rs256),
            ),
            (
                KeyKind::Rsa,
                Some(&["ES256", "PS256"]),
                Some(SigningAlgorithm::Ps256),
            ),
            (KeyKind::Rsa, Some(&["ES256"]), None),
            (KeyKind::P256, None, Some(SigningAlgorithm::Es256)),
            (KeyKind::P256, Some(&["RS256"]), None),
            (KeyKind::P384, Some(&[]), Some(SigningAlgorithm::Es384)),
            (KeyKind::P521, None, Some(SigningAlgorithm::Es512)),
            (
                KeyKind::Ed25519,
                Some(&["EdDSA"]),
                Some(SigningAlgorithm::EdDsa),
            ),
        ] {
            assert_eq!(choose(kind, accepted), expected, "{kind:?} {accepted:?}");
        }
    }
}
