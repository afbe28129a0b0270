//! Codex: a model provider whose `auth` is a command.
//! <https://developers.openai.com/codex/config-reference>

use std::path::PathBuf;

use super::{Directories, Helper, Setting, setting};

/// The key of the helper.
pub(super) const HELPER: &[&str] = &["model_providers", PROVIDER, "auth", "command"];

/// The provider's own name.
const PROVIDER: &str = "claviger";

/// After this time Codex ends the command and starts it again. Its own default; the shim answers
/// before.
const TIMEOUT_MS: u64 = 5_000;

/// How long it uses a key. Its own default, and that of `--client codex`.
const REFRESH_INTERVAL_MS: u64 = 300_000;

pub(super) fn file(directories: &Directories<'_>) -> PathBuf {
    directories.get("CODEX_HOME", ".codex").join("config.toml")
}

pub(super) fn settings(helper: &Helper<'_>) -> Vec<Setting> {
    let of_provider = |key| ["model_providers", PROVIDER, key];
    let auth = |key| ["model_providers", PROVIDER, "auth", key];
    vec![
        setting(&["model_provider"], PROVIDER),
        setting(&of_provider("name"), "LLM gateway"),
        setting(&of_provider("base_url"), helper.openai_url()),
        setting(&of_provider("wire_api"), "responses"),
        setting(HELPER, helper.program),
        setting(&auth("args"), helper.args()),
        setting(&auth("timeout_ms"), TIMEOUT_MS),
        setting(&auth("refresh_interval_ms"), REFRESH_INTERVAL_MS),
    ]
}
