//! A gateway that speaks Anthropic's API, asked over HTTP.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::{
    Client, RequestBuilder, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect,
};
use url::Url;

use super::{Gateway, Standing, Verdict};
use crate::{
    clock::{Clock, Tick},
    config::{GatewayUrl, Probe},
    secret::Secret,
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
pub struct HttpGateway {
    base: Url,
    probe: Probe,
    /// Made at first use: it reads the system's certificates, for which a client's first key need not wait.
    client: OnceLock<Client>,
    clock: Arc<dyn Clock>,
    calibration: Mutex<Option<(Tick, Standing)>>,
    /// One asks, the others wait for what it finds out.
    calibrating: tokio::sync::Mutex<()>,
}

/// What one answer means, whichever key it was for.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Yes,
    No,
    Neither(String),
}

impl HttpGateway {
    /// A gateway at `base`; `None` where it is not to be asked.
    #[must_use]
    pub fn new(base: &GatewayUrl, probe: Probe, clock: &Arc<dyn Clock>) -> Option<Self> {
        (probe != Probe::Off).then(|| Self {
            base: base.as_url().clone(),
            probe,
            client: OnceLock::new(),
            clock: Arc::clone(clock),
            calibration: Mutex::new(None),
            calibrating: tokio::sync::Mutex::new(()),
        })
    }

    async fn calibrate(&self) -> Standing {
        let _one = self.calibrating.lock().await;
        if let Some(standing) = self.known() {
            return standing;
        }
        let wrong = Secret::new(format!("claviger-probe-{:016x}", fastrand::u64(..)));
        let standing = match self.ask(&wrong).await {
            Word::Yes => Standing::TakesAnyKey,
            Word::No => Standing::Counts,
            Word::Neither(_) => Standing::Unknown,
        };
        tracing::info!(gateway = %self.base, ?standing, "asked the gateway about a wrong key");
        *self.lock() = Some((self.clock.now().tick, standing));
        standing
    }

    /// What is known and not too old.
    fn known(&self) -> Option<Standing> {
        let (at, standing) = (*self.lock())?;
        let holds = match standing {
            Standing::Unknown => INDECISION_HOLDS,
            Standing::Counts | Standing::TakesAnyKey => CALIBRATION_HOLDS,
        };
        (self.clock.now().tick.since(at) < holds).then_some(standing)
    }

    async fn ask(&self, key: &Secret) -> Word {
        let Some(headers) = headers(key) else {
            return Word::Neither("cannot be sent such a key".to_owned());
        };
        let Some(client) = self.client() else {
            return Word::Neither("cannot be asked: TLS cannot be set up".to_owned());
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
            Ok(response) => word(response.status(), response.headers()),
            Err(error) if error.is_timeout() => {
                Word::Neither(format!("did not answer within {} s", TIMEOUT.as_secs()))
            }
            Err(error) if error.is_connect() => Word::Neither("cannot be reached".to_owned()),
            Err(_) => Word::Neither("broke off".to_owned()),
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Tick, Standing)>> {
        self.calibration
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Gateway for HttpGateway {
    async fn verdict(&self, key: &Secret) -> Verdict {
        let standing = match self.known() {
            Some(standing) => standing,
            None => self.calibrate().await,
        };
        if standing == Standing::TakesAnyKey {
            return Verdict::Unclear("takes any key, so what it says proves nothing".to_owned());
        }
        match self.ask(key).await {
            Word::Yes if standing == Standing::Counts => Verdict::Good,
            Word::Yes => Verdict::Unclear("has not been seen to refuse a wrong key".to_owned()),
            Word::No => Verdict::Rejected,
            Word::Neither(said) => Verdict::Unclear(said),
        }
    }

    fn standing(&self) -> Standing {
        self.lock()
            .map_or(Standing::Unknown, |(_, standing)| standing)
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

fn word(status: StatusCode, headers: &HeaderMap) -> Word {
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Word::No,
        status if status.is_success() && is_json => Word::Yes,
        status if status.is_success() => {
            Word::Neither("answered with a page, not with JSON: a captive portal?".to_owned())
        }
        status => Word::Neither(format!("answered {}", status.as_u16())),
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
