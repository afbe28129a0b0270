//! A server's metadata (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2).

use serde::Deserialize;
use url::Url;

use crate::{
    config::{host_and_port, is_loopback},
    network::one_line,
    source::SourceError,
};

/// The document as the server wrote it, as far as it is used.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) issuer: String,
    /// The same for a message.
    #[serde(skip)]
    pub(super) shown_issuer: String,
    authorization_endpoint: Option<String>,
    pub(super) token_endpoint: String,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    jwks_uri: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    /// Of a gateway's document alone: the value of the parameter `resource` (RFC 8707).
    resource: Option<String>,
}

/// What a server says about itself, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Metadata {
    pub(in super::super) issuer: String,
    pub(in super::super) authorization_endpoint: Option<Url>,
    pub(in super::super) token_endpoint: Url,
    pub(in super::super) device_authorization_endpoint: Option<Url>,
    pub(in super::super) revocation_endpoint: Option<Url>,
    pub(in super::super) registration_endpoint: Option<Url>,
    pub(in super::super) jwks_uri: Option<Url>,
    /// How clients authenticate; `None` if the server does not say.
    pub(in super::super) auth_methods: Option<Vec<String>>,
    /// The algorithms of a client's assertions; `None` if the server does not say.
    pub(in super::super) signing_algorithms: Option<Vec<String>>,
    /// Whether redirects contain `iss` (RFC 9207).
    pub(in super::super) sends_issuer: bool,
    /// The address of the document.
    pub(in super::super) found_at: Url,
    /// What the gateway says that names this server.
    pub(in super::super) advice: Advice,
}

/// What a gateway says about signing in, beside the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Advice {
    pub(in super::super) client_id: Option<String>,
    /// To ask for beside those of the configuration.
    pub(in super::super) scopes: Vec<String>,
    /// RFC 8707.
    pub(in super::super) resource: Option<String>,
    /// Whether a redirect's port must be registered, in spite of RFC 8252, section 7.3.
    pub(in super::super) has_exact_redirects: bool,
}

impl Document {
    /// The metadata, found at `url`. Every endpoint must be encrypted or on this machine, unless
    /// `plain_http` is set.
    ///
    /// # Errors
    ///
    /// [`SourceError::Malformed`] if an endpoint is not a URL, [`SourceError::Configuration`] if it
    /// is not encrypted.
    pub(super) fn check(self, url: &Url, plain_http: bool) -> Result<Metadata, SourceError> {
        let host = host_and_port(url);
        let endpoint = |name: &str, text: &str| {
            let malformed = || SourceError::Malformed {
                host: host.clone(),
                reason: format!("'{name}' of its discovery document is not an http or https URL"),
            };
            let endpoint = Url::parse(text).map_err(|_| malformed())?;
            match endpoint.scheme() {
                "https" => Ok(endpoint),
                "http" if plain_http || is_loopback(&endpoint) => Ok(endpoint),
                "http" => Err(SourceError::Configuration {
                    reason: format!(
                        "'{host}' has its '{name}' at 'http://{}', which sends tokens unencrypted",
                        one_line(&host_and_port(&endpoint))
                    ),
                    hint:
                        "ask its administrator for https, or set 'plain_http = true' in the source"
                            .to_owned(),
                }),
                _ => Err(malformed()),
            }
        };
        let optional = |name: &str, text: &Option<String>| {
            text.as_deref().map(|text| endpoint(name, text)).transpose()
        };
        Ok(Metadata {
            authorization_endpoint: optional(
                "authorization_endpoint",
                &self.authorization_endpoint,
            )?,
            token_endpoint: endpoint("token_endpoint", &self.token_endpoint)?,
            device_authorization_endpoint: optional(
                "device_authorization_endpoint",
                &self.device_authorization_endpoint,
            )?,
            revocation_endpoint: optional("revocation_endpoint", &self.revocation_endpoint)?,
            registration_endpoint: optional("registration_endpoint", &self.registration_endpoint)?,
            jwks_uri: optional("jwks_uri", &self.jwks_uri)?,
            auth_methods: self.token_endpoint_auth_methods_supported,
            signing_algorithms: self.token_endpoint_auth_signing_alg_values_supported,
            sends_issuer: self.authorization_response_iss_parameter_supported,
            found_at: url.clone(),
            advice: Advice {
                resource: self.resource,
                ..Advice::default()
            },
            issuer: self.issuer,
        })
    }
}

impl Metadata {
    /// Host and port of the document.
    pub(in super::super) fn host(&self) -> String {
        host_and_port(&self.found_at)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(endpoint: &str, plain_http: bool) -> Result<Metadata, SourceError> {
        let document = json!({ "issuer": "https://i.test", "token_endpoint": endpoint });
        let document: Document = serde_json::from_value(document).unwrap();
        document.check(&"https://i.test/x".parse().unwrap(), plain_http)
    }

    #[test]
    fn endpoints_are_encrypted() {
        for (endpoint, plain_http, is_accepted) in [
            ("https://i.test/token", false, true),
            ("https://other.test/token", false, true),
            ("http://i.test/token", true, true),
            ("http://127.0.0.1:8080/token", false, true),
            ("http://[::1]/token", false, true),
            ("http://localhost/token", false, true),
            ("http://i.test/token", false, false),
            ("http://127.0.0.1.i.test/token", false, false),
            ("ftp://i.test/token", true, false),
            ("/token", true, false),
        ] {
            let checked = check(endpoint, plain_http);
            assert_eq!(checked.is_ok(), is_accepted, "{endpoint}: {checked:?}");
        }
    }

    #[test]
    fn a_plain_endpoint_is_an_error_of_the_configuration() {
        let Err(SourceError::Configuration { reason, hint }) = check("http://x.test/token", false)
        else {
            panic!("another result");
        };
        assert!(
            reason.contains("'token_endpoint' at 'http://x.test'"),
            "{reason}"
        );
        assert!(hint.contains("plain_http"), "{hint}");
    }
}
