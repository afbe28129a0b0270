//! From a request to the endpoint that answers it.

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;

#[cfg(any(test, feature = "test-util"))]
use super::responses;
use super::{
    keys, messages,
    response::{self, GatewayResponse},
};
use crate::secret::Secret;

/// The limit of the API itself: <https://docs.claude.com/en/api/errors#request-size-limits>.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// A request, with its number and the keys in its headers.
pub(super) struct GatewayRequest {
    /// `req_NUMBER`; the response repeats it.
    pub(super) id: String,
    /// See [`keys::presented`].
    pub(super) keys: Vec<Secret>,
    pub(super) http: Request<Incoming>,
}

impl GatewayRequest {
    pub(super) fn new(number: u64, http: Request<Incoming>) -> Self {
        Self {
            id: format!("req_{number:08}"),
            keys: keys::presented(http.headers()),
            http,
        }
    }
}

/// Answers a request, with 401 unless it is authorized.
pub(super) async fn answer(request: GatewayRequest, is_authorized: bool) -> GatewayResponse {
    let id = &*request.id;
    let (head, body) = request.http.into_parts();
    let path = head.uri.path();
    // A client sends this without a key, to see whether the gateway is reachable.
    if head.method == Method::HEAD && path == "/" {
        return Response::new(Empty::new().boxed());
    }
    // The body is read before a 401: a client that is still writing would see a reset instead.
    let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
        let message = "the body is too large";
        return response::error(StatusCode::PAYLOAD_TOO_LARGE, message, id);
    };
    let body = body.to_bytes();
    if !is_authorized {
        return response::error(StatusCode::UNAUTHORIZED, "invalid x-api-key", id);
    }
    match (head.method.as_str(), path) {
        ("POST", "/v1/messages") => messages::create(&body, id),
        ("POST", "/v1/messages/count_tokens") => messages::count_tokens(&body, id),
        ("GET", "/v1/models") => messages::models(id),
        #[cfg(any(test, feature = "test-util"))]
        ("POST", "/v1/responses") => responses::create(&body, id),
        _ => response::error(StatusCode::NOT_FOUND, "not found", id),
    }
}

/// Reads the request's body, so that a client that is still writing sees the response, not a reset.
#[cfg(any(test, feature = "test-util"))]
pub(super) async fn discard_body(request: GatewayRequest) {
    // A body that is too large or ends early gets the same response.
    let _ = Limited::new(request.http.into_body(), MAX_BODY_BYTES)
        .collect()
        .await;
}
