//! Registers a client at the server (RFC 7591) if the configuration has none: a native one, without
//! a secret.

use std::sync::Mutex;

use http::HeaderValue;
use serde::Deserialize;
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use super::{
    discovery::Metadata,
    exchange::{Exchange, Post},
    refusal,
};
use crate::{
    network::RequestSecrets,
    secret::Secret,
    source::{SourceError, oauth::server::Registration},
    sync,
};

/// The client's name, which the server's pages may show.
const CLIENT_NAME: &str = "Claviger";

/// The registrations of one source.
#[derive(Default)]
pub(super) struct Registrations(Mutex<Both>);

#[derive(Default)]
struct Both {
    /// The one of the login in force.
    current: Option<Registration>,
    /// The one of a sign-in under way, if it is another one.
    pending: Option<Registration>,
}

#[derive(Deserialize)]
struct Response {
    client_id: String,
    client_secret: Option<Secret>,
    registration_client_uri: Option<String>,
}

impl Registrations {
    /// The registration of the login in force.
    pub(super) fn current(&self) -> Option<Registration> {
        sync::lock(&self.0).current.clone()
    }

    /// Uses `registration`, which was made before, or none.
    pub(super) fn set_current(&self, registration: Option<Registration>) {
        *sync::lock(&self.0) = Both {
            current: registration,
            pending: None,
        };
    }

    /// Drops the registration of the login in force if it has a secret.
    pub(super) fn forget_secret(&self) {
        let mut both = sync::lock(&self.0);
        drop(both.current.take_if(|one| one.client_secret.is_some()));
    }

    /// The registration for a sign-in with `redirect_uri`; `None` if it needs a new one.
    pub(super) fn for_sign_in(&self, redirect_uri: &str, is_exact: bool) -> Option<Registration> {
        let fits = |one: &&Registration| {
            !is_exact || one.redirect_uris.iter().any(|uri| uri == redirect_uri)
        };
        let mut both = sync::lock(&self.0);
        if let Some(current) = both.current.as_ref().filter(fits).cloned() {
            both.pending = None;
            return Some(current);
        }
        both.pending.as_ref().filter(fits).cloned()
    }

    /// Keeps the registration of a sign-in under way.
    pub(super) fn start(&self, registration: Registration) {
        sync::lock(&self.0).pending = Some(registration);
    }

    /// The registration of the sign-in under way, or else of the login in force.
    pub(super) fn of_sign_in(&self) -> Option<Registration> {
        let both = sync::lock(&self.0);
        both.pending.as_ref().or(both.current.as_ref()).cloned()
    }

    /// The sign-in under way has succeeded with the client `client_id`.
    pub(super) fn complete(&self, client_id: &str) {
        let mut both = sync::lock(&self.0);
        if let Some(pending) = both.pending.take_if(|one| one.client_id == client_id) {
            both.current = Some(pending);
        }
    }
}

/// Registers a client that is redirected to `redirect_uri`.
///
/// # Errors
///
/// [`SourceError::Configuration`] if the server registers no such client.
pub(super) async fn register(
    source: &str,
    exchange: &Exchange,
    metadata: &Metadata,
    redirect_uri: &Url,
    scopes: &[String],
) -> Result<Registration, SourceError> {
    let set_client_id =
        || format!("ask the administrator for a client, and set 'source.{source}.client_id' to it");
    let endpoint = metadata.registration_endpoint.as_ref();
    let endpoint = endpoint.ok_or_else(|| SourceError::Configuration {
        reason: format!(
            "source '{source}' has no 'client_id', and '{}' registers no clients",
            metadata.host()
        ),
        hint: set_client_id(),
    })?;
    let redirect_uri = match metadata.advice.has_exact_redirects {
        true => redirect_uri.to_string(),
        // RFC 8252, section 7.3: any port.
        false => without_port(redirect_uri),
    };
    let mut grants = vec!["authorization_code", "refresh_token"];
    if metadata.device_authorization_endpoint.is_some() {
        grants.push("urn:ietf:params:oauth:grant-type:device_code");
    }
    let mut body = json!({
        "application_type": "native",
        "client_name": CLIENT_NAME,
        "grant_types": grants,
        "redirect_uris": [redirect_uri],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    if !scopes.is_empty() {
        body["scope"] = scopes.join(" ").into();
    }
    let post = Post {
        url: endpoint.clone(),
        content_type: HeaderValue::from_static("application/json"),
        authorization: None,
        body: Zeroizing::new(body.to_string().into_bytes()),
        secrets: RequestSecrets::default(),
    };
    let answer = exchange.post(post).await?;
    if answer.is_unavailable() {
        return Err(answer.unavailable(None));
    }
    if answer.is_page || (300..400).contains(&answer.status) {
        return Err(answer.page());
    }
    if !(200..300).contains(&answer.status) {
        let reason = match refusal::of_body(&answer) {
            Some((code, Some(description))) => format!("{code}: {description}"),
            Some((code, None)) => code,
            None => format!("status {}", answer.status),
        };
        return Err(SourceError::Configuration {
            reason: format!("'{}' does not register this client ({reason})", answer.host),
            hint: set_client_id(),
        });
    }
    let response: Response = serde_json::from_slice(&answer.body)
        .map_err(|_| answer.malformed("its registration response lacks 'client_id'"))?;
    Ok(Registration {
        client_id: response.client_id,
        client_secret: response
            .client_secret
            .filter(|one| !one.expose().is_empty()),
        registration_client_uri: response.registration_client_uri,
        redirect_uris: vec![redirect_uri],
    })
}

fn without_port(url: &Url) -> String {
    let mut url = url.clone();
    // Fails only for a URL without a host.
    let _ = url.set_port(None);
    url.into()
}
