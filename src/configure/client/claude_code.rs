//! Claude Code: `apiKeyHelper`, and the gateway's URL in `env`.
//! <https://code.claude.com/docs/en/settings>

use std::path::PathBuf;

use super::{Directories, Helper, Setting, setting};
use crate::claude_code::{places, variables};

/// The key of the helper.
pub(super) const HELPER: &[&str] = &["apiKeyHelper"];

pub(super) fn file(directories: &Directories<'_>) -> PathBuf {
    let named = (directories.variable)("CLAUDE_CONFIG_DIR").filter(|value| !value.is_empty());
    match named {
        Some(directory) => PathBuf::from(directory).join("settings.json"),
        None => places::user_settings(directories.home),
    }
}

pub(super) fn settings(helper: &Helper<'_>) -> Vec<Setting> {
    vec![
        setting(HELPER, helper.shell_command()),
        setting(&["env", variables::BASE_URL], helper.gateway),
    ]
}
