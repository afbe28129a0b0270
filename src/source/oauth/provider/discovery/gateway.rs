//! The documents in which a gateway says how to sign in, the most specific one first:
//!
//! | document | says |
//! |---|---|
//! | `litellm-ui-config`, `native_oidc` | another issuer, with the client's identifier and scopes |
//! | `litellm-cli-auth`, version 1 | the gateway's own endpoints, and its `resource` |
//! | `oauth-authorization-server` (RFC 8414) | the gateway's own endpoints, or another issuer |
//! | `oauth-protected-resource` (RFC 9728) | other issuers, and the `resource` |
//!
//! A document without the configured flow gives way to the next one that has it: LiteLLM's second
//! one has no device flow, its third one has no other.

use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use super::{Discovery, absent, document::Metadata, parse, with_path};
use crate::{
    config::host_and_port,
    source::{SourceError, oauth::provider::exchange::Exchange},
};

/// The one version of `litellm-cli-auth` that there is.
const CLI_AUTH_VERSION: u64 = 1;

#[derive(Deserialize)]
struct UiConfig {
    native_oidc: Option<NativeOidc>,
}

#[derive(Deserialize)]
struct NativeOidc {
    issuer: String,
    client_id: String,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct CliAuth {
    contract_version: u64,
}

#[derive(Deserialize)]
struct ProtectedResource {
    resource: Option<String>,
    #[serde(default)]
    authorization_servers: Vec<String>,
}

impl Discovery {
    /// The metadata of the server that the gateway names, or of the gateway itself.
    ///
    /// # Errors
    ///
    /// [`SourceError`]: no document, or one that cannot be used.
    pub(super) async fn of_gateway(
        &self,
        exchange: &Exchange,
        gateway: &Url,
    ) -> Result<Metadata, SourceError> {
        let base = gateway.path().trim_end_matches('/');
        let below = |name: &str| with_path(gateway, &format!("{base}/.well-known/{name}"));
        let inserted = |name: &str| with_path(gateway, &format!("/.well-known/{name}{base}"));

        let (config, first) = self
            .read::<UiConfig>(exchange, &below("litellm-ui-config"))
            .await?;
        if let Some(native) = config.and_then(|config| config.native_oidc) {
            let mut metadata = self.of_issuer(exchange, &native.issuer).await?;
            metadata.advice.client_id = Some(native.client_id);
            metadata.advice.scopes = native.scopes;
            return Ok(metadata);
        }
        let mut without_flow = None;
        let mut oauth = vec![inserted("oauth-authorization-server")];
        if !base.is_empty() {
            // LiteLLM appends it.
            oauth.push(below("oauth-authorization-server"));
        }
        for (url, is_cli_auth) in std::iter::once((below("litellm-cli-auth"), true))
            .chain(oauth.into_iter().map(|url| (url, false)))
        {
            let Some(metadata) = self.own(exchange, gateway, &url, is_cli_auth).await? else {
                continue;
            };
            if self.has_flow(&metadata) {
                return Ok(metadata);
            }
            without_flow.get_or_insert(metadata);
        }
        let resource = inserted("oauth-protected-resource");
        let (resource, _) = self.read::<ProtectedResource>(exchange, &resource).await?;
        if let Some(resource) = resource
            && let Some(issuer) = resource.authorization_servers.first()
        {
            let mut metadata = self.of_issuer(exchange, issuer).await?;
            metadata.advice.resource = resource.resource;
            return Ok(metadata);
        }
        without_flow.ok_or_else(|| match first {
            Some(page @ SourceError::WebPage { .. }) => page,
            _ => SourceError::Configuration {
                reason: format!(
                    "the gateway '{}' has no document that says how to sign in",
                    host_and_port(gateway)
                ),
                hint: format!(
                    "set 'issuer' and 'client_id' of source '{}' instead of 'discover'",
                    self.name
                ),
            },
        })
    }

    /// The metadata in one of the gateway's own documents; `None` if it has none at `url`.
    async fn own(
        &self,
        exchange: &Exchange,
        gateway: &Url,
        url: &Url,
        is_cli_auth: bool,
    ) -> Result<Option<Metadata>, SourceError> {
        let answer = exchange.get(url).await?;
        if answer.is_unavailable() {
            return Err(answer.unavailable(None));
        }
        let Some(document) = parse(&answer) else {
            return Ok(None);
        };
        if is_cli_auth {
            let version = serde_json::from_slice::<CliAuth>(&answer.body);
            if version.is_ok_and(|version| version.contract_version != CLI_AUTH_VERSION) {
                return Ok(None);
            }
        }
        let issuer = document.issuer.clone();
        let is_own = issuer.trim_end_matches('/') == gateway.as_str().trim_end_matches('/');
        if !is_own && is_cli_auth {
            return Err(SourceError::Configuration {
                reason: format!(
                    "the gateway '{gateway}' calls itself '{}'",
                    document.shown_issuer
                ),
                hint: format!(
                    "if both are your gateway, set 'source.{}.discover' to the second",
                    self.name
                ),
            });
        }
        if !is_own {
            return self.of_issuer(exchange, &issuer).await.map(Some);
        }
        let mut metadata = document.check(url, self.plain_http)?;
        metadata.advice.has_exact_redirects = is_cli_auth;
        Ok(Some(metadata))
    }

    fn has_flow(&self, metadata: &Metadata) -> bool {
        match self.wants_device_flow {
            true => metadata.device_authorization_endpoint.is_some(),
            false => metadata.authorization_endpoint.is_some(),
        }
    }

    /// The document at `url`; else, why there is none.
    async fn read<T: DeserializeOwned>(
        &self,
        exchange: &Exchange,
        url: &Url,
    ) -> Result<(Option<T>, Option<SourceError>), SourceError> {
        let answer = exchange.get(url).await?;
        if answer.is_unavailable() {
            return Err(answer.unavailable(None));
        }
        let document = (answer.status == 200 && !answer.is_page)
            .then(|| serde_json::from_slice(&answer.body).ok())
            .flatten();
        let error = document.is_none().then(|| absent(&answer, url));
        Ok((document, error))
    }
}
