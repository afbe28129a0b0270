//! Sends one request as Claude Code does, and reduces the answer to facts.

use std::time::Duration;

use reqwest::{
    Method, RequestBuilder,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION},
};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::facts::{Exchange, Outcome, Stream};
use crate::{
    clock::Clock,
    config::ProfileConfig,
    gateway::http::{ErrorText, Headers, client_settings},
    network::{
        ForeignText, HttpClient, HttpResponse, RequestSecrets, SetupError, TransportError, one_line,
    },
    principal::Principal,
    secret::Secret,
};

/// The longest that a request without a message takes.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest that a short message takes: the model writes in that time.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(8);

/// The most bytes of an answer that are read: that of a short message, a list of models.
const MAX_BODY: usize = 256 * 1024;

/// The beta that Claude Code always names.
const BETA: &str = "claude-code-20250219";

/// Which headers contain the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyIn {
    Both,
    ApiKey,
    Bearer,
}

/// A client of one gateway, with one key.
pub(super) struct GatewayClient {
    base: Url,
    key: Secret,
    headers: HeaderMap,
    /// What the requests contain.
    secrets: RequestSecrets,
    quick: HttpClient,
    patient: HttpClient,
}

impl GatewayClient {
    /// A client of the gateway at `base` of `profile`.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if a file or a variable that the configuration names is missing or invalid.
    pub(super) fn new(
        base: &Url,
        profile: &ProfileConfig,
        principal: &Principal,
        key: &Secret,
    ) -> Result<Self, SetupError> {
        let client = |timeout| client_settings(base, profile, principal, timeout)?.build();
        let mut secrets = RequestSecrets::from_iter([key.clone()]);
        let headers = Headers::new(profile.headers.clone(), principal);
        Ok(Self {
            base: base.clone(),
            key: key.clone(),
            headers: headers.with(key, &mut secrets)?,
            secrets,
            quick: client(TIMEOUT)?,
            patient: client(MESSAGE_TIMEOUT)?,
        })
    }

    /// The gateway's address.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// `GET /v1/models`: the answer, and the models that it names.
    pub(super) async fn models(&self, key_in: KeyIn) -> (Outcome, Vec<String>) {
        let url = below(&self.base, "/v1/models", Some("limit=1000"));
        let request = self.quick.request(Method::GET, url);
        let request = request.headers(only(self.headers.clone(), key_in));
        let response = match self.quick.send(request, &self.secrets).await {
            Ok(response) => response,
            Err(error) => return (Err(error), Vec::new()),
        };
        let (exchange, body) = self.read(response).await;
        (Ok(exchange), listed(&body))
    }

    /// A `POST` of `body` to `route` below `base`, without the parts that are Claude Code's own.
    pub(super) async fn post(&self, base: &Url, route: &str, body: &Value) -> Outcome {
        let request = self.quick.request(Method::POST, below(base, route, None));
        let request = self.with_body(request, body);
        let response = self.quick.send(request, &self.secrets).await?;
        Ok(self.read(response).await.0)
    }

    /// A `POST` of `body` to `/v1/messages`, as Claude Code sends it.
    pub(super) async fn message(&self, body: &Value) -> Outcome {
        let response = self.patient.send(self.turn(body), &self.secrets).await?;
        Ok(self.read(response).await.0)
    }

    /// The same, whose answer is a stream.
    ///
    /// # Errors
    ///
    /// [`TransportError`] if no answer arrives, or it ends too early.
    pub(super) async fn stream(
        &self,
        body: &Value,
        clock: &dyn Clock,
    ) -> Result<Stream, TransportError> {
        let request = self.turn(body);
        let started = clock.now().tick;
        let mut response = self.patient.send(request, &self.secrets).await?;
        let content_type = response.header(CONTENT_TYPE).unwrap_or_default();
        let is_events = content_type
            .to_ascii_lowercase()
            .starts_with("text/event-stream");
        if !is_events {
            return Ok(Stream {
                exchange: self.read(response).await.0,
                ..Stream::default()
            });
        }
        let exchange = head(&response);
        let has_length = response.header(CONTENT_LENGTH).is_some();
        let mut parts = Vec::new();
        let mut size = 0;
        while let Some(part) = response.chunk().await? {
            parts.push((clock.now().tick.since(started), events_in(&part)));
            size += part.len();
            if size > MAX_BODY {
                break;
            }
        }
        Ok(Stream {
            exchange,
            is_events,
            has_length,
            parts,
        })
    }

    fn turn(&self, body: &Value) -> RequestBuilder {
        let url = below(&self.base, "/v1/messages", Some("beta=true"));
        let request = self.patient.request(Method::POST, url);
        self.with_body(request, body).header("anthropic-beta", BETA)
    }

    fn with_body(&self, request: RequestBuilder, body: &Value) -> RequestBuilder {
        request
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string())
    }

    /// Reads an answer; returns its body, too.
    async fn read(&self, response: HttpResponse) -> (Exchange, Zeroizing<Vec<u8>>) {
        let head = head(&response);
        let secrets = response.secrets().clone();
        let body = response.body(MAX_BODY).await.unwrap_or_default();
        if head.status < 400 || !head.is_json {
            return (head, body);
        }
        let text = ErrorText::of_json(&body, &self.key);
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let exchange = Exchange {
            has_error: json.get("error").or(json.get("detail")).is_some(),
            cause: text.and_then(|text| text.cause),
            reason: message_of(&json).map(|message| ForeignText::new(message).clean(&secrets)),
            ..head
        };
        (exchange, body)
    }
}

/// How many events begin in a part of a stream.
fn events_in(part: &[u8]) -> usize {
    const START: &[u8] = b"event:";
    part.windows(START.len())
        .filter(|text| *text == START)
        .count()
}

/// `headers` with the key in these headers alone.
fn only(mut headers: HeaderMap, key_in: KeyIn) -> HeaderMap {
    match key_in {
        KeyIn::Both => None,
        KeyIn::ApiKey => headers.remove("authorization"),
        KeyIn::Bearer => headers.remove("x-api-key"),
    };
    headers
}

/// `route` below the path of `base`.
fn below(base: &Url, route: &str, query: Option<&str>) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{route}", base.path().trim_end_matches('/')));
    url.set_query(query);
    url
}

/// What the head of an answer shows.
fn head(response: &HttpResponse) -> Exchange {
    let location = response.header(LOCATION);
    let location = location.and_then(|location| response.url().join(location).ok());
    Exchange {
        status: response.status().as_u16(),
        is_json: response.is_json(),
        is_page: response.is_page(),
        location: location.map(|location| shown(&location)),
        has_request_id: response
            .header(HeaderName::from_static("request-id"))
            .is_some(),
        ..Exchange::default()
    }
}

/// An address without its query, which may contain a session.
fn shown(url: &Url) -> String {
    one_line(&format!(
        "{}{}",
        url.origin().ascii_serialization(),
        url.path()
    ))
}

/// The message of an error, in the forms of the API and of the gateways before it.
fn message_of(json: &Value) -> Option<&str> {
    let error = &json["error"];
    [&error["message"], error, &json["message"], &json["detail"]]
        .into_iter()
        .find_map(Value::as_str)
}

/// The names of the models in a list.
fn listed(body: &[u8]) -> Vec<String> {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let models = json["data"].as_array().into_iter().flatten();
    models
        .filter_map(|model| model["id"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_in_every_form_of_an_error() {
        for (body, expected) in [
            (r#"{"error":{"message":"a","type":"b"}}"#, Some("a")),
            (r#"{"error":"a"}"#, Some("a")),
            (r#"{"message":"a"}"#, Some("a")),
            (r#"{"detail":"a"}"#, Some("a")),
            (r#"{"detail":[{"msg":"a"}]}"#, None),
            ("[]", None),
        ] {
            let json: Value = serde_json::from_str(body).unwrap();
            assert_eq!(message_of(&json), expected, "{body}");
        }
    }

    #[test]
    fn the_models_of_a_list_are_found() {
        let body = br#"{"data":[{"id":"a"},{"name":"b"},{"id":"c"}]}"#;
        assert_eq!(listed(body), ["a", "c"]);
        assert_eq!(listed(b"<html>"), [""; 0]);
    }

    #[test]
    fn an_address_is_shown_without_its_query() {
        let url = "https://sso.test/login?session=secret#x".parse().unwrap();
        assert_eq!(shown(&url), "https://sso.test/login");
    }
}
