//! HTTP to an authorization server: what became of a request, and the answer.
//!
//! A refresh token that is used twice may end the login. So it matters whether a request without an
//! answer was sent: its body notes when the connection stands and asks for it.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::header::{self, HeaderValue};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use jiff::SignedDuration;
use reqwest::Method;
use url::Url;
use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    config::{NetworkConfig, OauthConfig, host_and_port},
    network::{
        BodyError, ClientSettings, ForeignText, HttpClient, HttpResponse, RequestSecrets,
        TransportError,
    },
    principal::Principal,
    source::{
        SourceError,
        oauth::server::TokenError,
        retry_after::{http_date, retry_after},
    },
    sync,
};

/// The largest body, in bytes. A key set with certificates has a few ten KiB, and so has a token of
/// a user in hundreds of groups.
const MAX_BODY: usize = 1024 * 1024;

/// The most clients that are kept, one for each origin. A server's endpoints mostly have one.
const MAX_CLIENTS: usize = 8;

/// The connections to one authorization server.
pub(super) struct Exchange {
    network: NetworkConfig,
    principal: Principal,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    /// By origin; built at first use, so that a corrected file needs no restart.
    clients: Mutex<HashMap<String, HttpClient>>,
    /// How far the server's clock is ahead, by the latest `Date` header.
    clock_offset: Mutex<Option<SignedDuration>>,
}

/// A request with a body.
pub(super) struct Post {
    pub(super) url: Url,
    pub(super) content_type: HeaderValue,
    /// The header `Authorization`.
    pub(super) authorization: Option<HeaderValue>,
    pub(super) body: Zeroizing<Vec<u8>>,
    /// The secrets that it contains.
    pub(super) secrets: RequestSecrets,
}

/// The complete answer to a request.
pub(super) struct Answer {
    /// Host and port.
    pub(super) host: String,
    pub(super) status: u16,
    pub(super) body: Zeroizing<Vec<u8>>,
    /// Whether it is a page for people.
    pub(super) is_page: bool,
    pub(super) retry_after: Option<Duration>,
    /// The secrets of the request.
    pub(super) secrets: RequestSecrets,
}

/// Why there is no complete answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// The request was sent, at least in part.
    Lost { host: String, error: TransportError },
    /// It was not sent; or the answer is too large to be one.
    Failed(SourceError),
}

impl Exchange {
    /// # Errors
    ///
    /// [`SourceError::Configuration`] or [`SourceError::ClientVariable`] if a placeholder has no
    /// value.
    pub(super) fn new(
        server: &Url,
        config: &OauthConfig,
        principal: &Principal,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        ClientSettings::new(server.clone(), &config.network, principal, config.timeout)?;
        Ok(Self {
            network: config.network.clone(),
            principal: principal.clone(),
            timeout: config.timeout,
            clock,
            clients: Mutex::default(),
            clock_offset: Mutex::default(),
        })
    }

    /// Fetches a document.
    ///
    /// # Errors
    ///
    /// [`SourceError`] if no answer arrives.
    pub(super) async fn get(&self, url: &Url) -> Result<Answer, SourceError> {
        let client = self.client(url)?;
        let request = client
            .request(Method::GET, url.clone())
            .header(header::ACCEPT, "application/json");
        let host = host_and_port(url);
        let sent = client.send(request, &RequestSecrets::default()).await;
        match sent {
            Ok(response) => self.answer(host, response).await.map_err(Into::into),
            Err(error) => Err(SourceError::Unreachable { host, error }),
        }
    }

    /// Sends a request once.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`].
    pub(super) async fn post(&self, post: Post) -> Result<Answer, NoAnswer> {
        let client = self.client(&post.url).map_err(NoAnswer::Failed)?;
        let host = host_and_port(&post.url);
        let is_sent = Arc::new(AtomicBool::new(false));
        let body = NotedBody {
            bytes: Some(Bytes::from_owner(post.body)),
            is_sent: Arc::clone(&is_sent),
        };
        let mut request = client
            .request(Method::POST, post.url)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, post.content_type)
            .body(reqwest::Body::wrap(body));
        if let Some(value) = post.authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        match client.send(request, &post.secrets).await {
            Ok(response) => self.answer(host, response).await,
            Err(error) if is_sent.load(Ordering::Acquire) => Err(NoAnswer::Lost { host, error }),
            Err(error) => Err(NoAnswer::Failed(SourceError::Unreachable { host, error })),
        }
    }

    /// How far the server's clock is ahead of this machine's, by its latest answer.
    pub(super) fn clock_offset(&self) -> Option<SignedDuration> {
        *sync::lock(&self.clock_offset)
    }

    async fn answer(&self, host: String, response: HttpResponse) -> Result<Answer, NoAnswer> {
        let now = self.clock.now().wall;
        let status = response.status().as_u16();
        let date = response.header(header::DATE).and_then(http_date);
        if let Some(date) = date {
            *sync::lock(&self.clock_offset) = Some(date.duration_since(now));
        }
        let retry_after = response
            .header(header::RETRY_AFTER)
            .and_then(|value| retry_after(value, now));
        let has_page_type = response.is_page();
        let secrets = response.secrets().clone();
        let body = match response.body(MAX_BODY).await {
            Ok(body) => body,
            Err(BodyError::Transport(error)) => return Err(NoAnswer::Lost { host, error }),
            Err(BodyError::TooLarge) => {
                return Err(NoAnswer::Failed(SourceError::Malformed {
                    host,
                    reason: format!("the response is larger than {} KiB", MAX_BODY / 1024),
                }));
            }
        };
        let text = body.trim_ascii_start();
        let is_page = text.starts_with(b"<") || (has_page_type && !text.starts_with(b"{"));
        Ok(Answer {
            host,
            status,
            // An empty body of the type `text/html` is no page.
            is_page: is_page && !text.is_empty(),
            body,
            retry_after,
            secrets,
        })
    }

    /// Closes the idle connections.
    pub(super) fn close(&self) {
        sync::lock(&self.clients).clear();
    }

    fn client(&self, url: &Url) -> Result<HttpClient, SourceError> {
        let origin = url.origin().ascii_serialization();
        let mut clients = sync::lock(&self.clients);
        if let Some(client) = clients.get(&origin) {
            return Ok(client.clone());
        }
        if clients.len() >= MAX_CLIENTS {
            clients.clear();
        }
        let settings =
            ClientSettings::new(url.clone(), &self.network, &self.principal, self.timeout)?;
        let client = settings.build()?;
        clients.insert(origin, client.clone());
        Ok(client)
    }
}

impl Answer {
    /// Whether the body is empty, apart from white space.
    pub(super) fn is_empty(&self) -> bool {
        self.body.trim_ascii().is_empty()
    }

    /// Whether the server has no such endpoint any more.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.status, 404 | 405 | 410)
    }

    /// Whether the server refuses every request for now.
    pub(super) fn is_unavailable(&self) -> bool {
        self.status >= 500 || matches!(self.status, 408 | 429)
    }

    /// `text`, which the server wrote, as one line without the secrets of the request.
    pub(super) fn clean(&self, text: &str) -> String {
        ForeignText::new(text).clean(&self.secrets)
    }

    /// A temporary error with `details` in parentheses after the status.
    pub(super) fn unavailable(&self, details: Option<&str>) -> SourceError {
        let details = details.map_or(String::new(), |details| format!(": {details}"));
        SourceError::Unavailable {
            host: self.host.clone(),
            reason: format!("is temporarily unavailable ({}{details})", self.status),
            retry_after: self.retry_after,
        }
    }

    /// The error of a page for people in place of the answer.
    pub(super) fn page(&self) -> SourceError {
        let kind = match (300..400).contains(&self.status) {
            true => "redirect",
            false => "web page",
        };
        SourceError::WebPage {
            host: self.host.clone(),
            reason: format!("it is a {kind} ({})", self.status),
        }
    }

    /// The error of an answer that does not belong to the protocol.
    pub(super) fn malformed(&self, reason: impl Into<String>) -> SourceError {
        SourceError::Malformed {
            host: self.host.clone(),
            reason: reason.into(),
        }
    }
}

/// Without the body and the secrets.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({} {})", self.host, self.status)
    }
}

impl From<NoAnswer> for SourceError {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::Lost { host, error } => Self::Unreachable { host, error },
            NoAnswer::Failed(error) => error,
        }
    }
}

impl From<NoAnswer> for TokenError {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::Lost { error, .. } => Self::Lost(error),
            NoAnswer::Failed(error) => Self::Other(error),
        }
    }
}

/// A body that notes when it is asked for, which is when the connection stands: after the TLS
/// handshake, and after a proxy has connected to the server.
struct NotedBody {
    bytes: Option<Bytes>,
    is_sent: Arc<AtomicBool>,
}

impl Body for NotedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.is_sent.store(true, Ordering::Release);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
