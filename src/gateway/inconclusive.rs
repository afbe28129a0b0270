//! Why a probe proves nothing about a key.

use crate::network::{SetupError, TransportError};

/// Why a probe proves nothing about a key. None of it is the key's fault, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Inconclusive {
    /// The probe could not be sent: a file that the configuration names, for example.
    #[error("{0}")]
    NotSent(SetupError),
    /// No response arrived.
    #[error("the gateway {0}")]
    NoResponse(TransportError),
    /// The gateway accepts a wrong key as well.
    #[error("the gateway accepts any key on the probed route")]
    AcceptsAnyKey,
    /// The gateway has not answered a probe with a wrong key yet.
    #[error("the gateway has not rejected a wrong key yet")]
    Uncalibrated,
    /// The status of a rejection, on a route that has confirmed neither this key nor one of its
    /// form.
    #[error("status {status} on a route that has not accepted such a key yet")]
    Unproven {
        /// The status.
        status: u16,
    },
    /// 403 for a key that was accepted before, while a wrong key gets another answer.
    #[error("the key is not allowed on the probed route any more (403)")]
    NotAllowed,
    /// The gateway lacks the route.
    #[error("the gateway lacks the probed route ({status})")]
    NoRoute {
        /// 404, 405 or 501.
        status: u16,
    },
    /// The response is not JSON.
    #[error("{}", not_json(*.status, *.is_page))]
    NotJson {
        /// The status.
        status: u16,
        /// Whether it is a page for people.
        is_page: bool,
    },
    /// The gateway refuses the request for a reason other than the key.
    #[error("{cause} ({status})")]
    NotTheKey {
        /// 402, 412, 429, 446, 5xx, 400, …
        status: u16,
        /// What the status stands for: "too many requests".
        cause: String,
    },
}

fn not_json(status: u16, is_page: bool) -> String {
    match is_page {
        true => format!("web page instead of JSON (status {status}; captive portal?)"),
        false => format!("response is not JSON (status {status})"),
    }
}
