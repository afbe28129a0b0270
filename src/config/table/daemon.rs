//! `[daemon]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::field::IdleTimeout;
use crate::logging::Format;

/// How the daemon itself behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "Daemon")]
#[serde(deny_unknown_fields)]
pub(crate) struct DaemonConfig {
    /// Exit after this long without a request: a duration, or "off" (the default).
    #[serde(default)]
    pub(crate) exit_when_idle: IdleTimeout,
    /// Drop a key from memory that no client has asked for during this time, and the logins when no
    /// key is left: a duration, or "off" (the default). The next request obtains it again.
    #[serde(default)]
    pub(crate) drop_keys_after: IdleTimeout,
    /// Whether a notification on the desktop tells you once that a login has ended: "auto" (the
    /// default) if a desktop is running, "on" also if its program must be started for it, or "off".
    #[serde(default)]
    pub(crate) notifications: Notifications,
    /// The format of the daemon's log from its next start: "text" (the default), or "json", one
    /// object in each line.
    #[serde(default)]
    pub(crate) log_format: Format,
}

/// When the daemon shows a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Notifications {
    /// If a desktop is running, so not on a server.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}
