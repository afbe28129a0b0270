//! The format of the log's lines.

use schemars::JsonSchema;
use serde::Deserialize;

/// The format of each line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// The time, the level, the message and its fields.
    #[default]
    Text,
    /// One JSON object.
    Json,
}
