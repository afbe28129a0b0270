//! `[source.NAME]` with `type = "exec"`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::field::{CommandLine, Timeout, Ttl};

/// What a program prints.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecConfig {
    /// The program (an absolute path) and its arguments; no shell. {user}, {host} and {env:NAME}
    /// are replaced.
    pub(crate) command: CommandLine,
    /// How long the program may take: a duration, "5s" by default.
    #[serde(default)]
    pub(crate) timeout: Timeout,
    /// How long a key that is printed bare is valid: a duration; without end by default. JSON
    /// output states its own expiry.
    pub(crate) ttl: Option<Ttl>,
}
