//! The HTTP client for one Vault: TLS, trusted CAs, client certificate, proxies, redirects.

use std::{path::PathBuf, time::Duration};

use reqwest::{Certificate, Client, Identity, redirect};
use zeroize::Zeroizing;

use super::{address::Address, error};
use crate::{
    config,
    principal::Principal,
    source::{SourceError, secret_input},
};

/// The most redirects that are followed. Vault needs one: from a standby to the active node.
const MAX_REDIRECTS: usize = 3;

/// How to connect to Vault.
pub(super) struct ClientSettings {
    ca_file: Option<PathBuf>,
    /// The certificate chain and the private key of the `cert` method.
    identity: Option<(PathBuf, PathBuf)>,
    /// For one request, redirects included.
    pub(super) timeout: Duration,
}

impl ClientSettings {
    /// The settings of the source `name`. No file is read yet.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if a placeholder has no value.
    pub(super) fn new(
        name: &str,
        config: &config::VaultConfig,
        principal: &Principal,
    ) -> Result<Self, SourceError> {
        let path = |key, path| secret_input::resolve_path(name, key, path, principal);
        let identity = match config.auth.as_ref().map(|auth| &auth.method) {
            Some(config::AuthMethod::Cert {
                cert_file,
                key_file,
                ..
            }) => Some((
                path("auth.cert_file", cert_file)?,
                path("auth.key_file", key_file)?,
            )),
            _ => None,
        };
        let ca_file = config.ca_file.as_ref();
        Ok(Self {
            ca_file: ca_file.map(|file| path("ca_file", file)).transpose()?,
            identity,
            timeout: config.timeout,
        })
    }

    pub(super) fn has_identity(&self) -> bool {
        self.identity.is_some()
    }

    /// Reads the files and builds a client for `address`.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if a file is missing or invalid, or the system's trust store
    /// cannot be read.
    pub(super) fn build(&self, address: &Address) -> Result<Client, SourceError> {
        let mut builder = Client::builder()
            .tls_backend_rustls()
            .user_agent(concat!("claviger/", env!("CARGO_PKG_VERSION")))
            .timeout(self.timeout)
            .connect_timeout(self.timeout)
            .redirect(redirect::Policy::custom(same_origin))
            .referer(false)
            .pool_max_idle_per_host(1);
        if address.is_local {
            builder = builder.no_proxy();
        }
        #[cfg(unix)]
        if let Some(socket) = &address.socket {
            builder = builder.unix_socket(socket.clone());
        }
        if !address.is_tls {
            // Without TLS the system's trust store is not needed, and it may be missing.
            builder = builder.tls_certs_only(Vec::new());
        } else if let Some(file) = &self.ca_file {
            let pem = secret_input::read_public(file)?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(SourceError::Configuration {
                    reason: format!("the file '{}' contains no PEM certificate", file.display()),
                    hint: "write the CA's certificates to it, or correct 'ca_file'".to_owned(),
                });
            }
            builder = builder.tls_certs_only(certificates);
        }
        if let Some((chain, key)) = &self.identity {
            builder = builder.identity(read_identity(chain, key)?);
        }
        builder.build().map_err(|e| SourceError::Configuration {
            reason: format!(
                "TLS to '{}' cannot be set up: {}",
                address.name,
                error::innermost(&e)
            ),
            hint: "check 'ca_file', the client certificate and the system's trust store".to_owned(),
        })
    }
}

fn read_identity(chain: &PathBuf, key: &PathBuf) -> Result<Identity, SourceError> {
    let key_pem = secret_input::read_private(key)?;
    let chain_pem = secret_input::read_public(chain)?;
    // Never reallocated, which would leave a copy of the key in memory.
    let mut pem = Zeroizing::new(Vec::with_capacity(key_pem.len() + chain_pem.len() + 1));
    pem.extend_from_slice(&chain_pem);
    pem.push(b'\n');
    if chain != key {
        pem.extend_from_slice(&key_pem);
    }
    Identity::from_pem(&pem).map_err(|_| SourceError::Configuration {
        reason: format!(
            "expected a PEM certificate in '{}' and its private key in '{}'",
            chain.display(),
            key.display()
        ),
        hint: "write the chain to 'cert_file' and its unencrypted key to 'key_file'".to_owned(),
    })
}

/// Follows a redirect to the same scheme, host and port. Any other ends the request with the
/// redirect itself as the response.
fn same_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let same = attempt
        .previous()
        .first()
        .is_some_and(|first| first.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}
