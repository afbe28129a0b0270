//! Windows.

use std::path::PathBuf;

/// The user's own configuration.
pub(super) fn user(env: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let data = env("APPDATA").filter(|path| path.is_absolute());
    let data = data.or_else(|| Some(std::env::home_dir()?.join("AppData\\Roaming")))?;
    Some(data.join("Claviger\\config.toml"))
}
