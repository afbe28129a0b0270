//! Linux, other Unixes and macOS.

use std::path::PathBuf;

/// The user's own configuration. On Linux it follows the XDG Base Directory Specification, which
/// ignores a relative path in `XDG_CONFIG_HOME`.
pub(super) fn user(env: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let home = || env("HOME").filter(|home| home.is_absolute());
    if cfg!(target_os = "macos") {
        return Some(home()?.join("Library/Application Support/Claviger/config.toml"));
    }
    let config = env("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let config = config.or_else(|| Some(home()?.join(".config")))?;
    Some(config.join("claviger/config.toml"))
}

#[cfg(all(test, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn xdg_config_home_is_used_if_absolute() {
        let user = |set: &[(&str, &str)]| {
            user(|name| {
                set.iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| PathBuf::from(value))
            })
        };
        let expected = |path: &str| Some(PathBuf::from(path));
        assert_eq!(
            user(&[("HOME", "/home/ana")]),
            expected("/home/ana/.config/claviger/config.toml")
        );
        assert_eq!(
            user(&[("HOME", "/home/ana"), ("XDG_CONFIG_HOME", "/x")]),
            expected("/x/claviger/config.toml")
        );
        assert_eq!(
            user(&[("HOME", "/home/ana"), ("XDG_CONFIG_HOME", "x")]),
            expected("/home/ana/.config/claviger/config.toml")
        );
    }
}
