//! The interface of the secrets engines.

use async_trait::async_trait;
use vaultrs::api::kv1::requests::GetSecretRequest;

use super::{
    field::SecretFields,
    location::SecretTemplate,
    response::VaultResponse,
    session::{ReadResponse, VaultSession},
};
use crate::{
    credential::Credential,
    source::{Freshness, Revocation, SourceError},
};

/// A secrets engine that the key is read from. The methods are those of
/// [`Source`](crate::source::Source), with the session to use.
#[async_trait]
pub(super) trait SecretsEngine: Send + Sync {
    /// Reads the secret and extracts the key.
    async fn issue(&self, session: &VaultSession) -> Result<Credential, SourceError>;

    /// Renews the lease of `credential`; `None` if the engine has no leases.
    async fn renew(
        &self,
        _session: &VaultSession,
        _credential: &Credential,
    ) -> Result<Option<Credential>, SourceError> {
        Ok(None)
    }

    /// Checks whether `credential` is current; `Unknown` if the engine cannot be asked.
    async fn revalidate(
        &self,
        _session: &VaultSession,
        _credential: &Credential,
    ) -> Result<Freshness, SourceError> {
        Ok(Freshness::Unknown)
    }

    /// Revokes `credential`, if the engine issues revocable ones, and ends the session.
    async fn revoke(
        &self,
        session: &VaultSession,
        _credential: Option<&Credential>,
    ) -> Result<Revocation, SourceError> {
        Ok(Revocation {
            login: session.log_out().await?,
            ..Revocation::default()
        })
    }
}

/// Reads the secret at `mount/path`: how KV v1 and the engines that issue leases return a secret.
///
/// # Errors
///
/// Those of [`VaultSession::read`], and [`SourceError::Malformed`].
pub(super) async fn read_secret(
    session: &VaultSession,
    template: &SecretTemplate,
) -> Result<(ReadResponse, VaultResponse<SecretFields>), SourceError> {
    let read = session
        .read(template, |location| GetSecretRequest {
            mount: location.mount.clone(),
            path: location.path.clone(),
        })
        .await?;
    let response: VaultResponse<SecretFields> = read.parse(session.host())?;
    if response.data.is_none() {
        return Err(SourceError::Malformed {
            host: session.host().to_owned(),
            reason: format!("the response for '{}' has no data", read.path),
        });
    }
    template.record(&read.location);
    Ok((read, response))
}
