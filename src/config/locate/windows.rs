//! Windows.

use std::path::PathBuf;

/// The user's own configuration.
pub(super) fn user(env: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name| env(name).filter(|path| path.is_absolute());
    let data = absolute("APPDATA").or_else(|| Some(absolute("HOME")?.join("AppData\\Roaming")))?;
    Some(data.join("Claviger\\config.toml"))
}
