//! Misbehaviour of real gateways, on demand.

use std::{
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::{Mutex, MutexGuard},
    task::{Context, Poll},
};

use http::{HeaderName, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::{Body, Bytes, Frame};

use super::super::{
    response::{self, GatewayResponse},
    routes::GatewayRequest,
};
use crate::{secret::Secret, sync};

/// What a path does instead of its work, regardless of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this status and an error in Anthropic's form.
    Status(StatusCode),
    /// Answers 429 with a `Retry-After` of this many seconds.
    RetryAfter(u32),
    /// Answers with this status and an error that contains the key, as some gateways do. A client
    /// that logs the response leaks the key.
    Echo(StatusCode),
    /// Answers 302 with this `Location`: a proxy's login page.
    Redirect(String),
    /// Answers 200 with an HTML page: a captive portal.
    Html,
    /// Answers with this status and a JSON body that never ends.
    Endless(StatusCode),
    /// Answers with this status and a JSON body that begins and never goes on.
    Unfinished(StatusCode),
    /// Reads the request and never answers.
    Stall,
    /// Works without checking the key, as some gateways do on `/v1/models`.
    Unchecked,
}

/// The faults in force, by path.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<HashMap<String, Fault>>);

impl Faults {
    pub(super) fn set(&self, path: &str, fault: Fault) {
        self.lock().insert(path.to_owned(), fault);
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn get(&self, path: &str) -> Option<Fault> {
        self.lock().get(path).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Fault>> {
        sync::lock(&self.0)
    }
}

impl Fault {
    /// The response to this request; `None` if the fault is not a response: [`Fault::Stall`],
    /// [`Fault::Unchecked`].
    pub(super) fn response(&self, request: &GatewayRequest) -> Option<GatewayResponse> {
        let error = |status, message: &str| response::error(status, message, &request.id);
        Some(match self {
            Self::Status(status) => error(*status, INJECTED),
            Self::RetryAfter(seconds) => with_header(
                error(StatusCode::TOO_MANY_REQUESTS, INJECTED),
                header::RETRY_AFTER,
                &seconds.to_string(),
            ),
            Self::Echo(status) => {
                let key = request.keys.first().map_or("", Secret::expose);
                error(*status, &format!("unknown key {key}"))
            }
            Self::Redirect(location) => {
                let mut response = page("");
                *response.status_mut() = StatusCode::FOUND;
                with_header(response, header::LOCATION, location)
            }
            Self::Html => with_header(
                page("<!doctype html><title>Sign in</title>"),
                header::CONTENT_TYPE,
                "text/html",
            ),
            Self::Endless(status) => json_of(*status, Endless.boxed()),
            Self::Unfinished(status) => json_of(*status, Unfinished(false).boxed()),
            Self::Stall | Self::Unchecked => return None,
        })
    }
}

const INJECTED: &str = "a fault that a test injected";

fn page(text: &'static str) -> GatewayResponse {
    Response::new(Full::from(text).boxed())
}

fn with_header(mut response: GatewayResponse, name: HeaderName, value: &str) -> GatewayResponse {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
    response
}

/// A response that calls itself JSON.
fn json_of(status: StatusCode, body: BoxBody<Bytes, Infallible>) -> GatewayResponse {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    with_header(response, header::CONTENT_TYPE, "application/json")
}

/// An infinite body of spaces: it fills the memory of a client that does not limit responses.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        const CHUNK: &[u8] = &[b' '; 4096];
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(CHUNK)))))
    }
}

/// A body that begins, and never goes on; whether it has begun.
struct Unfinished(bool);

impl Body for Unfinished {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match std::mem::replace(&mut self.0, true) {
            // The end of the connection drops the body; it needs no waker.
            true => Poll::Pending,
            false => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"{"))))),
        }
    }
}
