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
    /// are replaced. It prints a key, or an object with 'token' and 'expires_at' or in another
    /// common form, and exits with 0, or with 3 if a person must log in.
    pub(crate) command: CommandLine,
    /// How long the program may take: a duration, "5s" by default.
    #[serde(default)]
    pub(crate) timeout: Timeout,
    /// How long a key is valid that the program prints without an expiry: a duration; without end
    /// by default.
    pub(crate) ttl: Option<Ttl>,
}
