//! Probing a gateway that implements Anthropic's API, over HTTP.
//!
//! It decides from the status and the content type of one response whether the gateway accepts a
//! key, and from a probe with an invalid key (the calibration) whether that proves anything. It is
//! given the gateway's URL, the route to probe and the clock.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::{
    Client, RequestBuilder, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect,
};
use url::Url;

use super::{Calibration, Gateway, ProbeResult};
use crate::{
    clock::{Clock, Tick},
    config::{GatewayUrl, Probe},
    secret::Secret,
    sync,
};

/// The longest that a probe takes. A client waits for it within its own deadline of 8 s, and a
/// fetch may have to follow.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long a calibration is valid. Gateways change their configuration rarely, and each
/// calibration puts a rejected request into the gateway's log.
pub(crate) const CALIBRATION_TTL: Duration = Duration::from_secs(24 * 3600);

/// How long an inconclusive calibration is valid: a gateway that was down must be calibrated soon
/// after it is back.
const UNKNOWN_CALIBRATION_TTL: Duration = Duration::from_secs(60);

/// The value of the header `anthropic-version`, see
/// <https://docs.anthropic.com/en/api/versioning>.
const API_VERSION: &str = "2023-06-01";

/// The body of `POST /v1/messages/count_tokens`: the shortest message that the API accepts.
const COUNT_TOKENS_BODY: &str =
    r#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"."}]}"#;

/// A gateway that is probed with `GET /v1/models?limit=1` or `POST /v1/messages/count_tokens`. The
/// key is sent in both of the headers that Claude Code uses.
///
/// Before the first probe, and once a day, it is probed with an invalid key.
pub(crate) struct HttpGateway {
    base: Url,
    probe: Probe,
    /// Created at first use: it reads the system's certificates, which must not delay the first
    /// key.
    client: OnceLock<Client>,
    clock: Arc<dyn Clock>,
    calibration: Mutex<Option<(Tick, Calibration)>>,
    /// Held during a calibration: concurrent probes wait for its result.
    calibrating: tokio::sync::Mutex<()>,
}

impl HttpGateway {
    /// Creates a gateway at `base`; `None` if `probe` is off.
    #[must_use]
    pub(crate) fn new(base: &GatewayUrl, probe: Probe, clock: &Arc<dyn Clock>) -> Option<Self> {
        (probe != Probe::Off).then(|| Self {
            base: base.as_url().clone(),
            probe,
            client: OnceLock::new(),
            clock: Arc::clone(clock),
            calibration: Mutex::new(None),
            calibrating: tokio::sync::Mutex::new(()),
        })
    }

    /// Probes the gateway with an invalid key and remembers the result.
    async fn calibrate(&self) -> Calibration {
        let _guard = self.calibrating.lock().await;
        if let Some(calibration) = self.recent_calibration() {
            return calibration;
        }
        let invalid = Secret::new(format!("claviger-probe-{:016x}", fastrand::u64(..)));
        let calibration = match self.send(&invalid).await {
            ProbeResult::Accepted => Calibration::AcceptsAnyKey,
            ProbeResult::Rejected => Calibration::Reliable,
            ProbeResult::Inconclusive(_) => Calibration::Unknown,
        };
        tracing::info!(gateway = %self.base, ?calibration, "calibrated the gateway with an invalid key");
        *self.lock() = Some((self.clock.now().tick, calibration));
        calibration
    }

    /// The last calibration, unless it is too old.
    fn recent_calibration(&self) -> Option<Calibration> {
        let (at, calibration) = (*self.lock())?;
        let ttl = match calibration {
            Calibration::Unknown => UNKNOWN_CALIBRATION_TTL,
            Calibration::Reliable | Calibration::AcceptsAnyKey => CALIBRATION_TTL,
        };
        (self.clock.now().tick.since(at) < ttl).then_some(calibration)
    }

    /// Sends one probe with `key`, whatever the calibration.
    async fn send(&self, key: &Secret) -> ProbeResult {
        let Some(headers) = headers(key) else {
            return inconclusive("key is invalid in an HTTP header");
        };
        let Some(client) = self.client() else {
            return inconclusive("TLS setup failed");
        };
        let request = match self.probe {
            Probe::CountTokens => self
                .request(
                    client,
                    reqwest::Method::POST,
                    "/v1/messages/count_tokens",
                    None,
                )
                .header(CONTENT_TYPE, "application/json")
                .body(COUNT_TOKENS_BODY),
            Probe::Models | Probe::Off => {
                self.request(client, reqwest::Method::GET, "/v1/models", Some("limit=1"))
            }
        };
        match request.headers(headers).send().await {
            // The body is not read: it may be endless and may contain the key.
            Ok(response) => interpret(response.status(), response.headers()),
            Err(error) if error.is_timeout() => {
                inconclusive(format!("timed out after {} s", TIMEOUT.as_secs()))
            }
            Err(error) if error.is_connect() => inconclusive("connection failed"),
            Err(_) => inconclusive("request failed"),
        }
    }

    /// The HTTP client, created at the first call; `None` if TLS cannot be set up.
    fn client(&self) -> Option<&Client> {
        if let Some(client) = self.client.get() {
            return Some(client);
        }
        let mut builder = Client::builder()
            .timeout(TIMEOUT)
            // The key is meant for this gateway, not for a host that its response names.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("claviger/", env!("CARGO_PKG_VERSION")));
        if self.base.host_str().is_some_and(is_loopback) {
            builder = builder.no_proxy();
        }
        if self.base.scheme() == "http" {
            // Without TLS the system's trust store is not read: it may be missing.
            builder = builder.tls_certs_only([]);
        }
        let built = builder
            .build()
            .inspect_err(|error| tracing::warn!(%error, "failed to set up TLS for probes"));
        let client = built.ok()?;
        Some(self.client.get_or_init(|| client))
    }

    fn request(
        &self,
        client: &Client,
        method: reqwest::Method,
        route: &str,
        query: Option<&str>,
    ) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!(
            "{}{route}",
            self.base.path().trim_end_matches('/')
        ));
        url.set_query(query);
        client.request(method, url)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Tick, Calibration)>> {
        sync::lock(&self.calibration)
    }
}

#[async_trait]
impl Gateway for HttpGateway {
    async fn probe(&self, key: &Secret) -> ProbeResult {
        let calibration = match self.recent_calibration() {
            Some(calibration) => calibration,
            None => self.calibrate().await,
        };
        if calibration == Calibration::AcceptsAnyKey {
            return inconclusive("the gateway accepts any key");
        }
        match self.send(key).await {
            ProbeResult::Accepted if calibration == Calibration::Reliable => ProbeResult::Accepted,
            ProbeResult::Accepted => {
                inconclusive("the gateway has not rejected an invalid key yet")
            }
            rejected_or_inconclusive => rejected_or_inconclusive,
        }
    }

    fn calibration(&self) -> Calibration {
        self.lock()
            .map_or(Calibration::Unknown, |(_, calibration)| calibration)
    }
}

/// The headers of a probe with `key`; `None` if a header cannot contain it.
fn headers(key: &Secret) -> Option<HeaderMap> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose())).ok()?;
    let mut bare = HeaderValue::from_str(key.expose()).ok()?;
    bearer.set_sensitive(true);
    bare.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert("authorization", bearer);
    headers.insert("x-api-key", bare);
    headers.insert("anthropic-version", HeaderValue::from_static(API_VERSION));
    Some(headers)
}

/// What a response's status and content type report about the key.
///
/// Only JSON counts as accepted: a captive portal answers 200 with a page.
fn interpret(status: StatusCode, headers: &HeaderMap) -> ProbeResult {
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ProbeResult::Rejected,
        status if status.is_success() && is_json => ProbeResult::Accepted,
        status if status.is_success() => inconclusive("non-JSON response (captive portal?)"),
        status => inconclusive(format!("unexpected status {}", status.as_u16())),
    }
}

fn inconclusive(reason: impl Into<String>) -> ProbeResult {
    ProbeResult::Inconclusive(reason.into())
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests;
