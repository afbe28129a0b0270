//! Probing a gateway that implements Anthropic's API, over HTTP.
//!
//! It decides from the status and the content type of one response whether the gateway accepts a
//! key, and from a probe with an invalid key (the calibration) whether that proves anything. It is
//! given the gateway's URL, the route to probe and the clock.

mod headers;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::{StatusCode, header::CONTENT_TYPE};
use url::Url;

use self::headers::Headers;
use super::{Calibration, Gateway, Inconclusive, ProbeResult, Rejection};
use crate::{
    clock::{Clock, Tick},
    config::{Probe, ProfileConfig},
    network::{ClientSettings, HttpClient, HttpResponse, RequestSecrets, SetupError},
    principal::Principal,
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
    headers: Headers,
    /// An error of the configuration makes every probe inconclusive.
    settings: Result<ClientSettings, SetupError>,
    /// Built at first use: it reads certificates, which must not delay the first key. Discarded
    /// before a calibration, so that replaced files are read.
    client: Mutex<Option<HttpClient>>,
    clock: Arc<dyn Clock>,
    calibration: Mutex<Option<(Tick, Calibration)>>,
    /// Held during a calibration: concurrent probes wait for its result.
    calibrating: tokio::sync::Mutex<()>,
}

impl HttpGateway {
    /// The gateway of `profile`; `None` if it has none or if `probe` is off.
    #[must_use]
    pub(crate) fn new(
        profile: &ProfileConfig,
        principal: &Principal,
        clock: &Arc<dyn Clock>,
    ) -> Option<Self> {
        let probe = profile.probe();
        let base = profile.gateway.as_ref()?.as_url();
        (probe != Probe::Off).then(|| Self {
            base: base.clone(),
            probe,
            headers: Headers::new(profile.headers.clone(), principal),
            settings: settings(base, profile, principal),
            client: Mutex::new(None),
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
        *sync::lock(&self.client) = None;
        let invalid = Secret::new(format!("claviger-probe-{:016x}", fastrand::u64(..)));
        let calibration = match self.send(&invalid).await {
            ProbeResult::Accepted => Calibration::AcceptsAnyKey,
            ProbeResult::Rejected => Calibration::Reliable(Rejection::Unauthorized),
            ProbeResult::Known | ProbeResult::Inconclusive(_) => Calibration::Unknown,
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
            _ => CALIBRATION_TTL,
        };
        (self.clock.now().tick.since(at) < ttl).then_some(calibration)
    }

    /// Sends one probe with `key`, whatever the calibration.
    async fn send(&self, key: &Secret) -> ProbeResult {
        let mut secrets = RequestSecrets::from_iter([key.clone()]);
        let ready = self
            .client()
            .and_then(|client| Ok((client, self.headers.with(key, &mut secrets)?)));
        let (client, headers) = match ready {
            Ok(ready) => ready,
            Err(error) => return ProbeResult::Inconclusive(Inconclusive::NotSent(error)),
        };
        let request = match self.probe {
            Probe::CountTokens => client
                .request(
                    reqwest::Method::POST,
                    self.url("/v1/messages/count_tokens", None),
                )
                .header(CONTENT_TYPE, "application/json")
                .body(COUNT_TOKENS_BODY),
            Probe::Models | Probe::Off => client.request(
                reqwest::Method::GET,
                self.url("/v1/models", Some("limit=1")),
            ),
        };
        match client.send(request.headers(headers), &secrets).await {
            // The body is not read: it may be endless and may contain the key.
            Ok(response) => interpret(&response),
            Err(error) => ProbeResult::Inconclusive(Inconclusive::NoResponse(error)),
        }
    }

    /// The HTTP client, built at the first call.
    fn client(&self) -> Result<HttpClient, SetupError> {
        let mut client = sync::lock(&self.client);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        Ok(client.insert(settings.build()?).clone())
    }

    fn url(&self, route: &str, query: Option<&str>) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!(
            "{}{route}",
            self.base.path().trim_end_matches('/')
        ));
        url.set_query(query);
        url
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
            return ProbeResult::Inconclusive(Inconclusive::AcceptsAnyKey);
        }
        match self.send(key).await {
            ProbeResult::Accepted if calibration != Calibration::Unknown => ProbeResult::Accepted,
            ProbeResult::Accepted => ProbeResult::Inconclusive(Inconclusive::Uncalibrated),
            rejected_or_inconclusive => rejected_or_inconclusive,
        }
    }

    fn calibration(&self) -> Calibration {
        self.lock()
            .map_or(Calibration::Unknown, |(_, calibration)| calibration)
    }

    fn recalibrate(&self) {
        *self.lock() = None;
    }
}

/// How `profile`'s gateway at `base` is reached.
fn settings(
    base: &Url,
    profile: &ProfileConfig,
    principal: &Principal,
) -> Result<ClientSettings, SetupError> {
    // It follows no redirects: the key is meant for this gateway, not for a host that its response
    // names.
    let settings = ClientSettings::new(base.clone(), &profile.network(), principal, TIMEOUT)?;
    match profile.identity() {
        Some(identity) => settings.with_identity(identity, principal),
        None => Ok(settings),
    }
}

/// What a response's status and content type report about the key.
///
/// Only JSON counts as accepted: a captive portal answers 200 with a page.
fn interpret(response: &HttpResponse) -> ProbeResult {
    match response.status() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ProbeResult::Rejected,
        status if status.is_success() && response.is_json() => ProbeResult::Accepted,
        status if status.is_success() => ProbeResult::Inconclusive(Inconclusive::NotJson {
            status: status.as_u16(),
            is_page: response.is_page(),
        }),
        status => ProbeResult::Inconclusive(Inconclusive::NotTheKey {
            status: status.as_u16(),
            cause: "unexpected status".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
