//! HTTP to one Vault: sends the requests of vaultrs and our own.
//!
//! The module's documentation says why vaultrs' own client is not used. Nothing is read from the
//! environment except the system's proxies, which are not used for loopback addresses. Redirects
//! are followed on the same scheme, host and port only.

use std::sync::Mutex;

use async_trait::async_trait;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Bytes;
use reqwest::Client;
use rustify::{Endpoint, errors::ClientError};
use vaultrs::api::EndpointMiddleware;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    address::{Address, host_and_port},
    client::ClientSettings,
    error::{self, RequestError},
    response::{self, ErrorResponse, MalformedResponse},
};
use crate::{
    clock::Timestamp, config, principal::Principal, secret::Secret, source::SourceError, sync,
};

/// The largest response body, in bytes. A secret of KV v2 has at most 512 KiB (`max_entry_size` is
/// 1 MiB).
const MAX_BODY: usize = 1024 * 1024;

/// The initial capacity of the buffer for a body, in bytes. Most bodies fit, so that the buffer is
/// not reallocated, which would leave a copy in memory.
const INITIAL_CAPACITY: usize = 16 * 1024;

/// The connection to one Vault.
pub(super) struct Transport {
    pub(super) address: Address,
    middleware: EndpointMiddleware,
    settings: ClientSettings,
    /// Built at first use, so that a corrected file needs no restart.
    client: Mutex<Option<Client>>,
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
            address,
            middleware: EndpointMiddleware {
                // `RustifyClient` adds the token, from a buffer that is wiped.
                token: String::new(),
                version: "v1".to_owned(),
                wrap: None,
                namespace: config.namespace.clone(),
            },
            settings: ClientSettings::new(name, config, principal)?,
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
            *sync::lock(&self.client) = None;
        }
    }

    fn client(&self) -> Result<Client, SourceError> {
        let mut client = sync::lock(&self.client);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        let built = self.settings.build(&self.address)?;
        Ok(client.insert(built).clone())
    }
}

/// rustify's interface to the HTTP client, for one request.
struct RustifyClient<'a> {
    transport: &'a Transport,
    client: Client,
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
        let mut request = self
            .client
            .request(head.method, format!("{base}{prefix}{path}"))
            .headers(head.headers);
        if let Some(token) = self.token {
            request = request.header("X-Vault-Token", header_value(token)?);
        }
        if !body.is_empty() {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Bytes::from_owner(Zeroizing::new(body)));
        }
        let no_response = |e: reqwest::Error| {
            RequestError::NoResponse(error::transport_error(&e, self.transport.settings.timeout))
        };
        let mut response = request.send().await.map_err(no_response)?;

        let status = response.status();
        let mut body = Zeroizing::new(Vec::with_capacity(INITIAL_CAPACITY));
        while let Some(chunk) = response.chunk().await.map_err(no_response)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(malformed(format!(
                    "the response is larger than {} KiB",
                    MAX_BODY / 1024
                )));
            }
            body.extend_from_slice(&chunk);
        }
        if (200..=208).contains(&status.as_u16()) {
            return Ok(Response::new(std::mem::take(&mut *body)));
        }
        Err(self.error(status, &response, &body))
    }

    fn error(&self, status: StatusCode, response: &reqwest::Response, body: &[u8]) -> RequestError {
        let text = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        if status.is_redirection()
            && let Some(to) = text(header::LOCATION)
        {
            let to = response
                .url()
                .join(to)
                .map_or_else(|_| "?".to_owned(), |url| host_and_port(&url));
            return RequestError::Redirected(to);
        }
        let mut error = ErrorResponse::new(status.as_u16(), body);
        error.retry_after =
            text(header::RETRY_AFTER).and_then(|value| response::retry_after(value, self.now));
        RequestError::Status(error)
    }
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
