//! KV v2: versioned secrets, whose version can be checked without reading the secret.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use serde::de::{DeserializeOwned, IgnoredAny};
use vaultrs::api::kv2::requests::{ReadSecretMetadataRequest, ReadSecretRequest};

use super::metadata::{SecretMetadata, VersionedData};
use crate::{
    credential::Credential,
    source::{
        Freshness, SourceError,
        vault::{
            engine::SecretsEngine,
            error::RequestError,
            field::{self, SecretFields},
            location::SecretTemplate,
            response::{self, VaultResponse},
            session::{ReadResponse, VaultSession, path_of},
            status,
            token::{self, VaultToken},
        },
    },
};

/// A secret in a KV v2 engine.
pub(crate) struct Kv2 {
    template: Arc<SecretTemplate>,
    /// The number of the login whose policy allows reading the data and not the metadata; 0 for
    /// none.
    no_metadata: AtomicU64,
}

impl Kv2 {
    pub(crate) fn new(template: Arc<SecretTemplate>) -> Self {
        Self {
            template,
            no_metadata: AtomicU64::new(0),
        }
    }

    async fn read_data<T: DeserializeOwned>(
        &self,
        session: &VaultSession,
    ) -> Result<(ReadResponse, VersionedData<T>), SourceError> {
        let read = session
            .read(&self.template, |location| ReadSecretRequest {
                mount: location.mount.clone(),
                path: location.path.clone(),
                version: None,
            })
            .await?;
        let data = data(session.host(), &read.path, read.parse(session.host())?)?;
        Ok((read, data))
    }

    /// Reads the version from the metadata, or from the data if the policy denies the metadata.
    async fn current_version(&self, session: &VaultSession) -> Result<u64, SourceError> {
        let login = login_number(session.current_token().await.as_ref());
        let denied = self.no_metadata.load(Ordering::Relaxed);
        if (login == 0 || denied != login)
            && let Some(version) = self.read_metadata(session).await?
        {
            return Ok(version);
        }
        let (read, versioned) = self.read_data::<IgnoredAny>(session).await?;
        // The token could read the data, so the policy denies the metadata until the next login.
        if login_number(read.token.as_ref()) == login {
            self.no_metadata.store(login, Ordering::Relaxed);
        }
        Ok(versioned.metadata.version)
    }

    /// Reads the version from the metadata; `None` if permission is denied.
    async fn read_metadata(&self, session: &VaultSession) -> Result<Option<u64>, SourceError> {
        let token = session.token(false).await?;
        let location = self.template.resolve(token::claims(token.as_ref()))?;
        let request = ReadSecretMetadataRequest {
            mount: location.mount,
            path: location.path,
        };
        let path = path_of(&request);
        let read_error = |error| status::read_error(session.host(), &path, error);
        let (body, sent_at) = match session.call(token.as_ref(), request).await {
            Err(RequestError::Status(response))
                if response.status == 403 && response.is_vaults() =>
            {
                return Ok(None);
            }
            other => other.map_err(read_error)?,
        };
        let response =
            response::parse(&body).map_err(|error| status::malformed(session.host(), &error))?;
        let metadata: SecretMetadata = data(session.host(), &path, response)?;
        match metadata.current(sent_at.wall) {
            Ok(version) => Ok(Some(version)),
            Err(reason) => Err(missing(session.host(), path, reason)),
        }
    }
}

#[async_trait]
impl SecretsEngine for Kv2 {
    async fn issue(&self, session: &VaultSession) -> Result<Credential, SourceError> {
        let (read, versioned) = self.read_data::<SecretFields>(session).await?;
        let Some(fields) = versioned.data else {
            let reason = versioned.metadata.missing_reason();
            return Err(missing(session.host(), read.path, reason));
        };
        self.template.record(&read.location);
        Ok(Credential {
            secret: field::extract_field(
                session.host(),
                &fields,
                &self.template.field,
                &token::secrets(read.token.as_ref()),
            )?,
            obtained: read.sent_at,
            issued: versioned.metadata.created_time,
            lifetime: None,
            version: Some(versioned.metadata.version),
            lease: None,
        })
    }

    /// Compares the version numbers, unless the token's uses are limited.
    async fn revalidate(
        &self,
        session: &VaultSession,
        credential: &Credential,
    ) -> Result<Freshness, SourceError> {
        if !session.may_check().await? {
            return Ok(Freshness::Unknown);
        }
        let version = self.current_version(session).await?;
        Ok(if Some(version) == credential.version {
            Freshness::Fresh
        } else {
            Freshness::Stale
        })
    }
}

fn login_number(token: Option<&VaultToken>) -> u64 {
    token.map_or(0, |token| token.login)
}

fn data<T>(host: &str, path: &str, response: VaultResponse<T>) -> Result<T, SourceError> {
    response.data.ok_or_else(|| SourceError::Malformed {
        host: host.to_owned(),
        reason: format!("the response for '{path}' has no data"),
    })
}

fn missing(host: &str, path: String, reason: String) -> SourceError {
    SourceError::Missing {
        host: host.to_owned(),
        path,
        reason,
    }
}
