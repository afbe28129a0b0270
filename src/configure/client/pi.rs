//! pi: the built-in provider of Claude's models, at the gateway.
//! <https://github.com/badlogic/pi-mono/blob/main/packages/coding-agent/docs/models.md>

use std::path::PathBuf;

use super::{Directories, Helper, Setting, setting};

/// The key of the helper.
pub(super) const HELPER: &[&str] = &["providers", PROVIDER, "apiKey"];

/// A separate provider would need a list of the gateway's models. This one has those that
/// Claude Code has, and speaks the same API.
const PROVIDER: &str = "anthropic";

pub(super) fn file(directories: &Directories<'_>) -> PathBuf {
    let directory = directories.get("PI_CODING_AGENT_DIR", ".pi/agent");
    directory.join("models.json")
}

pub(super) fn settings(helper: &Helper<'_>) -> Vec<Setting> {
    vec![
        setting(&["providers", PROVIDER, "baseUrl"], helper.gateway),
        // The mark of a command, which pi runs by a shell.
        setting(HELPER, format!("!{}", helper.shell_command())),
    ]
}
