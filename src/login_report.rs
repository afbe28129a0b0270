//! The steps of a login: what `claviger login --json` prints, and what the daemon sends for it, one
//! JSON object for each. The names are a contract.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    status_report::{FailureReport, UserLoginReport},
};

/// A step of a login; `event` is its name. Times are in whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum LoginReport {
    /// Another login is under way, which must end first.
    Queued {
        /// The name of its source.
        source: String,
    },
    /// The login is under way.
    Started {
        /// The name of the profile.
        profile: String,
        /// The name of the source that the user signs in to.
        source: String,
        /// Host and port of its server.
        host: String,
        /// Whether another command had started it.
        joined: bool,
    },
    /// The user cannot sign in as configured.
    Fallback {
        /// How the user signs in: `device`, or `url` if the server lacks that.
        to: String,
        /// Why not with `device`.
        reason: Option<String>,
    },
    /// The user must open this page in a browser on this machine.
    Browser {
        /// The page.
        url: String,
        /// The port on 127.0.0.1 that the page leads back to.
        redirect_port: Option<u16>,
    },
    /// The user must enter a code, on any device.
    Device {
        /// The code.
        user_code: String,
        /// The page on which to enter it.
        verification_uri: String,
        /// The page that contains the code already.
        verification_uri_complete: Option<String>,
        /// When the code expires.
        expires_at: Timestamp,
    },
    /// The user has decided; the server is asked for the tokens.
    Exchanging,
    /// The login is in force. The last event, unless the key is missing.
    SignedIn {
        /// The name of the profile.
        profile: String,
        /// The name of the source that the user is signed in to.
        source: String,
        /// The URL of the profile's gateway, if one is configured.
        gateway: Option<String>,
        /// Whether it was in force before, so that the user was asked nothing.
        already: bool,
        /// The user, and the end of the login.
        login: UserLoginReport,
        /// What the clients of the profile get; `None` if the source issues none.
        key: Option<KeyReport>,
    },
    /// The command fails. The last event; the daemon sends it as the failure that ends its answer.
    Failed(FailureReport),
    /// A step of a newer daemon.
    #[serde(other)]
    Unknown,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyReport {
    /// The first 12 hex digits of its SHA-256.
    pub(crate) fingerprint: String,
    /// When it expires.
    pub(crate) expires_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_of_a_newer_daemon_is_unknown_and_a_known_one_keeps_its_names() {
        let event: LoginReport =
            serde_json::from_value(json!({"event": "of-a-later-version", "x": 1})).unwrap();
        assert_eq!(event, LoginReport::Unknown);
        let device = json!({
            "event": "device", "user_code": "A-B", "verification_uri": "https://idp.test/d",
            "verification_uri_complete": null, "expires_at": "2026-11-21T08:00:00Z",
        });
        let event: LoginReport = serde_json::from_value(device.clone()).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap(), device);
        let failed = LoginReport::Failed(FailureReport {
            code: 3,
            message: "a".to_owned(),
            hint: None,
        });
        let expected = json!({"event": "failed", "code": 3, "message": "a", "hint": null});
        assert_eq!(serde_json::to_value(&failed).unwrap(), expected);
    }
}
