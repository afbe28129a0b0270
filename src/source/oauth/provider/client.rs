//! Which client a request is of: configured, named by a gateway, or registered.

use url::Url;

use super::{Provider, discovery::Metadata, registration};
use crate::{
    secret::Secret,
    source::{SourceError, oauth::server::Registration},
};

/// The client of one request.
pub(super) struct Client {
    pub(super) id: String,
    /// Of a client that was registered with one.
    pub(super) secret: Option<Secret>,
}

impl Provider {
    /// The client that needs no registration.
    fn configured(&self, metadata: &Metadata) -> Option<Client> {
        let id = self.config.client_id.as_ref();
        let id = id.or(metadata.advice.client_id.as_ref())?.clone();
        Some(Client { id, secret: None })
    }

    /// The client for a sign-in that is redirected to `redirect_uri`, registered if need be.
    pub(super) async fn client_for_sign_in(
        &self,
        metadata: &Metadata,
        redirect_uri: &Url,
    ) -> Result<Client, SourceError> {
        if let Some(client) = self.configured(metadata) {
            return Ok(client);
        }
        let is_exact = metadata.advice.has_exact_redirects;
        let known = self
            .registrations
            .for_sign_in(redirect_uri.as_str(), is_exact);
        if let Some(registration) = known {
            return Ok(registration.into());
        }
        let scopes = self.target(metadata).scopes;
        let registration =
            registration::register(&self.name, &self.exchange, metadata, redirect_uri, &scopes)
                .await?;
        self.registrations.start(registration.clone());
        Ok(registration.into())
    }

    /// The client that a code or token was issued to.
    pub(super) fn client(
        &self,
        metadata: &Metadata,
        is_sign_in: bool,
    ) -> Result<Client, SourceError> {
        if let Some(client) = self.configured(metadata) {
            return Ok(client);
        }
        let registration = match is_sign_in {
            true => self.registrations.of_sign_in(),
            false => self.registrations.current(),
        };
        registration
            .map(Client::from)
            .ok_or_else(|| SourceError::LoginRequired {
                host: self.host.clone(),
                reason: "this client is not registered".to_owned(),
                hint: None,
            })
    }
}

impl From<Registration> for Client {
    fn from(registration: Registration) -> Self {
        Self {
            id: registration.client_id,
            secret: registration.client_secret,
        }
    }
}
