//! Engines that issue leases: reading, renewal, revocation. See
//! <https://developer.hashicorp.com/vault/docs/concepts/lease>.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use serde::de::IgnoredAny;

use super::{
    engine::{self, SecretsEngine},
    error_response::ErrorResponse,
    field,
    location::SecretTemplate,
    request::{LeaseOperation, LeaseRequest},
    response::{self, MalformedResponse, VaultResponse},
    session::VaultSession,
    status,
    token::{self, VaultToken, extends, seconds, shorter},
};
use crate::{
    clock::Now,
    credential::{Credential, Lease},
    network::{ForeignText, RequestSecrets},
    secret::Secret,
    source::{Freshness, Revocation, Revoked, SourceError},
    sync,
};

/// A path whose reads create credentials under a lease.
pub(super) struct LeaseEngine {
    template: Arc<SecretTemplate>,
    /// The last lease. Locked for no longer than a read or write of it.
    last: Mutex<Option<IssuedLease>>,
}

/// A lease and the login whose token it is bound to: Vault revokes it with that token.
struct IssuedLease {
    id: String,
    login: u64,
}

impl LeaseEngine {
    pub(super) fn new(template: Arc<SecretTemplate>) -> Self {
        Self {
            template,
            last: Mutex::new(None),
        }
    }

    /// The login that the lease `id` is bound to; `None` if it is not the last lease.
    fn login_of(&self, id: &str) -> Option<u64> {
        let last = sync::lock(&self.last);
        last.as_ref()
            .filter(|lease| lease.id == id)
            .map(|lease| lease.login)
    }
}

#[async_trait]
impl SecretsEngine for LeaseEngine {
    async fn issue(&self, session: &VaultSession) -> Result<Credential, SourceError> {
        let (read, mut response) = engine::read_secret(session, &self.template).await?;
        let fields = response.data.take().unwrap_or_default();
        let secret = field::extract_field(
            session.host(),
            &fields,
            &self.template.field,
            &token::secrets(read.token.as_ref()),
        )?;
        // The lease ends with the token.
        let token = match &read.token {
            Some(token) => Some(session.look_up(token).await),
            None => None,
        };
        let token = token.as_ref();
        let credential = leased_credential(secret, &response, token, read.sent_at);
        *sync::lock(&self.last) = credential.lease.as_ref().map(|lease| IssuedLease {
            id: lease.id.clone(),
            login: token.map_or(0, |token| token.login),
        });
        Ok(credential)
    }

    /// Renews the lease, and first the token if the token expires no later.
    async fn renew(
        &self,
        session: &VaultSession,
        credential: &Credential,
    ) -> Result<Option<Credential>, SourceError> {
        let Some(lease) = &credential.lease else {
            return Ok(None);
        };
        let Some(login) = self.login_of(&lease.id).filter(|_| lease.renewable) else {
            return Ok(None);
        };
        let now = session.clock.now();
        let token_left = session
            .current_token()
            .await
            .and_then(|token| token.remaining(now));
        let token_ends_first = match (token_left, credential.remaining(now)) {
            // Within a second they are equal: Vault rounds to seconds.
            (Some(token), Some(lease)) => token <= lease + Duration::from_secs(1),
            _ => false,
        };
        let token = session.token(token_ends_first).await?;
        if token.as_ref().is_some_and(|token| token.login != login) {
            // The session has logged in again: the lease ends with the old token regardless.
            return Ok(None);
        }
        let renewed = session
            .call(token.as_ref(), request(LeaseOperation::Renew, lease))
            .await
            .and_then(|(body, sent_at)| Ok((response::parse::<IgnoredAny>(&body)?, sent_at)));
        let (response, sent_at) = match renewed {
            Ok(renewed) => renewed,
            // 400: not renewable, or revoked; 403: permission denied.
            Err(error) => return status::refusal(session.host(), error).map(|_| None),
        };
        let secret = credential.secret.clone();
        let after = leased_credential(secret, &response, token.as_ref(), sent_at);
        let before = credential.remaining(sent_at);
        Ok(extends(credential.lifetime, before, after.lifetime).then_some(after))
    }

    /// Looks the lease up.
    async fn revalidate(
        &self,
        session: &VaultSession,
        credential: &Credential,
    ) -> Result<Freshness, SourceError> {
        let Some(lease) = &credential.lease else {
            return Ok(Freshness::Unknown);
        };
        if !session.may_check().await? {
            return Ok(Freshness::Unknown);
        }
        // Not a new token: its 403 would say nothing about a lease that is bound to this one.
        let token = session.current_token().await;
        let lookup = request(LeaseOperation::Lookup, lease);
        let found = session
            .call(token.as_ref(), lookup)
            .await
            .and_then(|(body, _)| Ok(response::parse::<IgnoredAny>(&body)?));
        let refusal = match found {
            Ok(response) if response.data.is_some() => return Ok(Freshness::Fresh),
            Ok(_) => {
                let reason = "the response to a lease's lookup has no data".to_owned();
                return Err(status::malformed(
                    session.host(),
                    &MalformedResponse(reason),
                ));
            }
            Err(error) => status::refusal(session.host(), error)?,
        };
        match refusal.status {
            // Vault's 400 may be about itself.
            400 if refusal.reason.contains("invalid lease") => Err(SourceError::Missing {
                host: session.host().to_owned(),
                path: shown(lease, &token::secrets(token.as_ref())),
                reason: "the lease was revoked or has expired".to_owned(),
            }),
            403 if session.is_alive(token.as_ref()).await? => Ok(Freshness::Unknown),
            // The token is invalid, and all its leases with it: the next one tells if there are
            // any others.
            403 => Ok(Freshness::Stale),
            404 | 405 => Ok(Freshness::Unknown),
            _ => Err(status::failed(
                session.host(),
                "sys/leases/lookup",
                &refusal,
            )),
        }
    }

    /// Revokes the lease and the token. Revoking the token revokes its leases, so that only a token
    /// of another's making can leave the lease valid.
    async fn revoke(
        &self,
        session: &VaultSession,
        credential: Option<&Credential>,
    ) -> Result<Revocation, SourceError> {
        let lease = credential.and_then(|credential| credential.lease.as_ref());
        let secrets = token::secrets(session.current_token().await.as_ref());
        let revoked = match lease {
            // The logout of another profile of this source has ended the lease.
            Some(_) if session.is_revoked().await => Ok(None),
            Some(lease) => revoke(session, lease).await,
            None => Ok(None),
        };
        *sync::lock(&self.last) = None;
        let login = session.log_out().await?;
        let Some(lease) = lease else {
            let lease = Revoked::Nothing;
            return Ok(Revocation { lease, login });
        };
        if login != Revoked::Done
            && let Some(refusal) = revoked?
        {
            return Err(SourceError::Denied {
                host: session.host().to_owned(),
                path: "sys/leases/revoke".to_owned(),
                reason: format!(
                    "{}; the lease '{}' stays valid until it expires",
                    refusal.reason_or("no reason given"),
                    shown(lease, &secrets)
                ),
            });
        }
        let lease = Revoked::Done;
        Ok(Revocation { lease, login })
    }
}

/// Revokes the lease, and returns Vault's refusal if there is one. The `default` policy allows
/// renewing leases and not revoking them. To revoke a lease that does not exist any more succeeds.
async fn revoke(
    session: &VaultSession,
    lease: &Lease,
) -> Result<Option<ErrorResponse>, SourceError> {
    let token = session.current_token().await;
    let revoke = request(LeaseOperation::Revoke, lease);
    match session.call(token.as_ref(), revoke).await {
        Ok(_) => Ok(None),
        Err(error) => status::refusal(session.host(), error).map(Some),
    }
}

/// The identifier of `lease`, which Vault or an engine has chosen, for a message about a request
/// with `secrets`.
fn shown(lease: &Lease, secrets: &RequestSecrets) -> String {
    ForeignText::new(lease.id.escape_debug().to_string()).clean(secrets)
}

fn request(operation: LeaseOperation, lease: &Lease) -> LeaseRequest<'_> {
    LeaseRequest {
        operation,
        lease_id: &lease.id,
    }
}

/// A credential that ends with its lease or with the token that the lease is bound to, whichever is
/// first.
fn leased_credential<T>(
    secret: Secret,
    response: &VaultResponse<T>,
    token: Option<&VaultToken>,
    sent_at: Now,
) -> Credential {
    let of_lease = seconds(response.lease_duration);
    let of_token = token.and_then(|token| token.remaining(sent_at));
    Credential {
        secret,
        obtained: sent_at,
        issued: None,
        lifetime: shorter(of_lease, of_token),
        version: None,
        lease: (!response.lease_id.is_empty()).then(|| Lease {
            id: response.lease_id.clone(),
            renewable: response.renewable,
        }),
    }
}
