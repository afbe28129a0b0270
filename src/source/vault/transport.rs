//! HTTP to one Vault: sends the requests of vaultrs and our own.
//!
//! The module's documentation says why vaultrs' own client is not used. Redirects are followed on
//! the same scheme, host and port, and to the hosts that the configuration lists.

use std::sync::Mutex;

use async_trait::async_trait;
use http::{HeaderValue, Request, Response, header};
use hyper::body::Bytes;
use rustify::{Endpoint, errors::ClientError};
use serde_json::Value;
use url::Url;
use vaultrs::api::EndpointMiddleware;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    address::Address, error::RequestError, error_response::ErrorResponse, foreign::AuthorHeaders,
    response::MalformedResponse,
};
use crate::{
    clock::Timestamp,
    config::{self, RedirectHost, host_and_port},
    network::{BodyError, ClientSettings, ForeignText, HttpClient, HttpResponse, RequestSecrets},
    principal::Principal,
    secret::Secret,
    source::{SourceError, retry_after::retry_after},
    sync,
};

/// The largest response body, in bytes. A secret of KV v2 has at most 512 KiB (`max_entry_size` is
/// 1 MiB).
const MAX_BODY: usize = 1024 * 1024;

/// The fields of a request's body that are no secrets; every other one, and every value of a query,
/// is treated as one.
const PUBLIC_FIELDS: [&str; 4] = ["lease_id", "name", "redirect_uri", "role"];

/// The connection to one Vault.
pub(super) struct Transport {
    pub(super) address: Address,
    middleware: EndpointMiddleware,
    settings: ClientSettings,
    redirect_hosts: Vec<RedirectHost>,
    /// Built at first use, so that a corrected file needs no restart.
    client: Mutex<Option<HttpClient>>,
}

impl Transport {
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if a placeholder has no value, the namespace is invalid or
    /// the system has no Unix sockets.
    pub(super) fn new(
        name: &str,
        config: &config::VaultConfig,
        principal: &Principal,
    ) -> Result<Self, SourceError> {
        let address = Address::new(&config.address);
        if cfg!(not(unix)) && address.socket.is_some() {
            return Err(SourceError::Configuration {
                reason: format!(
                    "'{}' is not supported: this system has no Unix sockets",
                    address.name
                ),
                hint: "set 'address' to an http or https URL".to_owned(),
            });
        }
        // vaultrs panics on an invalid header value.
        if let Some(namespace) = &config.namespace
            && HeaderValue::from_str(namespace).is_err()
        {
            return Err(SourceError::Configuration {
                reason: "'namespace' contains characters that are invalid in an HTTP header"
                    .to_owned(),
                hint: "correct 'namespace'".to_owned(),
            });
        }
        Ok(Self {
            middleware: EndpointMiddleware {
                // `RustifyClient` adds the token, from a buffer that is wiped.
                token: String::new(),
                version: "v1".to_owned(),
                wrap: None,
                namespace: config.namespace.clone(),
            },
            settings: settings(name, config, &address, principal)?,
            address,
            redirect_hosts: config.redirect_hosts.clone(),
            client: Mutex::new(None),
        })
    }

    /// Sends `request` and returns the body of a response with a status from 200 to 208. `now` is
    /// the base of a `Retry-After` date.
    ///
    /// # Errors
    ///
    /// [`RequestError`]: every other status, no response, an invalid response.
    pub(super) async fn call(
        &self,
        token: Option<&Secret>,
        request: impl Endpoint,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, RequestError> {
        let client = RustifyClient {
            transport: self,
            client: self.client()?,
            token,
            now,
        };
        let sent = request
            .with_middleware(&self.middleware)
            .exec(&client)
            .await;
        match sent {
            Ok(result) => Ok(Zeroizing::new(result.response.into_body())),
            Err(e) => Err(unpack(e)),
        }
    }

    /// Discards the client if it has a client certificate, so that the next request reads the files
    /// again.
    pub(super) fn forget_client(&self) {
        if self.settings.has_identity() {
            self.close();
        }
    }

    /// Closes the idle connections. The next request builds a client anew.
    pub(super) fn close(&self) {
        *sync::lock(&self.client) = None;
    }

    fn client(&self) -> Result<HttpClient, SourceError> {
        #[cfg(unix)]
        if let Some(socket) = &self.address.socket {
            check_socket(socket)?;
        }
        let mut client = sync::lock(&self.client);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        let built = self.settings.build()?;
        Ok(client.insert(built).clone())
    }
}

/// rustify's interface to the HTTP client, for one request.
struct RustifyClient<'a> {
    transport: &'a Transport,
    client: HttpClient,
    token: Option<&'a Secret>,
    now: Timestamp,
}

#[async_trait]
impl rustify::client::Client for RustifyClient<'_> {
    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ClientError> {
        self.exchange(request).await.map_err(pack)
    }

    fn base(&self) -> &str {
        &self.transport.address.base
    }
}

impl RustifyClient<'_> {
    async fn exchange(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, RequestError> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("", |path| path.as_str());
        // vaultrs adds an empty query.
        let path = path.strip_suffix('?').unwrap_or(path);
        let Address { base, prefix, .. } = &self.transport.address;
        let url = Url::parse(&format!("{base}{prefix}{path}"))
            .map_err(|_| malformed("the request cannot be built".to_owned()))?;
        let mut secrets = secrets_of_body(&body);
        for (_, value) in url.query_pairs() {
            secrets.add(Secret::new(value.into_owned()));
        }
        let mut request = self.client.request(head.method, url).headers(head.headers);
        if let Some(token) = self.token {
            request = request.header("X-Vault-Token", header_value(token)?);
            secrets.add(token.clone());
        }
        if !body.is_empty() {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Bytes::from_owner(Zeroizing::new(body)));
        }
        let sent = self.client.send(request, &secrets).await;
        let response = sent.map_err(RequestError::NoResponse)?;
        let status = response.status();
        if status.is_redirection()
            && let Some(error) = redirected(&response, &self.transport.redirect_hosts)
        {
            return Err(error);
        }
        let retry_after = response
            .header(header::RETRY_AFTER)
            .and_then(|value| retry_after(value, self.now));
        let has_page_type = response.is_page();
        let headers = AuthorHeaders::of(&response);
        // The proxy's password included.
        let secrets = response.secrets().clone();
        let mut body = response.body(MAX_BODY).await.map_err(|error| match error {
            BodyError::Transport(error) => RequestError::NoResponse(error),
            BodyError::TooLarge => malformed(format!(
                "the response is larger than {} KiB",
                MAX_BODY / 1024
            )),
        })?;
        let is_page = has_page_type && !body.trim_ascii_start().starts_with(b"{");
        if (200..=208).contains(&status.as_u16()) && !is_page {
            return Ok(Response::new(std::mem::take(&mut *body)));
        }
        let mut error = ErrorResponse::new(status.as_u16(), &body, &headers, &secrets);
        // A load balancer in front of Vault sends a page with 502, 503 or 504, a proxy with 407.
        if is_page && !status.is_server_error() && status.as_u16() != 407 {
            return Err(RequestError::WebPage(error));
        }
        error.retry_after = retry_after;
        Err(RequestError::Status(error))
    }
}

/// How the source `name` connects to Vault at `address`.
fn settings(
    name: &str,
    config: &config::VaultConfig,
    address: &Address,
    principal: &Principal,
) -> Result<ClientSettings, SourceError> {
    let server = Url::parse(&address.base).map_err(|_| SourceError::Configuration {
        reason: format!("'source.{name}.address' is not a URL"),
        hint: "correct 'address'".to_owned(),
    })?;
    let settings = ClientSettings::new(server, &config.network, principal, config.timeout)?
        .with_socket(address.socket.clone())
        .with_redirects(config.redirect_hosts.clone());
    Ok(match config.auth.as_ref().map(|auth| &auth.method) {
        Some(config::AuthMethod::Cert {
            cert_file,
            key_file,
            ..
        }) => settings.with_identity((cert_file, key_file), principal)?,
        _ => settings,
    })
}

/// Checks before each request that the server at `socket` is root's or the user's, and that no
/// other user can put another one in its place.
#[cfg(unix)]
fn check_socket(socket: &std::path::Path) -> Result<(), SourceError> {
    use crate::trust::{self, TrustError};

    match trust::socket(socket) {
        // Connecting reports that.
        Ok(()) | Err(TrustError::Io(_)) => Ok(()),
        Err(TrustError::Violation(violation)) => Err(SourceError::Configuration {
            reason: format!("Vault's socket cannot be trusted: {violation}"),
            hint: violation.hint,
        }),
    }
}

/// The secrets in the body of a request: the strings of a JSON object.
fn secrets_of_body(body: &[u8]) -> RequestSecrets {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return RequestSecrets::default();
    };
    fields
        .into_iter()
        .filter(|(name, _)| !PUBLIC_FIELDS.contains(&name.as_str()))
        .filter_map(|(_, value)| match value {
            Value::String(text) => Some(Secret::new(text)),
            _ => None,
        })
        .collect()
}

/// The error of a redirect that was not followed; `None` if it names no URL.
fn redirected(response: &HttpResponse, hosts: &[RedirectHost]) -> Option<RequestError> {
    let from = response.url();
    let to = from.join(response.header(header::LOCATION)?).ok()?;
    // The server may put what it was sent into the address.
    let clean = |text: String| ForeignText::new(text).clean(response.secrets());
    let (to, reason) = if from.origin() == to.origin() {
        (host_and_port(&to), "which redirects back".to_owned())
    } else if to.scheme() != "https" && to.scheme() != from.scheme() {
        (
            to.origin().ascii_serialization(),
            "which is not 'https'".to_owned(),
        )
    } else if hosts.iter().any(|host| host.matches(&to)) {
        let status = response.status().as_u16();
        let reason = format!("which is not followed with status {status}, or too often");
        (host_and_port(&to), reason)
    } else {
        let reason = "which 'redirect_hosts' does not list".to_owned();
        (host_and_port(&to), reason)
    };
    Some(RequestError::Redirected {
        to: clean(to),
        reason,
    })
}

/// Returns the header's value, which is wiped when dropped.
fn header_value(token: &Secret) -> Result<HeaderValue, SourceError> {
    let bytes = Zeroizing::new(token.expose().as_bytes().to_vec());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(bytes)).map_err(|_| {
        SourceError::Configuration {
            reason: "the Vault token contains invalid characters".to_owned(),
            hint: "write only the token to its file or variable".to_owned(),
        }
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Wraps `error` in rustify's error, the only type that its trait may return.
fn pack(error: RequestError) -> ClientError {
    ClientError::GenericError {
        source: error.into(),
    }
}

fn unpack(e: ClientError) -> RequestError {
    match e {
        ClientError::GenericError { source } => source
            .downcast()
            .unwrap_or_else(|_| malformed("the request failed".to_owned())),
        ClientError::ServerResponseError { content, .. }
        | ClientError::ResponseParseError { content, .. } => {
            content.unwrap_or_default().zeroize();
            malformed("the response cannot be parsed".to_owned())
        }
        // The other variants are errors in building the request.
        _ => malformed("the request cannot be built".to_owned()),
    }
}

fn malformed(reason: String) -> RequestError {
    MalformedResponse(reason).into()
}
