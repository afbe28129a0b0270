//! The requests of oauth2, sent by our HTTP.
//!
//! oauth2 makes each request with empty fields in place of the secrets, and hands it to
//! [`OauthHttp`], which fills them in as it sends the request.

use std::{borrow::Cow, future::Future, pin::Pin};

use http::HeaderValue;
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, DeviceAuthorizationUrl,
    EmptyExtraDeviceAuthorizationFields, ErrorResponse, HttpRequest, HttpResponse,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, TokenUrl,
    basic::BasicClient,
};
use url::{Url, form_urlencoded};

use super::{
    client_auth::Credentials,
    exchange::{Answer, Exchange, NoAnswer, Post},
    form,
};
use crate::{
    network::RequestSecrets,
    secret::Secret,
    source::{
        SourceError,
        oauth::server::{Grant, TokenKind},
    },
};

/// The grant type of RFC 8628, section 3.4.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What became of a request.
pub(super) type Outcome = Result<Answer, NoAnswer>;

/// One client at one server, for one request.
pub(super) struct Requests<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) client_id: &'a str,
    pub(super) credentials: Credentials,
    /// What the token is for.
    pub(super) target: Target<'a>,
}

/// What a token is for.
#[derive(Clone)]
pub(super) struct Target<'a> {
    pub(super) scopes: Vec<String>,
    /// RFC 8707.
    pub(super) resource: Option<Cow<'a, str>>,
    pub(super) audience: Option<&'a str>,
}

impl Target<'_> {
    /// Whether an ID token is asked for (OpenID Connect Core 1.0, section 3.1.2.1).
    pub(super) fn is_openid(&self) -> bool {
        self.scopes.iter().any(|scope| scope == "openid")
    }
}

impl Requests<'_> {
    /// Asks the token endpoint at `url`.
    pub(super) async fn token(self, url: &Url, grant: Grant<'_>) -> Outcome {
        let client = self.client().set_token_uri(TokenUrl::from_url(url.clone()));
        let target = self.target.clone();
        let resource = target.resource.as_deref();
        match grant {
            Grant::Code {
                code,
                redirect_uri,
                verifier,
            } => {
                let redirect_uri = RedirectUrl::from_url(redirect_uri.clone());
                let mut request = client
                    .exchange_code(AuthorizationCode::new(String::new()))
                    .set_redirect_uri(Cow::Owned(redirect_uri))
                    .set_pkce_verifier(PkceCodeVerifier::new(String::new()));
                if let Some(resource) = resource {
                    request = request.add_extra_param("resource", resource);
                }
                let http = self.http(vec![("code", code), ("code_verifier", verifier)]);
                unpack(request.request_async(&http).await)
            }
            Grant::Refresh(token) => {
                let empty = RefreshToken::new(String::new());
                let mut request = client.exchange_refresh_token(&empty);
                if let Some(resource) = resource {
                    request = request.add_extra_param("resource", resource);
                }
                let http = self.http(vec![("refresh_token", token)]);
                unpack(request.request_async(&http).await)
            }
            Grant::ClientCredentials => {
                let mut request = client
                    .exchange_client_credentials()
                    .add_scopes(target.scopes.into_iter().map(Scope::new));
                for (name, value) in [("resource", resource), ("audience", target.audience)] {
                    if let Some(value) = value {
                        request = request.add_extra_param(name, value);
                    }
                }
                let http = self.http(Vec::new());
                unpack(request.request_async(&http).await)
            }
            Grant::Device(code) => {
                let mut fields = vec![("grant_type", DEVICE_CODE), ("client_id", self.client_id)];
                fields.extend(resource.map(|resource| ("resource", resource)));
                let form = own_form(&fields);
                let http = self.http(vec![("device_code", code)]);
                http.send(url.clone(), form.as_bytes()).await
            }
        }
    }

    /// Asks for a device code at `url`.
    pub(super) async fn device_code(self, url: &Url) -> Outcome {
        let client = self
            .client()
            .set_device_authorization_url(DeviceAuthorizationUrl::from_url(url.clone()));
        let target = self.target.clone();
        let mut request = client
            .exchange_device_code()
            .add_scopes(target.scopes.into_iter().map(Scope::new));
        let (resource, audience) = (target.resource.as_deref(), target.audience);
        for (name, value) in [("resource", resource), ("audience", audience)] {
            if let Some(value) = value {
                request = request.add_extra_param(name, value);
            }
        }
        let http = self.http(Vec::new());
        let sent = request.request_async::<_, EmptyExtraDeviceAuthorizationFields>(&http);
        unpack(sent.await)
    }

    /// Asks to revoke a token at `url`.
    pub(super) async fn revocation(self, url: &Url, token: &Secret, kind: TokenKind) -> Outcome {
        let hint = match kind {
            TokenKind::Access => "access_token",
            TokenKind::Refresh => "refresh_token",
        };
        let form = own_form(&[("token_type_hint", hint), ("client_id", self.client_id)]);
        let http = self.http(vec![("token", token)]);
        http.send(url.clone(), form.as_bytes()).await
    }

    fn client(&self) -> BasicClient {
        BasicClient::new(ClientId::new(self.client_id.to_owned()))
            .set_auth_type(AuthType::RequestBody)
    }

    fn http<'a>(&'a self, secrets: Vec<(&'static str, &'a Secret)>) -> OauthHttp<'a> {
        OauthHttp {
            exchange: self.exchange,
            credentials: &self.credentials,
            secrets,
        }
    }
}

/// oauth2's interface to the HTTP client, for one request.
struct OauthHttp<'a> {
    exchange: &'a Exchange,
    credentials: &'a Credentials,
    /// The secrets by the names of their fields.
    secrets: Vec<(&'static str, &'a Secret)>,
}

impl<'c> AsyncHttpClient<'c> for OauthHttp<'_> {
    type Error = Packed;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Packed>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let outcome = match Url::parse(&request.uri().to_string()) {
                Ok(url) => self.send(url, request.body()).await,
                Err(_) => Err(NoAnswer::Failed(cannot_be_built())),
            };
            Err(Packed(outcome))
        })
    }
}

impl OauthHttp<'_> {
    /// Sends the form `template` with the secrets in their fields.
    async fn send(&self, url: Url, template: &[u8]) -> Outcome {
        let credentials = self.credentials;
        let mut values = self.secrets.clone();
        values.extend(
            credentials
                .fields
                .iter()
                .map(|(name, value)| (*name, value)),
        );
        // In the header already: one request uses one method (RFC 6749, section 2.3).
        let omitted = credentials.header.is_some().then_some("client_id");
        let secrets = self.secrets.iter().map(|(_, secret)| (*secret).clone());
        let secrets = secrets.chain(credentials.secrets.iter().cloned());
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let post = Post {
            url,
            content_type,
            authorization: credentials.header.clone(),
            body: form::fill(template, &values, omitted),
            secrets: RequestSecrets::from_iter(secrets),
        };
        self.exchange.post(post).await
    }
}

/// What became of a request, as the error of the HTTP client: the only thing that oauth2 hands to
/// its caller unread.
#[derive(Debug, thiserror::Error)]
#[error("the outcome of a request")]
struct Packed(Outcome);

fn unpack<T, E: ErrorResponse>(sent: Result<T, RequestTokenError<Packed, E>>) -> Outcome {
    match sent {
        Err(RequestTokenError::Request(Packed(outcome))) => outcome,
        _ => Err(NoAnswer::Failed(cannot_be_built())),
    }
}

/// A form that oauth2 does not make, without its secrets.
fn own_form(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).finish()
}

fn cannot_be_built() -> SourceError {
    SourceError::Configuration {
        reason: "the request to the identity provider cannot be built".to_owned(),
        hint: "check 'client_id', 'scopes', 'resource' and 'audience'".to_owned(),
    }
}
