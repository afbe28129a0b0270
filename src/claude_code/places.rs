//! The places of Claude Code's settings.
//!
//! Measured with 2.1.329 on Linux; those of macOS and Windows are documented at
//! <https://code.claude.com/docs/en/settings>.

use std::path::{Path, PathBuf};

/// The file of managed settings in the [managed directory](managed_directory).
pub(crate) const MANAGED_FILE: &str = "managed-settings.json";

/// The directory of drop-ins in the [managed directory](managed_directory): `*.json`, of which
/// later names win.
pub(crate) const MANAGED_DROP_INS: &str = "managed-settings.d";

/// The directory of the managed settings.
pub(crate) fn managed_directory() -> PathBuf {
    let directory = if cfg!(windows) {
        r"C:\Program Files\ClaudeCode"
    } else if cfg!(target_os = "macos") {
        "/Library/Application Support/ClaudeCode"
    } else {
        "/etc/claude-code"
    };
    directory.into()
}

/// The user's own settings.
pub(crate) fn user_settings(home: &Path) -> PathBuf {
    home.join(".claude").join("settings.json")
}

/// The settings of a project: those that its repository contains, and then those that it ignores.
/// Later ones win.
pub(crate) fn project_settings(project: &Path) -> [PathBuf; 2] {
    let directory = project.join(".claude");
    [
        directory.join("settings.json"),
        directory.join("settings.local.json"),
    ]
}
