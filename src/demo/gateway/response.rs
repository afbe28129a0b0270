//! Responses in the form of Anthropic's API: JSON with a `request-id`.

use std::convert::Infallible;

use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::Bytes;
use serde_json::{Value, json};

/// What the gateway sends back.
pub(super) type GatewayResponse = Response<BoxBody<Bytes, Infallible>>;

/// A JSON response.
pub(super) fn json(status: StatusCode, body: &Value, request_id: &str) -> GatewayResponse {
    with_type("application/json", status, body.to_string(), request_id)
}

/// A stream of server-sent events, sent in one piece.
pub(super) fn event_stream(events: String, request_id: &str) -> GatewayResponse {
    let content_type = "text/event-stream; charset=utf-8";
    with_type(content_type, StatusCode::OK, events, request_id)
}

/// An error: <https://docs.claude.com/en/api/errors#error-shapes>.
pub(super) fn error(status: StatusCode, message: &str, request_id: &str) -> GatewayResponse {
    let error_type = match status.as_u16() {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    let body = json!({
        "type": "error",
        "error": { "type": error_type, "message": message },
        "request_id": request_id,
    });
    json(status, &body, request_id)
}

fn with_type(
    content_type: &str,
    status: StatusCode,
    body: String,
    request_id: &str,
) -> GatewayResponse {
    let mut response = Response::new(Full::from(body).boxed());
    *response.status_mut() = status;
    for (name, value) in [("content-type", content_type), ("request-id", request_id)] {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
