//! New tokens for a login, with its refresh token.
//!
//! A new refresh token is stored before the access token that came with it is returned: whenever
//! the daemon crashes, the store has the newest refresh token that a client's key depends on. If
//! the answer to a refresh is lost, the old refresh token is tried again, at the next request: it
//! is still good at a server that never got the request, and at one that allows it for a while. A
//! crash between the request and the store is the same for the next daemon.

use std::sync::Arc;

use super::{
    super::{
        client::{OauthClient, described, is_about_request},
        facts,
        record::Record,
        server::{Grant, TokenError, TokenResponse},
        tokens::Tokens,
    },
    LoginSession,
    state::{Next, Use},
};
use crate::{config::OauthToken, secret::Secret, source::SourceError};

impl LoginSession {
    /// Returns tokens: those of the sign-in once, and then new ones. Callers at the same time get
    /// the same ones.
    ///
    /// # Errors
    ///
    /// As [`Source::issue`](crate::source::Source::issue).
    pub(in super::super) async fn tokens(
        self: &Arc<Self>,
        client: &Arc<OauthClient>,
    ) -> Result<Tokens, SourceError> {
        let seen = self.state().attempts();
        self.change(Arc::clone(client), move |session, client| async move {
            session.obtain(&client, seen).await
        })
        .await
    }

    async fn obtain(&self, client: &OauthClient, seen: u64) -> Result<Tokens, SourceError> {
        let request = client.request();
        if let Some(result) = self.state().result_since(seen, &request) {
            return result;
        }
        let result = self.attempt(client).await;
        self.state().on_attempt(request, result.clone());
        result
    }

    async fn attempt(&self, client: &OauthClient) -> Result<Tokens, SourceError> {
        self.load(client).await?;
        let now = client.clock.now();
        let next = self.state().next(&client.request(), now);
        match next {
            Next::SignIn(reason) => Err(client.login_required(reason)),
            Next::Ready(tokens) => Ok(tokens),
            Next::Refresh(token, record) => self.refresh(client, &token, &record).await,
        }
    }

    async fn refresh(
        &self,
        client: &OauthClient,
        token: &Secret,
        record: &Record,
    ) -> Result<Tokens, SourceError> {
        self.check_server(client, record).await?;
        let before = self.state().on_sent();
        match client.server.token(Grant::Refresh(token)).await {
            Ok(response) => self.accept(client, &response, record).await,
            Err(TokenError::Lost(error)) => {
                self.state().on_answer_lost();
                Err(client.error(TokenError::Lost(error)))
            }
            Err(TokenError::Refused {
                code,
                description,
                status,
                ..
            }) if code == "invalid_grant" => {
                let refusal = described(&code, description.as_deref());
                let reason = reason(record, before, &format!("{refusal} ({status})"));
                tracing::warn!(
                    event = "login-ended",
                    host = client.host(),
                    reason,
                    "the login has ended"
                );
                self.state().end(Some(reason.clone()));
                // If it fails, the next daemon tries the token and is refused.
                let _ = self.remove().await;
                Err(client.login_required(reason))
            }
            Err(TokenError::Refused {
                code,
                description,
                status,
                ..
            }) if is_about_request(&code) && record.request != client.request() => {
                self.state().on_not_used(before);
                let refusal = described(&code, description.as_deref());
                Err(client.login_required(format!(
                    "the login is for something else than the configuration asks for: {refusal} ({status})"
                )))
            }
            Err(error) => {
                // Behind a response that cannot be read may be one that was meant well.
                if !matches!(error, TokenError::Other(SourceError::Malformed { .. })) {
                    self.state().on_not_used(before);
                }
                Err(client.error(error))
            }
        }
    }

    /// Keeps what a refresh brought, and then returns the tokens.
    async fn accept(
        &self,
        client: &OauthClient,
        response: &TokenResponse,
        record: &Record,
    ) -> Result<Tokens, SourceError> {
        self.state().on_refreshed(client.request(), response);
        // It is logged, and the login goes on in memory.
        let _ = self.save().await;
        let tokens = Tokens::new(response);
        match facts::renewed_claims(client, &tokens, record).await {
            Ok(None) => {}
            Ok(Some(claims)) => {
                let is_changed = self.state().on_claims(|record| {
                    facts::update(&mut record.login, &claims, &client.config);
                    record.claims = claims;
                });
                if is_changed {
                    let _ = self.save().await;
                }
            }
            Err(error) if client.config.token == OauthToken::Id => return Err(error),
            // The access token does not depend on it.
            Err(error) => {
                tracing::warn!(
                    event = "id-token-ignored",
                    host = client.host(),
                    %error,
                    "ignored an invalid ID token",
                );
            }
        }
        Ok(tokens)
    }
}

/// Why the server has refused the refresh token of `record`, of which `before` was known.
fn reason(record: &Record, before: Use, refusal: &str) -> String {
    match before {
        Use::AnswerLost => format!(
            "the answer to the last refresh was lost, and the server accepts the refresh token no \
             longer: {refusal}"
        ),
        Use::Unused if record.rotates => format!(
            "the server refused a refresh token that was never used, as it does after another \
             program used a copy: {refusal}"
        ),
        Use::Unused | Use::Used => format!("the login has ended: {refusal}"),
    }
}
