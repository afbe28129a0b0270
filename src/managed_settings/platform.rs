//! The systems of the machines that the settings are for.

use std::path::Path;

use crate::shell_word::Shell;

/// The system of the machines that the settings are for, which need not be this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    /// Linux, and Linux in WSL.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

impl Platform {
    /// The system of this machine.
    pub(crate) const OF_THIS_MACHINE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::Macos
    } else {
        Self::Linux
    };

    /// The shell that clients run a command by.
    pub(super) const fn shell(self) -> Shell {
        match self {
            Self::Linux | Self::Macos => Shell::Sh,
            Self::Windows => Shell::Cmd,
        }
    }

    /// The program `name` in the directory that packages install it into, or in `own`, this
    /// program's directory, if that is another usual one.
    pub(super) fn installed(self, name: &str, own: Option<&Path>) -> String {
        let directories: &[&str] = match self {
            Self::Linux => &["/usr/bin", "/usr/local/bin"],
            Self::Macos => &["/usr/local/bin", "/opt/homebrew/bin"],
            Self::Windows => return format!(r"C:\Program Files\Claviger\{name}.exe"),
        };
        let own = directories
            .iter()
            .find(|usual| own == Some(Path::new(usual)));
        let [first, ..] = directories else {
            return name.to_owned();
        };
        format!("{}/{name}", own.unwrap_or(first))
    }

    /// Whether `path` is absolute on this system.
    pub(super) fn is_absolute(self, path: &str) -> bool {
        match self {
            Self::Linux | Self::Macos => path.starts_with('/'),
            Self::Windows => {
                let mut chars = path.chars();
                let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
                (drive && chars.as_str().starts_with(r":\")) || path.starts_with(r"\\")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_in_the_usual_directory() {
        let installed =
            |platform: Platform, own: &str| platform.installed("x", Some(Path::new(own)));
        for (platform, own, expected) in [
            (Platform::Linux, "/usr/local/bin", "/usr/local/bin/x"),
            (Platform::Linux, "/usr/bin", "/usr/bin/x"),
            (Platform::Linux, "/home/ana/claviger/target", "/usr/bin/x"),
            (Platform::Macos, "/usr/bin", "/usr/local/bin/x"),
            (Platform::Macos, "/opt/homebrew/bin", "/opt/homebrew/bin/x"),
            (
                Platform::Windows,
                "/usr/local/bin",
                r"C:\Program Files\Claviger\x.exe",
            ),
        ] {
            assert_eq!(installed(platform, own), expected, "{platform:?} {own}");
        }
        assert_eq!(Platform::Linux.installed("x", None), "/usr/bin/x");
    }

    #[test]
    fn each_system_has_its_absolute_paths() {
        for (path, unix, windows) in [
            ("/usr/bin/x", true, false),
            ("~/x", false, false),
            ("x", false, false),
            ("", false, false),
            (r"C:\x", false, true),
            ("C:x", false, false),
            (r"\\server\share\x", false, true),
            (r"\x", false, false),
        ] {
            assert_eq!(Platform::Linux.is_absolute(path), unix, "{path}");
            assert_eq!(Platform::Macos.is_absolute(path), unix, "{path}");
            assert_eq!(Platform::Windows.is_absolute(path), windows, "{path}");
        }
    }
}
