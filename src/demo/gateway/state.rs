//! What all connections share: the keys, the faults, the log.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;

use super::{
    Answer,
    fault::{Fault, Faults},
    keys::{self, Verifier},
    messages,
};
use crate::{
    clock::{Clock as _, SystemClock, Timestamp},
    secret::{Fingerprint, Secret},
    sync,
};

/// As much as the API itself takes: <https://docs.claude.com/en/api/errors#request-size-limits>.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// One request that the gateway saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it was answered, or found to get no answer.
    pub at: Timestamp,
    /// `GET`, `POST`, …
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The key's; `None` for a request without one.
    pub fingerprint: Option<Fingerprint>,
    /// What was answered; `None` for a request that was left to hang.
    pub status: Option<u16>,
}

/// What all connections share.
pub(super) struct State {
    verifier: Arc<dyn Verifier>,
    pub(super) faults: Faults,
    log: Mutex<Vec<Seen>>,
    next_request: AtomicU64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

impl State {
    pub(super) fn new(verifier: Arc<dyn Verifier>) -> Self {
        Self {
            verifier,
            faults: Faults::default(),
            log: Mutex::default(),
            next_request: AtomicU64::new(1),
        }
    }

    pub(super) fn log(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        sync::lock(&self.log)
    }

    /// Answers one request and writes it down.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let request_id = format!(
            "req_{:08}",
            self.next_request.fetch_add(1, Ordering::Relaxed)
        );
        let keys = keys::presented(request.headers());
        let mut seen = Seen {
            at: SystemClock.now().wall,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            fingerprint: keys.first().map(Secret::fingerprint),
            status: None,
        };
        let fault = self.faults.of(&seen.path);
        if fault == Some(Fault::Stall) {
            self.log().push(seen);
            return std::future::pending().await;
        }
        let unchecked = fault == Some(Fault::Unchecked);
        let answer = match fault.and_then(|fault| fault.answer(&keys, &request_id)) {
            Some(answer) => answer,
            None => self.route(request, &keys, unchecked, &request_id).await,
        };
        seen.at = SystemClock.now().wall;
        seen.status = Some(answer.status().as_u16());
        self.log().push(seen);
        answer
    }

    async fn route(
        &self,
        request: Request<Incoming>,
        keys: &[Secret],
        unchecked: bool,
        request_id: &str,
    ) -> Answer {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        // What a client asks to see whether anybody is there; it carries no key.
        if head.method == Method::HEAD && path == "/" {
            return Response::new(Empty::new().boxed());
        }
        // Read before it is refused: a client that is still writing would see a reset and not the 401.
        let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
            return messages::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too large",
                request_id,
            );
        };
        let body = body.to_bytes();
        if !unchecked && !keys::authorized(keys, &*self.verifier) {
            return messages::error(StatusCode::UNAUTHORIZED, "invalid x-api-key", request_id);
        }
        match (head.method.as_str(), path) {
            ("POST", "/v1/messages") => messages::create(&body, request_id),
            ("POST", "/v1/messages/count_tokens") => messages::count_tokens(&body, request_id),
            ("GET", "/v1/models") => messages::models(request_id),
            _ => messages::error(StatusCode::NOT_FOUND, "no such route", request_id),
        }
    }
}
