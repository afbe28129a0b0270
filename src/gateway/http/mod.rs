//! A gateway that speaks Anthropic's API, asked over HTTP.

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

/// How long the gateway has for an answer: the client waits meanwhile.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long it holds what a wrong key was answered with.
const CALIBRATION_HOLDS: Duration = Duration::from_secs(24 * 3600);

/// How long it holds that this decided nothing (the gateway was down).
const INDECISION_HOLDS: Duration = Duration::from_secs(60);

/// See <https://docs.anthropic.com/en/api/versioning>.
const API_VERSION: &str = "2023-06-01";

/// What the gateway is asked to count the tokens of.
const COUNT_TOKENS: &str =
    r#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"."}]}"#;

/// A gateway that is asked by `GET /v1/models?limit=1` or `POST /v1/messages/count_tokens`, with the key in both of the
/// headers in which Claude Code sends it.
///
/// Before its word is relied on, it is asked about a key that can't be right.
pub(crate) struct HttpGateway {
    base: Url,
    probe: Probe,
    /// Made at first use: it reads the system's certificates, for which a client's first key need not wait.
    client: OnceLock<Client>,
    clock: Arc<dyn Clock>,
    calibration: Mutex<Option<(Tick, Calibration)>>,
    /// One asks, the others wait for what it finds out.
    calibrating: tokio::sync::Mutex<()>,
}

impl HttpGateway {
    /// A gateway at `base`; `None` where it is not to be asked.
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

    async fn calibrate(&self) -> Calibration {
        let _one = self.calibrating.lock().await;
        if let Some(calibration) = self.known() {
            return calibration;
        }
        let wrong = Secret::new(format!("claviger-probe-{:016x}", fastrand::u64(..)));
        let calibration = match self.send(&wrong).await {
            ProbeResult::Accepted => Calibration::AcceptsAnyKey,
            ProbeResult::Rejected => Calibration::Reliable,
            ProbeResult::Inconclusive(_) => Calibration::Unknown,
        };
        tracing::info!(gateway = %self.base, ?calibration, "asked the gateway about a wrong key");
        *self.lock() = Some((self.clock.now().tick, calibration));
        calibration
    }

    /// What is known and not too old.
    fn known(&self) -> Option<Calibration> {
        let (at, calibration) = (*self.lock())?;
        let holds = match calibration {
            Calibration::Unknown => INDECISION_HOLDS,
            Calibration::Reliable | Calibration::AcceptsAnyKey => CALIBRATION_HOLDS,
        };
        (self.clock.now().tick.since(at) < holds).then_some(calibration)
    }

    async fn send(&self, key: &Secret) -> ProbeResult {
        let Some(headers) = headers(key) else {
            return ProbeResult::Inconclusive("cannot be sent such a key".to_owned());
        };
        let Some(client) = self.client() else {
            return ProbeResult::Inconclusive("cannot be asked: TLS cannot be set up".to_owned());
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
                .body(COUNT_TOKENS),
            Probe::Models | Probe::Off => {
                self.request(client, reqwest::Method::GET, "/v1/models", Some("limit=1"))
            }
        };
        match request.headers(headers).send().await {
            // The body is not read: it may be endless, and may repeat the key.
            Ok(response) => interpret(response.status(), response.headers()),
            Err(error) if error.is_timeout() => {
                ProbeResult::Inconclusive(format!("did not answer within {} s", TIMEOUT.as_secs()))
            }
            Err(error) if error.is_connect() => {
                ProbeResult::Inconclusive("cannot be reached".to_owned())
            }
            Err(_) => ProbeResult::Inconclusive("broke off".to_owned()),
        }
    }

    fn client(&self) -> Option<&Client> {
        if let Some(client) = self.client.get() {
            return Some(client);
        }
        let mut builder = Client::builder()
            .timeout(TIMEOUT)
            // A key goes where it is meant to go, and nowhere that an answer points to.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("claviger/", env!("CARGO_PKG_VERSION")));
        if self.base.host_str().is_some_and(is_loopback) {
            builder = builder.no_proxy();
        }
        if self.base.scheme() == "http" {
            // Without TLS the system's trust store is not looked for: it may be missing.
            builder = builder.tls_certs_only([]);
        }
        let made = builder
            .build()
            .inspect_err(|error| tracing::warn!(%error, "no gateway can be asked"));
        let made = made.ok()?;
        Some(self.client.get_or_init(|| made))
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
        let calibration = match self.known() {
            Some(calibration) => calibration,
            None => self.calibrate().await,
        };
        if calibration == Calibration::AcceptsAnyKey {
            return ProbeResult::Inconclusive(
                "takes any key, so what it says proves nothing".to_owned(),
            );
        }
        match self.send(key).await {
            ProbeResult::Accepted if calibration == Calibration::Reliable => ProbeResult::Accepted,
            ProbeResult::Accepted => {
                ProbeResult::Inconclusive("has not been seen to refuse a wrong key".to_owned())
            }
            ProbeResult::Rejected => ProbeResult::Rejected,
            ProbeResult::Inconclusive(said) => ProbeResult::Inconclusive(said),
        }
    }

    fn calibration(&self) -> Calibration {
        self.lock()
            .map_or(Calibration::Unknown, |(_, calibration)| calibration)
    }
}

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

fn interpret(status: StatusCode, headers: &HeaderMap) -> ProbeResult {
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ProbeResult::Rejected,
        status if status.is_success() && is_json => ProbeResult::Accepted,
        status if status.is_success() => ProbeResult::Inconclusive(
            "answered with a page, not with JSON: a captive portal?".to_owned(),
        ),
        status => ProbeResult::Inconclusive(format!("answered {}", status.as_u16())),
    }
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
