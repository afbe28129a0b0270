//! The requests that the gateway received. It contains fingerprints, not keys.

use std::sync::Mutex;

use http::StatusCode;

use super::super::routes::GatewayRequest;
use crate::{
    clock::{Clock as _, SystemClock, Timestamp},
    secret::{Fingerprint, Secret},
    sync,
};

/// One request that the gateway received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// When it was answered; for a request that stays unanswered, when it arrived.
    pub at: Timestamp,
    /// `GET`, `POST`, …
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The fingerprint of the key; `None` for a request without a key.
    pub fingerprint: Option<Fingerprint>,
    /// The response's status; `None` for a request that stays unanswered.
    pub status: Option<u16>,
}

/// All requests, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Vec<LoggedRequest>>);

impl LoggedRequest {
    /// An entry for a request that is not answered yet.
    pub(super) fn new(request: &GatewayRequest) -> Self {
        Self {
            at: SystemClock.now().wall,
            method: request.http.method().to_string(),
            path: request.http.uri().path().to_owned(),
            fingerprint: request.keys.first().map(Secret::fingerprint),
            status: None,
        }
    }

    /// The entry once the request is answered.
    pub(super) fn answered(self, status: StatusCode) -> Self {
        Self {
            at: SystemClock.now().wall,
            status: Some(status.as_u16()),
            ..self
        }
    }
}

impl Log {
    pub(super) fn push(&self, entry: LoggedRequest) {
        sync::lock(&self.0).push(entry);
    }

    pub(super) fn requests(&self) -> Vec<LoggedRequest> {
        sync::lock(&self.0).clone()
    }

    /// How many requests to `path` were answered with `status`.
    pub(super) fn count(&self, path: &str, status: u16) -> usize {
        sync::lock(&self.0)
            .iter()
            .filter(|entry| entry.path == path && entry.status == Some(status))
            .count()
    }
}
