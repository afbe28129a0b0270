//! `[daemon]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::field::IdleTimeout;

/// How the daemon itself behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "Daemon")]
#[serde(deny_unknown_fields)]
pub(crate) struct DaemonConfig {
    /// Exit after this long without a request: a duration, or "off" (the default).
    #[serde(default)]
    pub(crate) exit_when_idle: IdleTimeout,
}
