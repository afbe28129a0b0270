//! The shim, as a client's settings name it.

use std::path::Path;

use super::platform::Platform;

/// The shim.
const NAME: &str = "claviger-helper";

/// The link to the shim for Claude Desktop, which passes no arguments.
const DESKTOP_NAME: &str = "claviger-helper-desktop";

/// The shim on the machines that the settings are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Helper {
    platform: Platform,
    path: String,
}

/// A path that cannot be the shim's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HelperPathError {
    /// It depends on the client's directory, or is one of another system.
    #[error("expected an absolute path of the machines that the settings are for")]
    Relative,
    /// `cmd` replaces a percent sign and ends a word at a quotation mark, quoted or not.
    #[error("contains a character that a client's shell cannot be given")]
    Unquotable,
}

impl Helper {
    /// The shim in the directory that packages install it into; `own` is this program's directory.
    #[must_use]
    pub(crate) fn installed(platform: Platform, own: Option<&Path>) -> Self {
        Self {
            platform,
            path: platform.installed(NAME, own),
        }
    }

    /// The link to the shim for Claude Desktop in that directory.
    #[must_use]
    pub(crate) fn installed_for_desktop(platform: Platform, own: Option<&Path>) -> Self {
        Self {
            platform,
            path: platform.installed(DESKTOP_NAME, own),
        }
    }

    /// The shim at `path`.
    ///
    /// # Errors
    ///
    /// [`HelperPathError`].
    pub(crate) fn at(platform: Platform, path: &str) -> Result<Self, HelperPathError> {
        if !platform.is_absolute(path) {
            return Err(HelperPathError::Relative);
        }
        let special: &[char] = match platform {
            Platform::Linux | Platform::Macos => &[],
            Platform::Windows => &['"', '%'],
        };
        if path.contains(|c: char| c.is_control() || special.contains(&c)) {
            return Err(HelperPathError::Unquotable);
        }
        Ok(Self {
            platform,
            path: path.to_owned(),
        })
    }

    /// Its path.
    #[must_use]
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The command line that a client's shell runs.
    ///
    /// On Unix the shim replaces the shell, which saves a process and makes the client its parent.
    #[must_use]
    pub(crate) fn command(&self, args: &[&str]) -> String {
        let exec = match self.platform {
            Platform::Linux | Platform::Macos => Some("exec".to_owned()),
            Platform::Windows => None,
        };
        let words = [self.path.as_str()].into_iter().chain(args.iter().copied());
        let words = words.map(|word| self.platform.shell().word(word));
        exec.into_iter().chain(words).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_what_the_systems_shell_runs() {
        for (platform, path, args, expected) in [
            (
                Platform::Linux,
                "/usr/bin/claviger-helper",
                &[][..],
                "exec /usr/bin/claviger-helper",
            ),
            (
                Platform::Macos,
                "/Applications/My Tools/claviger-helper",
                &["--profile", "eu"],
                "exec '/Applications/My Tools/claviger-helper' --profile eu",
            ),
            (
                Platform::Windows,
                r"C:\Program Files\Claviger\claviger-helper.exe",
                &["--profile", "eu"],
                r#""C:\Program Files\Claviger\claviger-helper.exe" --profile eu"#,
            ),
            (
                Platform::Windows,
                r"C:\Claviger\claviger-helper.exe",
                &[],
                r"C:\Claviger\claviger-helper.exe",
            ),
        ] {
            let helper = Helper::at(platform, path).unwrap();
            assert_eq!(helper.command(args), expected);
        }
    }

    #[test]
    fn a_path_that_would_not_run_is_refused() {
        for (platform, path, expected) in [
            (
                Platform::Linux,
                "claviger-helper",
                HelperPathError::Relative,
            ),
            (Platform::Linux, r"C:\x.exe", HelperPathError::Relative),
            (Platform::Linux, "/a\nb", HelperPathError::Unquotable),
            (Platform::Windows, "/usr/bin/x", HelperPathError::Relative),
            (Platform::Windows, r"C:\%A%\x", HelperPathError::Unquotable),
            (Platform::Windows, "C:\\\"x", HelperPathError::Unquotable),
        ] {
            assert_eq!(Helper::at(platform, path), Err(expected), "{path:?}");
        }
    }

    #[test]
    fn claude_desktop_has_a_link_of_its_own() {
        for (platform, expected) in [
            (Platform::Linux, "/usr/bin/claviger-helper-desktop"),
            (Platform::Macos, "/usr/local/bin/claviger-helper-desktop"),
            (
                Platform::Windows,
                r"C:\Program Files\Claviger\claviger-helper-desktop.exe",
            ),
        ] {
            let helper = Helper::installed_for_desktop(platform, None);
            assert_eq!(helper.path(), expected);
        }
    }
}
