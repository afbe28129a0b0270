//! The request of a probe: its route, its headers and its HTTP client.

use std::{sync::Mutex, time::Duration};

use reqwest::{Method, header::CONTENT_TYPE};
use url::Url;

use super::{answer::Answer, headers::Headers};
use crate::{
    config::{Probe, ProfileConfig},
    gateway::Inconclusive,
    network::{ClientSettings, HttpClient, RequestSecrets, SetupError},
    principal::Principal,
    secret::Secret,
    sync,
};

/// The longest that a probe takes. A client waits for it within its own deadline of 8 s, and a
/// fetch may have to follow.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

/// The body of `POST /v1/messages/count_tokens`: the shortest message that the API accepts.
const COUNT_TOKENS_BODY: &str =
    r#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"."}]}"#;

/// Sends the probes of one gateway: `GET /v1/models?limit=1` or `POST /v1/messages/count_tokens`.
/// The key is sent in both of the headers that Claude Code uses.
pub(super) struct Sender {
    base: Url,
    probe: Probe,
    headers: Headers,
    /// An error of the configuration makes every probe inconclusive.
    settings: Result<ClientSettings, SetupError>,
    /// Built at first use: it reads certificates, which must not delay the first key.
    client: Mutex<Option<HttpClient>>,
}

impl Sender {
    /// The sender for the gateway at `base` of `profile`. No file is read yet.
    pub(super) fn new(base: &Url, profile: &ProfileConfig, principal: &Principal) -> Self {
        Self {
            base: base.clone(),
            probe: profile.probe(),
            headers: Headers::new(profile.headers.clone(), principal),
            settings: client_settings(base, profile, principal, TIMEOUT),
            client: Mutex::default(),
        }
    }

    /// The gateway's URL.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// Discards the client, so that replaced certificates are read before the next probe.
    pub(super) fn reload(&self) {
        *sync::lock(&self.client) = None;
    }

    /// Sends one probe with `key` and returns the gateway's answer.
    ///
    /// # Errors
    ///
    /// [`Inconclusive::NotSent`], [`Inconclusive::NoResponse`].
    pub(super) async fn send(&self, key: &Secret) -> Result<Answer, Inconclusive> {
        self.send_to(self.probe, key).await
    }

    /// Sends one probe with `key` to the route that is not the configured one.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
    pub(super) async fn send_to_other_route(&self, key: &Secret) -> Result<Answer, Inconclusive> {
        let other = match self.probe {
            Probe::CountTokens => Probe::Models,
            Probe::Models | Probe::Off => Probe::CountTokens,
        };
        self.send_to(other, key).await
    }

    async fn send_to(&self, route: Probe, key: &Secret) -> Result<Answer, Inconclusive> {
        let mut secrets = RequestSecrets::from_iter([key.clone()]);
        let ready = self
            .client()
            .and_then(|client| Ok((client, self.headers.with(key, &mut secrets)?)));
        let (client, headers) = ready.map_err(Inconclusive::NotSent)?;
        let request = match route {
            Probe::CountTokens => client
                .request(Method::POST, self.url("/v1/messages/count_tokens", None))
                .header(CONTENT_TYPE, "application/json")
                .body(COUNT_TOKENS_BODY),
            Probe::Models | Probe::Off => {
                client.request(Method::GET, self.url("/v1/models", Some("limit=1")))
            }
        };
        let response = client.send(request.headers(headers), &secrets).await;
        let response = response.map_err(Inconclusive::NoResponse)?;
        Ok(Answer::read(response, key).await)
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

    pub(super) fn url(&self, route: &str, query: Option<&str>) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!(
            "{}{route}",
            self.base.path().trim_end_matches('/')
        ));
        url.set_query(query);
        url
    }
}

/// How `profile`'s gateway at `base` is reached, for requests that take at most `timeout` each.
///
/// # Errors
///
/// [`SetupError`] if a placeholder has no value or a variable of the client is no proxy.
pub(crate) fn client_settings(
    base: &Url,
    profile: &ProfileConfig,
    principal: &Principal,
    timeout: Duration,
) -> Result<ClientSettings, SetupError> {
    // It follows no redirects: the key is meant for this gateway, not for a host that its response
    // names.
    let settings = ClientSettings::new(base.clone(), &profile.network(), principal, timeout)?;
    match profile.identity() {
        Some(identity) => settings.with_identity(identity, principal),
        None => Ok(settings),
    }
}
