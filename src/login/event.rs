//! What a watcher of a login gets.

use url::Url;

use super::LoginError;
use crate::{clock::Tick, source::Login};

/// A step of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoginEvent {
    /// The user cannot sign in as configured.
    Fallback(Fallback),
    /// A browser on this machine must open the page.
    Browser {
        /// The page.
        url: Url,
        /// The port on 127.0.0.1 that it leads back to.
        redirect_port: Option<u16>,
    },
    /// The user must enter a code, on any device.
    Device {
        /// The code.
        user_code: String,
        /// The page on which the user enters it.
        verification_uri: String,
        /// The page that contains the code already.
        verification_uri_complete: Option<String>,
        /// When the code expires.
        expires_at: Tick,
    },
    /// The user has decided; the server is asked for the tokens.
    Exchanging,
    /// The last event.
    Ended(Result<Login, LoginError>),
}

/// What is done if no browser can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// The user signs in on any device.
    Device,
    /// The server refuses that, for this reason: the user opens the page.
    Url(String),
}
