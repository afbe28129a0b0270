//! A user's login: its record in the store and in memory, and the one refresh at a time.
//!
//! All sources with the same login share one session, also those of a former configuration that
//! still has requests under way: two that refresh would use a refresh token twice, which many
//! servers take for theft.
//!
//! What changes a login is done in a task of its own, one at a time: a caller that goes away
//! interrupts nothing between a server's answer and the store.

mod refresh;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use tracing::Instrument as _;

use self::state::State;
pub(super) use self::state::end;
use super::{
    client::{Meaning, OauthClient, meaning},
    record::Record,
    server::{Claims, TokenError, TokenKind},
    tokens::Tokens,
};
use crate::{
    network::{TransportError, one_line},
    secret::Secret,
    source::{Login, Revoked, SourceError, stored_secret::of_store},
    store::{SecretStore, StoreError, StoreKey},
    sync,
};

/// One login.
pub(super) struct LoginSession {
    key: StoreKey,
    store: Arc<dyn SecretStore>,
    /// Held while the login changes.
    change: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

impl LoginSession {
    /// The login that `store` has for `key`. Nothing is read yet.
    pub(super) fn new(key: StoreKey, store: Arc<dyn SecretStore>) -> Self {
        Self {
            key,
            store,
            change: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// Returns the login, unless the user must sign in again.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if the store cannot be read.
    pub(super) async fn login(
        self: &Arc<Self>,
        client: &Arc<OauthClient>,
    ) -> Result<Option<Login>, SourceError> {
        self.ensure_loaded(client).await?;
        let now = client.clock.now().wall;
        let record = self.state().record().cloned();
        Ok(record
            .filter(|record| !record.is_over(now))
            .map(|record| record.login.clone()))
    }

    /// The claims of the login; `None` before it is read or made.
    pub(super) fn claims(&self) -> Option<Arc<Claims>> {
        let state = self.state();
        state.record().map(|record| Arc::new(record.claims.clone()))
    }

    /// Why the store lacks what is in memory; `None` if it does not.
    pub(super) fn save_error(&self) -> Option<StoreError> {
        self.state().save_error().cloned()
    }

    /// Has the server use the client that it has registered for this login.
    ///
    /// # Errors
    ///
    /// As [`Self::login`] and [`Self::check_server`].
    pub(super) async fn restore_registration(
        self: &Arc<Self>,
        client: &Arc<OauthClient>,
    ) -> Result<(), SourceError> {
        self.ensure_loaded(client).await?;
        let record = self.state().record().cloned();
        match record {
            Some(record) => self.check_server(client, &record).await,
            None => Ok(()),
        }
    }

    /// Checks that the store can keep a login.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`].
    pub(super) async fn check_store(&self) -> Result<(), SourceError> {
        self.store
            .round_trip()
            .await
            .map_err(|error| of_store(&error))
    }

    /// Stores a new login, and then puts it in force with the `tokens` that came with it.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if it cannot be stored. The login before stays in force.
    pub(super) async fn begin(
        self: &Arc<Self>,
        client: &Arc<OauthClient>,
        record: Record,
        tokens: Tokens,
    ) -> Result<(), SourceError> {
        let client = Arc::clone(client);
        self.change(client, move |session, client| async move {
            // What a failed write must not replace for good. If it cannot be read, it is lost.
            let _ = session.load(&client).await;
            match session.store.put(&session.key, &record.to_secret()).await {
                Ok(()) => {
                    session.state().begin(record, client.request(), tokens);
                    Ok(())
                }
                Err(error) => {
                    // The store may have it all the same.
                    session.state().set_unsaved();
                    Err(of_store(&error))
                }
            }
        })
        .await
    }

    /// Ends the login: forgets it, removes it from the store, and has the server revoke its token.
    ///
    /// # Errors
    ///
    /// That of the server, or of the store: the login has ended here, and its token may stay valid.
    pub(super) async fn end(
        self: &Arc<Self>,
        client: &Arc<OauthClient>,
    ) -> Result<Revoked, SourceError> {
        let client = Arc::clone(client);
        self.change(client, |session, client| async move {
            let loaded = session.load(&client).await;
            let record = session.state().end(None);
            let removed = session.remove().await;
            let revoked = match record {
                Some(record) => session.revoke(&client, &record).await,
                None => Ok(Revoked::Nothing),
            };
            loaded?;
            let revoked = revoked?;
            removed.map_err(|error| of_store(&error))?;
            Ok(revoked)
        })
        .await
    }

    /// Drops what is in memory, after a change under way; the next call reads it from the store.
    /// What the store lacks is stored first, and is lost if that fails.
    pub(super) async fn forget(&self) {
        let _change = self.change.lock().await;
        let _ = self.save().await;
        self.state().forget();
    }

    /// Writes to the store what it lacks. For the daemon's end.
    pub(super) async fn flush(&self) {
        let _change = self.change.lock().await;
        let _ = self.save().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        sync::lock(&self.state)
    }

    /// Runs `change` when no other one is under way, in a task of its own.
    async fn change<T, F>(
        self: &Arc<Self>,
        client: Arc<OauthClient>,
        change: impl FnOnce(Arc<Self>, Arc<OauthClient>) -> F + Send + 'static,
    ) -> Result<T, SourceError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, SourceError>> + Send + 'static,
    {
        let session = Arc::clone(self);
        let host = client.host().to_owned();
        let task = async move {
            let this = Arc::clone(&session);
            let _change = this.change.lock().await;
            change(session, client).await
        };
        // It fails if the daemon ends.
        let result = tokio::spawn(task.in_current_span()).await;
        result.unwrap_or_else(|error| {
            let error = TransportError::Interrupted(sync::interruption(&error).to_owned());
            Err(SourceError::Unreachable { host, error })
        })
    }

    async fn ensure_loaded(self: &Arc<Self>, client: &Arc<OauthClient>) -> Result<(), SourceError> {
        if self.state().is_loaded() {
            return Ok(());
        }
        let load = |session: Arc<Self>, client: Arc<OauthClient>| async move {
            session.load(&client).await
        };
        self.change(Arc::clone(client), load).await
    }

    /// Reads the login from the store, once. A record that cannot be read stays in the store until
    /// a new login replaces it.
    async fn load(&self, client: &OauthClient) -> Result<(), SourceError> {
        if self.state().is_loaded() {
            return Ok(());
        }
        let stored = self.store.get(&self.key).await;
        let stored = stored.map_err(|error| of_store(&error))?;
        let record = stored.map(|json| Record::parse(&json)).transpose();
        let now = client.clock.now();
        match record {
            Ok(record) => self.state().on_loaded(record, now),
            Err(error) => {
                let store = self.store.name();
                let source = &client.name;
                tracing::warn!(
                    event = "login-unreadable",
                    store,
                    source,
                    %error,
                    "the stored login is unreadable",
                );
                let reason = format!("the login in {store} is unreadable: {error}");
                self.state().on_unreadable(reason);
            }
        }
        Ok(())
    }

    /// Writes to the store what it lacks. A failure is logged and remembered: the login goes on,
    /// and the next change tries again.
    async fn save(&self) -> Result<(), StoreError> {
        let unsaved = self.state().unsaved();
        let result = match unsaved {
            None => return Ok(()),
            Some(Some(record)) => self.store.put(&self.key, &record.to_secret()).await,
            Some(None) => self.store.delete(&self.key).await,
        };
        if let Err(error) = &result {
            let source = &self.key.source;
            tracing::warn!(
                event = "login-not-stored",
                source,
                %error,
                "the login is kept in memory only: the store failed",
            );
        }
        self.state().on_saved(result.clone().err());
        result
    }

    /// Removes the login from the store.
    async fn remove(&self) -> Result<(), StoreError> {
        self.state().set_unsaved();
        self.save().await
    }

    /// Checks that the server is the one of the login `record`, and has it use the client that it
    /// has registered for that.
    ///
    /// # Errors
    ///
    /// [`SourceError::LoginRequired`] if it is another one by now: it gets nothing of this login.
    async fn check_server(&self, client: &OauthClient, record: &Record) -> Result<(), SourceError> {
        let issuer = client.server.offer().await?.issuer;
        if issuer != record.issuer {
            let (before, now) = (one_line(&record.issuer), one_line(&issuer));
            return Err(client.login_required(format!(
                "the login is at '{before}', and the issuer is '{now}' now"
            )));
        }
        if record.registration.is_some() {
            client.server.set_registration(record.registration.clone());
        }
        Ok(())
    }

    /// Revokes the token that a login is (RFC 7009).
    async fn revoke(&self, client: &OauthClient, record: &Record) -> Result<Revoked, SourceError> {
        let stored = record.tokens.as_ref().map(|tokens| &tokens.access_token);
        let token = record.refresh_token.as_ref();
        let token = token.map(|token| (token, TokenKind::Refresh));
        let token = token.or(stored.map(|token| (token, TokenKind::Access)));
        let Some((token, kind)) = token else {
            return Ok(Revoked::Nothing);
        };
        match self.check_server(client, record).await {
            Ok(()) => revoke_token(client, token, kind).await,
            Err(SourceError::LoginRequired { .. }) => Ok(Revoked::StaysValid),
            Err(error) => Err(error),
        }
    }
}

/// Has the server revoke `token`.
///
/// # Errors
///
/// As [`OauthClient::error`]: the token may stay valid.
pub(super) async fn revoke_token(
    client: &OauthClient,
    token: &Secret,
    kind: TokenKind,
) -> Result<Revoked, SourceError> {
    match client.server.revoke(token, kind).await {
        Ok(true) => Ok(Revoked::Done),
        Ok(false) => Ok(Revoked::StaysValid),
        Err(TokenError::Refused { code, .. }) if code == "unsupported_token_type" => {
            Ok(Revoked::StaysValid)
        }
        // It is not valid any more, which some servers say in this way.
        Err(TokenError::Refused { code, status, .. })
            if code == "invalid_token" || meaning(&code, status) == Meaning::Login =>
        {
            Ok(Revoked::Nothing)
        }
        Err(error) => Err(client.error(error)),
    }
}
