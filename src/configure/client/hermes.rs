//! Hermes: a custom provider with a `key_cmd`.
//! <https://hermes-agent.nousresearch.com/docs/integrations/providers>

use std::path::PathBuf;

use super::{Directories, Helper, Setting, setting};

/// The key of the helper.
pub(super) const HELPER: &[&str] = &["providers", PROVIDER, "key_cmd"];

/// The provider's own name; its models are selected by `custom:claviger`.
const PROVIDER: &str = "claviger";

pub(super) fn file(directories: &Directories<'_>) -> PathBuf {
    directories
        .get("HERMES_HOME", ".hermes")
        .join("config.yaml")
}

pub(super) fn settings(helper: &Helper<'_>) -> Vec<Setting> {
    let of_provider = |key| ["providers", PROVIDER, key];
    vec![
        setting(&of_provider("api"), helper.openai_url()),
        setting(&of_provider("transport"), "chat_completions"),
        setting(HELPER, helper.command_line()),
    ]
}
