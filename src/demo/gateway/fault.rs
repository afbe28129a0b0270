//! What a real gateway does on a bad day, on request.

use std::{
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll},
};

use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Frame};

use super::{Answer, messages};
use crate::{secret::Secret, sync};

/// What a route does instead of its work, whatever the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this status and an error in Anthropic's form.
    Status(StatusCode),
    /// Answers 429 and says for how many seconds to stay away.
    RetryAfter(u32),
    /// Answers with this status and an error that repeats the key, as a gateway's 401 may. Whoever logs it leaks it.
    Echo(StatusCode),
    /// Answers 302 and this `Location`: a login page, as a proxy in front of a gateway has it.
    Redirect(String),
    /// Answers 200 with an HTML page: the captive portal.
    Html,
    /// Answers 200 with a body that never ends.
    Endless,
    /// Takes the request and never answers.
    Stall,
    /// Does its work without a look at the key, as some gateways do on `/v1/models`.
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

    pub(super) fn of(&self, path: &str) -> Option<Fault> {
        self.lock().get(path).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Fault>> {
        sync::lock(&self.0)
    }
}

impl Fault {
    /// The answer; `None` where the route goes on (unchecked) or nothing is ever said (stall).
    pub(super) fn answer(&self, keys: &[Secret], request_id: &str) -> Option<Answer> {
        let with = |status, header: Option<(_, &str)>, body: Option<&'static str>| {
            let mut answer = match body {
                Some(body) => Response::new(Full::from(body).boxed()),
                None => messages::error(status, "a fault that a test asked for", request_id),
            };
            *answer.status_mut() = status;
            if let Some((name, value)) = header
                && let Ok(value) = value.parse()
            {
                answer.headers_mut().insert(name, value);
            }
            answer
        };
        match self {
            Self::Status(status) => Some(with(*status, None, None)),
            Self::Echo(status) => {
                let key = keys.first().map_or("", Secret::expose);
                let message = format!("the key {key} is not known here");
                Some(messages::error(*status, &message, request_id))
            }
            Self::RetryAfter(seconds) => {
                let after = Some((header::RETRY_AFTER, &*seconds.to_string()));
                Some(with(StatusCode::TOO_MANY_REQUESTS, after, None))
            }
            Self::Redirect(to) => Some(with(
                StatusCode::FOUND,
                Some((header::LOCATION, to)),
                Some(""),
            )),
            Self::Html => {
                let html = Some((header::CONTENT_TYPE, "text/html"));
                Some(with(
                    StatusCode::OK,
                    html,
                    Some("<!doctype html><title>Sign in</title>"),
                ))
            }
            Self::Endless => Some(Response::new(Endless.boxed())),
            Self::Stall | Self::Unchecked => None,
        }
    }
}

/// Spaces without end: what a client without a limit on answers fills its memory with.
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
