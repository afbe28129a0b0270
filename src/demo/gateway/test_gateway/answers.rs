//! What a path answers, key by key: real gateways allow a key on one route and not on another, and
//! refuse a wrong one in many ways.

use std::sync::{Mutex, MutexGuard};

use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use super::super::{response::GatewayResponse, routes::GatewayRequest};
use crate::{
    secret::{Fingerprint, Secret},
    sync,
};

/// Which requests get an [`Answer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requests {
    /// Those without this header, whatever the key.
    WithoutHeader(String),
    /// Those with this key, whether the gateway accepts it or not.
    WithKey(Fingerprint),
    /// Those without a key that the gateway accepts.
    WithWrongKey,
    /// All.
    All,
}

/// A response that a test sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: String,
}

/// The answers in force. The first that fits is given: those for requests without a header, then
/// those for one key, for wrong keys, for all.
#[derive(Debug, Default)]
pub(super) struct Answers(Mutex<Vec<(String, Requests, Answer)>>);

impl Requests {
    /// Those with `key`.
    #[must_use]
    pub fn with_key(key: &Secret) -> Self {
        Self::WithKey(key.fingerprint())
    }

    fn contain(&self, request: &GatewayRequest, is_authorized: bool) -> bool {
        match self {
            Self::WithoutHeader(name) => !request.http.headers().contains_key(name),
            Self::WithKey(fingerprint) => request
                .keys
                .first()
                .is_some_and(|key| key.fingerprint() == *fingerprint),
            Self::WithWrongKey => !is_authorized,
            Self::All => true,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::WithoutHeader(_) => 0,
            Self::WithKey(_) => 1,
            Self::WithWrongKey => 2,
            Self::All => 3,
        }
    }
}

impl Answer {
    /// JSON. An invalid status is 500.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// An error in LiteLLM's form, such as `auth_error`.
    #[must_use]
    pub fn error(status: u16, error_type: &str, message: &str) -> Self {
        let code = status.to_string();
        let error = json!({"message": message, "type": error_type, "param": null, "code": code});
        Self::json(status, &json!({ "error": error }))
    }

    /// Plain text.
    #[must_use]
    pub fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain", body.to_owned())
    }

    /// A web page.
    #[must_use]
    pub fn page(status: u16) -> Self {
        let body = "<!doctype html><title>Sorry</title>";
        Self::new(status, "text/html", body.to_owned())
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    fn new(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type,
            body,
        }
    }

    pub(super) fn response(&self) -> GatewayResponse {
        let mut response = Response::new(Full::from(self.body.clone()).boxed());
        *response.status_mut() = self.status;
        let content_type = header::HeaderValue::from_static(self.content_type);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
        response
    }
}

impl Answers {
    /// Replaces the answer for the same requests.
    pub(super) fn set(&self, path: &str, requests: Requests, answer: Answer) {
        let mut all = self.lock();
        all.retain(|(of, these, _)| (of.as_str(), these) != (path, &requests));
        all.push((path.to_owned(), requests, answer));
        all.sort_by_key(|(_, requests, _)| requests.rank());
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn get(&self, request: &GatewayRequest, is_authorized: bool) -> Option<Answer> {
        let path = request.http.uri().path();
        self.lock()
            .iter()
            .find(|(of, requests, _)| of == path && requests.contain(request, is_authorized))
            .map(|(_, _, answer)| answer.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, Requests, Answer)>> {
        sync::lock(&self.0)
    }
}
