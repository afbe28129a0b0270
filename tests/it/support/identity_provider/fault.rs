//! What goes wrong between a client and an identity provider.

use std::time::Duration;

use http::{Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::body::Bytes;

/// The requests that a fault concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Those whose path ends with this, such as `/token` or `/openid-configuration`.
    Path(&'static str),
    /// Token requests with this grant type, such as `refresh_token`.
    Grant(&'static str),
}

/// What the front does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Passes the request on after this time.
    Delay(Duration),
    /// Never answers; the provider does not get the request.
    Hang,
    /// Closes the connection; the provider does not get the request.
    Close,
    /// Passes the request on, and closes the connection in place of the answer.
    LoseAnswer,
    /// Passes the request on, and never sends the answer.
    KeepAnswer,
    /// Passes the request on, and replaces a text in the body and the `Location` of the answer.
    Replace(String, String),
    /// Answers in the provider's place with this status, content type, `Retry-After` and body.
    Answer {
        status: u16,
        content_type: &'static str,
        retry_after: Option<u32>,
        body: String,
    },
}

impl Fault {
    /// An OAuth error (RFC 6749, section 5.2).
    pub(crate) fn oauth(status: u16, error: &str) -> Self {
        let body = format!(r#"{{"error":"{error}","error_description":"the test's own error"}}"#);
        Self::body(status, "application/json", &body)
    }

    /// A web page, as of a load balancer or a captive portal.
    pub(crate) fn html(status: u16) -> Self {
        Self::body(status, "text/html", "<html><h1>Sorry</h1></html>")
    }

    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self::body(status, "application/json", "")
    }

    /// An answer that claims to be JSON.
    pub(crate) fn garbage() -> Self {
        Self::body(200, "application/json", "{\"access_token\": \u{0}\u{fffd}")
    }

    /// An answer with this body.
    pub(crate) fn body(status: u16, content_type: &'static str, body: &str) -> Self {
        Self::Answer {
            status,
            content_type,
            retry_after: None,
            body: body.to_owned(),
        }
    }

    /// The same answer, with a `Retry-After` of this many seconds.
    pub(crate) fn with_retry_after(mut self, seconds: u32) -> Self {
        if let Self::Answer { retry_after, .. } = &mut self {
            *retry_after = Some(seconds);
        }
        self
    }

    /// The answer in the provider's place, if the fault is one.
    pub(super) fn own_answer(&self) -> Option<Response<Full<Bytes>>> {
        let Self::Answer {
            status,
            content_type,
            retry_after,
            body,
        } = self
        else {
            return None;
        };
        let mut response = Response::new(Full::from(body.clone()));
        *response.status_mut() = StatusCode::from_u16(*status).unwrap();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        if let Some(seconds) = retry_after {
            headers.insert("retry-after", (*seconds).into());
        }
        Some(response)
    }
}
