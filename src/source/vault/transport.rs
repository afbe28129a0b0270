//! HTTP to one Vault: what vaultrs' requests are sent through.
//!
//! vaultrs' own client loses the headers of an answer (`Retry-After`), follows redirects with the token in hand and takes
//! `VAULT_*` from the environment. Here nothing comes from the environment but the system's proxies, and those not for
//! this machine; a redirect is followed on the same scheme, host and port only.

use std::{path::PathBuf, sync::Mutex, time::Duration};

use async_trait::async_trait;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Bytes;
use reqwest::{Certificate, Client, Identity, redirect};
use rustify::{Endpoint, errors::ClientError};
use vaultrs::api::EndpointMiddleware;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    address::{Address, host_and_port},
    answer::{self, Failure, Refusal},
    network,
};
use crate::{
    clock::Timestamp,
    config,
    secret::Secret,
    source::{SourceError, secret_file},
    sync,
};

/// The longest answer, in bytes: a secret of KV v2 may have 512 KiB (`max_entry_size` is 1 MiB).
const MAX_ANSWER: usize = 1024 * 1024;

/// How many redirects on the same host are followed: there is a reason for one.
const MAX_REDIRECTS: usize = 3;

/// Where an answer starts to be read into, in bytes: most fit, and so leave no copy behind in a smaller buffer.
const FIRST_BUFFER: usize = 16 * 1024;

/// One Vault and how it is spoken to.
pub(super) struct Transport {
    pub(super) address: Address,
    middleware: EndpointMiddleware,
    ca_file: Option<PathBuf>,
    /// Chain and key of the `cert` method.
    identity: Option<(PathBuf, PathBuf)>,
    timeout: Duration,
    /// Made at first use, so that a file that is put right later needs no restart.
    client: Mutex<Option<Client>>,
}

impl Transport {
    /// # Errors
    ///
    /// [`SourceError::Configuration`] where the namespace is none, or the system has no such listeners.
    pub(super) fn new(config: &config::VaultConfig) -> Result<Self, SourceError> {
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
        // vaultrs panics on it.
        if let Some(namespace) = &config.namespace
            && HeaderValue::from_str(namespace).is_err()
        {
            return Err(SourceError::Configuration {
                reason: "'namespace' contains characters that are invalid in an HTTP header"
                    .to_owned(),
                hint: "correct 'namespace'".to_owned(),
            });
        }
        let identity = match config.auth.as_ref().map(|auth| &auth.method) {
            Some(config::AuthMethod::Cert {
                cert_file,
                key_file,
                ..
            }) => Some((cert_file.clone(), key_file.clone())),
            _ => None,
        };
        Ok(Self {
            address,
            middleware: EndpointMiddleware {
                // `Call` adds it, from a buffer that is wiped.
                token: String::new(),
                version: "v1".to_owned(),
                wrap: None,
                namespace: config.namespace.clone(),
            },
            ca_file: config.ca_file.clone(),
            identity,
            timeout: config.timeout,
            client: Mutex::new(None),
        })
    }

    /// Sends `endpoint`; the body of an answer of 200 to 208.
    ///
    /// `now` is for a `Retry-After` that is a date.
    pub(super) async fn call(
        &self,
        token: Option<&Secret>,
        endpoint: impl Endpoint,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let call = Call {
            transport: self,
            client: self.client()?,
            token,
            now,
        };
        let sent = endpoint.with_middleware(&self.middleware).exec(&call).await;
        match sent {
            Ok(result) => Ok(Zeroizing::new(result.response.into_body())),
            Err(e) => Err(unpack(e)),
        }
    }

    /// The next request reads the certificates anew.
    pub(super) fn forget_client(&self) {
        if self.identity.is_some() {
            *sync::lock(&self.client) = None;
        }
    }

    fn client(&self) -> Result<Client, SourceError> {
        let mut client = sync::lock(&self.client);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        Ok(client.insert(self.build()?).clone())
    }

    fn build(&self) -> Result<Client, SourceError> {
        let mut builder = Client::builder()
            .tls_backend_rustls()
            .user_agent(concat!("claviger/", env!("CARGO_PKG_VERSION")))
            .timeout(self.timeout)
            .connect_timeout(self.timeout)
            .redirect(redirect::Policy::custom(same_origin))
            .referer(false)
            .pool_max_idle_per_host(1);
        if self.address.is_local {
            builder = builder.no_proxy();
        }
        #[cfg(unix)]
        if let Some(socket) = &self.address.socket {
            builder = builder.unix_socket(socket.clone());
        }
        if !self.address.is_tls {
            // Without TLS the system's trust store is not looked for: it may be missing.
            builder = builder.tls_certs_only(Vec::new());
        } else if let Some(file) = &self.ca_file {
            let pem = secret_file::read_public(file)?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(SourceError::Configuration {
                    reason: format!("the file '{}' contains no PEM certificate", file.display()),
                    hint: "write the CA's certificates to it, or correct 'ca_file'".to_owned(),
                });
            }
            builder = builder.tls_certs_only(certificates);
        }
        if let Some((chain, key)) = &self.identity {
            builder = builder.identity(read_identity(chain, key)?);
        }
        builder.build().map_err(|e| SourceError::Configuration {
            reason: format!(
                "TLS to '{}' cannot be set up: {}",
                self.address.name,
                network::innermost(&e)
            ),
            hint: "check 'ca_file', the client certificate and the system's trust store".to_owned(),
        })
    }
}

fn read_identity(chain: &PathBuf, key: &PathBuf) -> Result<Identity, SourceError> {
    let key_pem = secret_file::read_private(key)?;
    let chain_pem = secret_file::read_public(chain)?;
    // Sized once: a buffer that grows leaves a key behind.
    let mut pem = Zeroizing::new(Vec::with_capacity(key_pem.len() + chain_pem.len() + 1));
    pem.extend_from_slice(&chain_pem);
    pem.push(b'\n');
    if chain != key {
        pem.extend_from_slice(&key_pem);
    }
    Identity::from_pem(&pem).map_err(|_| SourceError::Configuration {
        reason: format!(
            "expected a PEM certificate in '{}' and its private key in '{}'",
            chain.display(),
            key.display()
        ),
        hint: "write the chain to 'cert_file' and its unencrypted key to 'key_file'".to_owned(),
    })
}

/// Follows on the same scheme, host and port; else hands the redirect itself back, for [`Refusal`] to name.
fn same_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let same = attempt
        .previous()
        .first()
        .is_some_and(|first| first.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// What rustify sends one request with.
struct Call<'a> {
    transport: &'a Transport,
    client: Client,
    token: Option<&'a Secret>,
    now: Timestamp,
}

#[async_trait]
impl rustify::client::Client for Call<'_> {
    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ClientError> {
        self.exchange(request).await.map_err(pack)
    }

    fn base(&self) -> &str {
        &self.transport.address.base
    }
}

impl Call<'_> {
    async fn exchange(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Failure> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("", |path| path.as_str());
        // vaultrs' empty query.
        let path = path.strip_suffix('?').unwrap_or(path);
        let Address { base, prefix, .. } = &self.transport.address;
        let mut sent = self
            .client
            .request(head.method, format!("{base}{prefix}{path}"))
            .headers(head.headers);
        if let Some(token) = self.token {
            sent = sent.header("X-Vault-Token", header_of(token)?);
        }
        if !body.is_empty() {
            sent = sent
                .header(header::CONTENT_TYPE, "application/json")
                .body(Bytes::from_owner(Zeroizing::new(body)));
        }
        let no_response = |e: reqwest::Error| {
            Failure::NoAnswer(network::transport_error(&e, self.transport.timeout))
        };
        let mut answer = sent.send().await.map_err(no_response)?;

        let status = answer.status();
        let mut body = Zeroizing::new(Vec::with_capacity(FIRST_BUFFER));
        while let Some(chunk) = answer.chunk().await.map_err(no_response)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::Malformed(format!(
                    "the response is larger than {} KiB",
                    MAX_ANSWER / 1024
                )));
            }
            body.extend_from_slice(&chunk);
        }
        if (200..=208).contains(&status.as_u16()) {
            return Ok(Response::new(std::mem::take(&mut *body)));
        }
        Err(self.refused(status, &answer, &body))
    }

    fn refused(&self, status: StatusCode, answer: &reqwest::Response, body: &[u8]) -> Failure {
        let text = |name| {
            answer
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        if status.is_redirection()
            && let Some(to) = text(header::LOCATION)
        {
            let to = answer
                .url()
                .join(to)
                .map_or_else(|_| "?".to_owned(), |url| host_and_port(&url));
            return Failure::Redirected(to);
        }
        let mut refusal = Refusal::new(status.as_u16(), body);
        refusal.retry_after =
            text(header::RETRY_AFTER).and_then(|value| answer::retry_after(value, self.now));
        Failure::Refused(refusal)
    }
}

/// Wiped when it is dropped.
fn header_of(token: &Secret) -> Result<HeaderValue, SourceError> {
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

/// rustify's error is the only way out of its trait; ours goes inside.
fn pack(failure: Failure) -> ClientError {
    ClientError::GenericError {
        source: failure.into(),
    }
}

fn unpack(e: ClientError) -> Failure {
    match e {
        ClientError::GenericError { source } => source
            .downcast()
            .unwrap_or_else(|_| Failure::Malformed("the request failed".to_owned())),
        // The others are about building a request; some carry its content.
        ClientError::ServerResponseError { content, .. }
        | ClientError::ResponseParseError { content, .. } => {
            content.unwrap_or_default().zeroize();
            Failure::Malformed("the response cannot be parsed".to_owned())
        }
        _ => Failure::Malformed("the request cannot be built".to_owned()),
    }
}
