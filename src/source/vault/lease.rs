//! Leases: how long one lives, making it longer, giving it back. See
//! <https://developer.hashicorp.com/vault/docs/concepts/lease>.

use serde::de::IgnoredAny;

use super::{
    answer::{self, Envelope, Failure},
    post::Post,
    session::Session,
    token::{Token, earlier, lengthens, seconds},
};
use crate::{
    clock::Now,
    credential::{Credential, Lease},
    secret::Secret,
    source::{Freshness, SourceError},
};

/// A credential under a lease. It ends with the lease or with the token that the lease hangs on, whichever is first.
pub(super) fn credential<T>(
    secret: Secret,
    envelope: &Envelope<T>,
    token: Option<&Token>,
    asked: Now,
) -> Credential {
    let lease = seconds(envelope.lease_duration);
    Credential {
        secret,
        obtained: asked,
        lifetime: earlier(lease, token.and_then(|token| token.remaining(asked))),
        version: None,
        lease: (!envelope.lease_id.is_empty()).then(|| Lease {
            id: envelope.lease_id.clone(),
            renewable: envelope.renewable,
        }),
    }
}

/// Makes the lease of `credential` longer, and the token first where that one ends no later. `parent` is the login that
/// it hangs on.
pub(super) async fn renew(
    session: &Session,
    credential: &Credential,
    parent: u64,
) -> Result<Option<Credential>, SourceError> {
    let Some(lease) = credential.lease.as_ref().filter(|lease| lease.renewable) else {
        return Ok(None);
    };
    let before = credential.remaining(session.clock.now());
    let token_ends_first = match (session.in_hand().await, before) {
        // A second of difference is rounding.
        (Some(token), Some(left)) => token
            .remaining(session.clock.now())
            .is_some_and(|of_token| of_token <= left + std::time::Duration::from_secs(1)),
        _ => false,
    };
    let token = session.token(token_ends_first).await?;
    if token.as_ref().is_some_and(|token| token.login != parent) {
        // Another login's token: the lease goes with the old one all the same.
        return Ok(None);
    }
    let post = Post::new("sys/leases/renew".to_owned(), &[("lease_id", &lease.id)]);
    let renewed = session
        .call(token.as_ref(), post)
        .await
        .and_then(|(body, asked)| Ok((answer::parse::<IgnoredAny>(&body)?, asked)));
    let (envelope, asked) = match renewed {
        Ok(renewed) => renewed,
        // 400: not renewable, or not there any more; 403: not ours to renew.
        Err(failure) => return answer::common(session.host(), failure).map(|_| None),
    };
    let after = self::credential(credential.secret.clone(), &envelope, token.as_ref(), asked);
    let longer = lengthens(
        credential.lifetime,
        credential.remaining(asked),
        after.lifetime,
    );
    Ok(longer.then_some(after))
}

/// Asks whether the lease is still there. See `sys/leases/lookup` in
/// <https://developer.hashicorp.com/vault/api-docs/system/leases>.
pub(super) async fn revalidate(session: &Session, lease: &Lease) -> Result<Freshness, SourceError> {
    // The lease hangs on the token that we have; another one's answer would say nothing of it.
    let token = session.in_hand().await;
    let post = Post::new("sys/leases/lookup".to_owned(), &[("lease_id", &lease.id)]);
    let revoked = |what: &str| SourceError::Missing {
        host: session.host().to_owned(),
        path: lease.id.clone(),
        reason: format!("{what} was revoked or has expired"),
    };
    let refusal = match session.call(token.as_ref(), post).await {
        Ok(_) => return Ok(Freshness::Fresh),
        Err(failure) => answer::common(session.host(), failure)?,
    };
    match refusal.status {
        400 | 404 => Err(revoked("the lease")),
        // Vault does not say which: a policy that denies this, or a token that is no more, and all its leases with it.
        403 if session.is_alive(token.as_ref()).await? => Ok(Freshness::Unknown),
        403 => Err(revoked("the token that the lease hangs on")),
        _ => Ok(Freshness::Unknown),
    }
}

/// Gives the lease back. Whether Vault took it: the `default` policy lets a token renew leases, not revoke them.
pub(super) async fn revoke(session: &Session, lease: &Lease) -> Result<bool, SourceError> {
    let post = Post::new("sys/leases/revoke".to_owned(), &[("lease_id", &lease.id)]);
    let token = session.in_hand().await;
    match session.call(token.as_ref(), post).await {
        Ok(_) => Ok(true),
        Err(Failure::Refused(refusal)) if refusal.status == 400 => Ok(true),
        Err(failure) => answer::common(session.host(), failure).map(|_| false),
    }
}
