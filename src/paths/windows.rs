//! The user's directories on Windows, from the system.

use std::ffi::OsString;

use crate::process;

/// Returns the variables that name them, with their values at the user's login. This process's own
/// may come from a repository that a client works in.
pub(super) fn directories() -> Vec<(&'static str, OsString)> {
    let login = process::login_environment().unwrap_or_default();
    let known = |(name, value): (OsString, OsString)| {
        let mut names = ["APPDATA", "LOCALAPPDATA"].into_iter();
        let name = names.find(|known| name.eq_ignore_ascii_case(known))?;
        Some((name, value))
    };
    login.into_iter().filter_map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_names_both_directories() {
        let mut names: Vec<_> = directories().into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["APPDATA", "LOCALAPPDATA"]);
    }
}
