//! What a gateway answers a key, reduced to what can be remembered and compared.

use reqwest::{StatusCode, header::CONTENT_TYPE};

use super::{cause, error_text::ErrorText};
use crate::{network::HttpResponse, secret::Secret};

/// The most bytes of a body that are read. Errors are short; a body may be endless.
const MAX_BODY: usize = 16 * 1024;

/// A gateway's answer to a key. It contains nothing of the body's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Body,
    /// `None` if it was not read: it does not matter, is too long, stalls or is not what its
    /// content type says.
    pub(super) error: Option<ErrorText>,
}

/// The kind of a body, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Json,
    /// A web page: that of a captive portal, a proxy, a sign-in. It is for people, so it is never
    /// about a key.
    Page,
    /// Anything else, such as plain text or nothing.
    Other,
}

impl Answer {
    /// Reads `response`, which answers `key`. A body that stalls ends with the time limit of the
    /// whole exchange.
    pub(super) async fn read(response: HttpResponse, key: &Secret) -> Self {
        let status = response.status().as_u16();
        let body = Body::of(&response);
        let error = match needs_error(status, body) {
            true => response.body(MAX_BODY).await.ok(),
            false => None,
        };
        let error = error.and_then(|bytes| match body {
            Body::Json => ErrorText::of_json(&bytes, key),
            _ => Some(ErrorText::of_text(&bytes, key)),
        });
        Self {
            status,
            body,
            error,
        }
    }

    /// Whether it is a success in the API's form. A captive portal answers 200 with a page.
    pub(super) fn is_success(self) -> bool {
        matches!(self.status, 200..300) && self.body == Body::Json
    }

    /// Whether the route is missing. No gateway uses these statuses for a wrong key.
    pub(super) fn lacks_route(self) -> bool {
        matches!(self.status, 404 | 405 | 501)
    }

    /// Whether it names a cause that no other key would mend: a budget, a limit, a guardrail.
    pub(super) fn names_another_cause(self) -> bool {
        let blames_key = self.error.is_some_and(|error| error.blames_key);
        let named = self.error.and_then(|error| error.cause);
        matches!(self.status, 402 | 412 | 446)
            || (!blames_key && self.status != 401 && named.is_some_and(cause::is_of_account))
    }

    /// Whether it depends on load, time or the network rather than on the request.
    pub(super) fn is_temporary(self) -> bool {
        match self.status {
            408 | 425 | 429 => true,
            status => !matches!(status, 400..502),
        }
    }

    /// Whether both are the same answer for the same reason, and about keys: not a page.
    pub(super) fn equals(self, other: Self) -> bool {
        self == other && self.error.is_some() && self.body != Body::Page
    }

    /// Whether both bodies have the same form, so that the same software may have written them.
    pub(super) fn resembles(self, other: Self) -> bool {
        self.body == other.body && self.body != Body::Page
    }

    /// What the gateway blames, in fixed terms.
    pub(super) fn cause(self) -> String {
        let named = self.error.and_then(|error| error.cause);
        cause::of(self.status, named).to_owned()
    }
}

impl Body {
    fn of(response: &HttpResponse) -> Self {
        let content_type = response.header(CONTENT_TYPE).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let is_json = media_type.eq_ignore_ascii_case("application/json")
            // RFC 9457: application/problem+json.
            || media_type.to_ascii_lowercase().ends_with("+json");
        match (is_json, response.is_page()) {
            (true, _) => Self::Json,
            (false, true) => Self::Page,
            (false, false) => Self::Other,
        }
    }
}

/// Whether the text of the error makes a difference.
fn needs_error(status: u16, body: Body) -> bool {
    match StatusCode::from_u16(status) {
        _ if body == Body::Page => false,
        // 401 is about the key, whatever the JSON says.
        Ok(StatusCode::UNAUTHORIZED) => body == Body::Other,
        Ok(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => false,
        Ok(StatusCode::INTERNAL_SERVER_ERROR) => true,
        Ok(status) => status.is_client_error(),
        Err(_) => false,
    }
}
