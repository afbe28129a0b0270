//! A key in Vault or OpenBao. See <https://developer.hashicorp.com/vault/api-docs>.
//!
//! A cold [`Source::issue`] is one login and one read; a warm one is the read. The token is kept and renewed when two
//! thirds of its life are over.

mod address;
mod answer;
mod auth;
mod kv;
mod lease;
mod network;
mod post;
mod session;
mod token;
mod transport;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use serde::de::{DeserializeOwned, IgnoredAny};
use vaultrs::api::{
    kv1::requests::GetSecretRequest,
    kv2::requests::{ReadSecretMetadataRequest, ReadSecretRequest},
};

use self::{
    answer::{Envelope, Failure},
    auth::Login,
    kv::{Fields, Metadata, Versioned},
    session::{Answer, Session},
    transport::Transport,
};
use super::{Freshness, Source, SourceError};
use crate::{
    clock::Clock,
    config::{self, Engine, Principal},
    credential::Credential,
    sync,
};

/// A key in Vault.
pub(crate) struct VaultSource {
    session: Session,
    mount: String,
    path: String,
    field: String,
    engine: Engine,
    /// The lease that was issued last and the login whose token it hangs on. Held for no longer than a look or a change.
    parent: Mutex<Option<(String, u64)>>,
    /// The login, counted from 1, that may read the data and not the metadata; 0 for none.
    no_metadata: AtomicU64,
}

impl VaultSource {
    /// `name` is the source's in the configuration; `jwt_source` the source that `auth.jwt_source` names. Nothing is read
    /// or asked yet.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`]: a placeholder without a value, a path that is none.
    pub(crate) fn new(
        name: &str,
        config: &config::VaultConfig,
        principal: &Principal,
        clock: Arc<dyn Clock>,
        jwt_source: Option<Arc<dyn Source>>,
    ) -> Result<Self, SourceError> {
        let mount = super::resolve(name, "mount", &config.mount, principal)?;
        let path = super::resolve(name, "path", &config.path, principal)?;
        check_path(name, "mount", &mount)?;
        check_path(name, "path", &path)?;
        let login = config
            .auth
            .as_ref()
            .map(|auth| Login::new(name, auth, principal, jwt_source))
            .transpose()?;
        Ok(Self {
            session: Session::new(Transport::new(config)?, clock, login),
            mount,
            path,
            field: config.field.clone(),
            engine: config.engine,
            parent: Mutex::new(None),
            no_metadata: AtomicU64::new(0),
        })
    }

    async fn read_versioned<T: DeserializeOwned>(
        &self,
    ) -> Result<(Answer, Versioned<T>), SourceError> {
        let full = format!("{}/data/{}", self.mount, self.path);
        let answer = self
            .session
            .read(&full, || ReadSecretRequest {
                mount: self.mount.clone(),
                path: self.path.clone(),
                version: None,
            })
            .await?;
        let data = self.data(&full, self.parsed(&full, &answer)?)?;
        Ok((answer, data))
    }

    async fn issue_versioned(&self) -> Result<Credential, SourceError> {
        let (answer, versioned) = self.read_versioned::<Fields>().await?;
        let Some(fields) = versioned.data else {
            return Err(self.missing("data", versioned.metadata.said()));
        };
        Ok(Credential {
            secret: kv::pick(self.host(), fields, &self.field)?,
            obtained: answer.asked,
            lifetime: None,
            version: Some(versioned.metadata.version),
            lease: None,
        })
    }

    /// KV v1, whose `lease_duration` is advice and no end, or an engine with leases.
    async fn issue_plain(&self) -> Result<Credential, SourceError> {
        let full = format!("{}/{}", self.mount, self.path);
        let answer = self
            .session
            .read(&full, || GetSecretRequest {
                mount: self.mount.clone(),
                path: self.path.clone(),
            })
            .await?;
        let mut envelope: Envelope<Fields> = self.parsed(&full, &answer)?;
        let fields = envelope.data.take().unwrap_or_default();
        let secret = kv::pick(self.host(), fields, &self.field)?;
        let token = answer.token.as_ref();
        let mut credential = lease::credential(secret, &envelope, token, answer.asked);
        if self.engine == Engine::Lease {
            let of = credential.lease.as_ref().map(|lease| lease.id.clone());
            let login = token.map_or(0, |token| token.login);
            *sync::lock(&self.parent) = of.map(|id| (id, login));
        } else {
            credential.lifetime = None;
            credential.lease = None;
        }
        Ok(credential)
    }

    /// By the metadata; where the policy does not let us read those, by the data, whose secret is skipped.
    async fn current_version(&self) -> Result<u64, SourceError> {
        let login = self.session.in_hand().await.map_or(0, |token| token.login);
        let known = self.no_metadata.load(Ordering::Relaxed);
        if (login == 0 || known != login)
            && let Some(version) = self.look_at_metadata().await?
        {
            return Ok(version);
        }
        let (answer, versioned) = self.read_versioned::<IgnoredAny>().await?;
        // The same token could read this: it is the policy, and asking again would be in vain until the next login.
        let after = answer.token.map_or(0, |token| token.login);
        if after == login {
            self.no_metadata.store(login, Ordering::Relaxed);
        }
        Ok(versioned.metadata.version)
    }

    /// The version by the metadata; `None` where they may not be read.
    async fn look_at_metadata(&self) -> Result<Option<u64>, SourceError> {
        let token = self.session.token(false).await?;
        let endpoint = ReadSecretMetadataRequest {
            mount: self.mount.clone(),
            path: self.path.clone(),
        };
        let (body, asked) = match self.session.call(token.as_ref(), endpoint).await {
            Err(Failure::Refused(refusal)) if refusal.status == 403 => return Ok(None),
            other => other.map_err(|failure| self.on_read("metadata", failure))?,
        };
        let full = self.full("metadata");
        let envelope = answer::parse::<Metadata>(&body)
            .map_err(|failure| self.on_read("metadata", failure))?;
        let metadata = self.data(&full, envelope)?;
        match metadata.current(asked.wall) {
            Ok(version) => Ok(Some(version)),
            Err(reason) => Err(self.missing("metadata", reason)),
        }
    }

    fn parsed<T: DeserializeOwned>(
        &self,
        full: &str,
        answer: &Answer,
    ) -> Result<Envelope<T>, SourceError> {
        answer::parse(&answer.body).map_err(|failure| answer::on_read(self.host(), full, failure))
    }

    fn data<T>(&self, full: &str, envelope: Envelope<T>) -> Result<T, SourceError> {
        envelope.data.ok_or_else(|| SourceError::Malformed {
            host: self.host().to_owned(),
            reason: format!("the response for '{full}' has no data"),
        })
    }

    fn full(&self, part: &str) -> String {
        format!("{}/{part}/{}", self.mount, self.path)
    }

    fn on_read(&self, part: &str, failure: Failure) -> SourceError {
        answer::on_read(self.host(), &self.full(part), failure)
    }

    fn missing(&self, part: &str, reason: String) -> SourceError {
        SourceError::Missing {
            host: self.host().to_owned(),
            path: self.full(part),
            reason,
        }
    }
}

#[async_trait]
impl Source for VaultSource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        match self.engine {
            Engine::Kv2 { .. } => self.issue_versioned().await,
            Engine::Kv1 | Engine::Lease => self.issue_plain().await,
        }
    }

    async fn renew(&self, credential: &Credential) -> Result<Option<Credential>, SourceError> {
        let id = credential.lease.as_ref().map(|lease| &lease.id);
        let parent = match &*sync::lock(&self.parent) {
            Some((of, login)) if Some(of) == id => *login,
            _ => return Ok(None),
        };
        lease::renew(&self.session, credential, parent).await
    }

    /// A version by its number, a lease by asking whether it is still there. KV v1 has neither.
    async fn revalidate(&self, credential: &Credential) -> Result<Freshness, SourceError> {
        match (self.engine, &credential.lease) {
            (Engine::Kv2 { .. }, _) => Ok(match self.current_version().await? {
                version if Some(version) == credential.version => Freshness::Fresh,
                _ => Freshness::Stale,
            }),
            (Engine::Lease, Some(lease)) => lease::revalidate(&self.session, lease).await,
            (Engine::Lease, None) | (Engine::Kv1, _) => Ok(Freshness::Unknown),
        }
    }

    /// Gives back the lease and our token. A token that was made elsewhere (`method = "token"`) is only forgotten; a
    /// secret-id that was unwrapped is kept, since it cannot be unwrapped twice.
    async fn revoke(&self, credential: Option<&Credential>) -> Result<(), SourceError> {
        let lease = credential.and_then(|credential| credential.lease.as_ref());
        let given_back = match lease {
            Some(lease) => lease::revoke(&self.session, lease).await,
            None => Ok(true),
        };
        *sync::lock(&self.parent) = None;
        // Revoking the token takes its leases with it.
        let logged_out = self.session.log_out().await?;
        match (given_back?, lease) {
            (false, Some(lease)) if !logged_out => Err(SourceError::Denied {
                host: self.host().to_owned(),
                path: "sys/leases/revoke".to_owned(),
                reason: format!("the lease '{}' stays valid until it expires", lease.id),
            }),
            _ => Ok(()),
        }
    }

    fn host(&self) -> &str {
        self.session.host()
    }
}

/// A path from a template must name what it seems to: `..` would be resolved by the client, and an empty segment dropped.
fn check_path(source: &str, key: &str, path: &str) -> Result<(), SourceError> {
    path.split('/')
        .try_for_each(|segment| check_segment(source, key, segment))
}

fn check_segment(source: &str, key: &str, segment: &str) -> Result<(), SourceError> {
    let bad = matches!(segment, "" | "." | "..")
        || segment.contains(|c: char| c == '/' || c.is_control());
    if !bad {
        return Ok(());
    }
    Err(SourceError::Configuration {
        reason: format!(
            "'source.{source}.{key}' contains an empty, '.', '..' or unprintable segment"
        ),
        hint: format!("correct '{key}' or the values of its placeholders"),
    })
}

#[cfg(test)]
mod tests;
