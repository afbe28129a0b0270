//! Sending requests and reading responses.

use std::{sync::Arc, time::Duration};

use hyper::body::Bytes;
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode,
    header::{self, HeaderName},
};
use url::Url;
use zeroize::Zeroizing;

use super::{
    classify::{Exchange, transport_error},
    error::{ProxyError, TransportError},
    foreign_text::RequestSecrets,
    proxy::ProxyRules,
};

/// The initial capacity of the buffer for a body, in bytes. Most bodies fit, so that the buffer is
/// not reallocated, which would leave a copy in memory.
const INITIAL_CAPACITY: usize = 16 * 1024;

/// A client of one server. Clones share its connections.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: Client,
    proxies: Arc<ProxyRules>,
    timeout: Duration,
}

/// A response whose body has not been read yet.
pub(crate) struct HttpResponse {
    response: Response,
    exchange: Exchange,
}

/// A body that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It ends too early.
    Transport(TransportError),
    /// It is larger than the limit.
    TooLarge,
}

impl HttpClient {
    pub(super) fn new(client: Client, proxies: Arc<ProxyRules>, timeout: Duration) -> Self {
        Self {
            client,
            proxies,
            timeout,
        }
    }

    /// A request, which [`HttpClient::send`] sends.
    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends `request`, which contains `secrets`.
    ///
    /// # Errors
    ///
    /// [`TransportError`] if no response of the server arrives. Its text repeats no secret.
    pub(crate) async fn send(
        &self,
        request: RequestBuilder,
        secrets: &RequestSecrets,
    ) -> Result<HttpResponse, TransportError> {
        let mut exchange = Exchange {
            proxy: None,
            forwards: false,
            timeout: self.timeout,
            secrets: self.proxies.secrets(),
        };
        exchange.secrets.extend(secrets);
        let request = match request.build() {
            Ok(request) => request,
            Err(e) => return Err(transport_error(&e, &exchange)),
        };
        let url = request.url().clone();
        let sent = self.client.execute(request).await;
        // A redirect may have led to a host with another proxy.
        let last = match &sent {
            Ok(response) => Some(response.url()),
            Err(e) => e.url(),
        };
        let last = last.unwrap_or(&url);
        exchange.proxy = self.proxies.of(last);
        exchange.forwards = exchange
            .proxy
            .as_ref()
            .is_some_and(|proxy| proxy.forwards(last));
        let response = sent.map_err(|e| transport_error(&e, &exchange))?;
        let response = HttpResponse { response, exchange };
        match response.of_proxy() {
            Some(error) => Err(error),
            None => Ok(response),
        }
    }
}

impl HttpResponse {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The URL that it came from.
    pub(crate) fn url(&self) -> &Url {
        self.response.url()
    }

    /// A header as the server wrote it: it may repeat a secret, so it is for decisions only.
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The secrets of the request, the proxy's password included.
    pub(crate) fn secrets(&self) -> &RequestSecrets {
        &self.exchange.secrets
    }

    /// Whether the body is JSON by its content type.
    pub(crate) fn is_json(&self) -> bool {
        self.content_type()
            .is_some_and(|value| value.starts_with("application/json"))
    }

    /// Whether the body is a page for people by its content type: that of a captive portal, a proxy
    /// or a sign-in page.
    pub(crate) fn is_page(&self) -> bool {
        self.content_type().is_some_and(|value| {
            value.starts_with("text/html") || value.starts_with("application/xhtml+xml")
        })
    }

    /// Reads a body of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub(crate) async fn body(mut self, limit: usize) -> Result<Zeroizing<Vec<u8>>, BodyError> {
        let mut body = Zeroizing::new(Vec::with_capacity(INITIAL_CAPACITY));
        loop {
            let Some(chunk) = self.chunk().await.map_err(BodyError::Transport)? else {
                return Ok(body);
            };
            if body.len() + chunk.len() > limit {
                return Err(BodyError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
    }

    /// The next part of the body, as it arrives; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`TransportError`] if the body ends too early.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        let chunk = self.response.chunk().await;
        chunk.map_err(|e| transport_error(&e, &self.exchange))
    }

    fn content_type(&self) -> Option<String> {
        Some(self.header(header::CONTENT_TYPE)?.to_ascii_lowercase())
    }

    /// The failure that the proxy reports, if it answered a plain `http` request in the server's
    /// place.
    fn of_proxy(&self) -> Option<TransportError> {
        if !self.exchange.forwards {
            return None;
        }
        let error = match self.status().as_u16() {
            407 => ProxyError::AuthorizationRequired,
            // Vault and gateways answer with JSON or with nothing.
            status @ (403 | 502 | 503 | 504)
                if !self.is_json() && self.content_type().is_some() =>
            {
                ProxyError::Answered(status)
            }
            _ => return None,
        };
        self.exchange.proxy_failure(error)
    }
}
