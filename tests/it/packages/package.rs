//! The packages under test, and how each kind is installed and removed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::root::{PACKAGES, Root};
use crate::support::{namespace::User, test_env::ProgramOutput};

/// The version of the packages in `later/`, which `tests/run` gives to packaging/build.
pub(super) const LATER: &str = "99.0.0";

/// The directory of the packages, in the variable `CLAVIGER_TEST_PACKAGES` or else
/// `target/packages`.
///
/// # Panics
///
/// Panics if it does not exist.
pub(super) fn directory() -> PathBuf {
    let directory = std::env::var_os("CLAVIGER_TEST_PACKAGES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/packages"),
        PathBuf::from,
    );
    assert!(
        directory.join("SHA256SUMS").exists(),
        "no packages in {}: run tests/run packages, which builds them",
        directory.display()
    );
    directory
}

/// The only file in `directory` whose name is `start`, a version, and a rest that ends with `end`.
///
/// # Panics
///
/// Panics if there is none or another.
pub(super) fn find(directory: &Path, start: &str, end: &str) -> PathBuf {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<_> = names
        .filter(|name| {
            let rest = name.strip_prefix(start).unwrap_or_default();
            rest.starts_with(|c: char| c.is_ascii_digit()) && rest.ends_with(end)
        })
        .collect();
    assert_eq!(
        found.len(),
        1,
        "{start}*{end} in {}: {found:?}",
        directory.display()
    );
    directory.join(found.remove(0))
}

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Deb,
    Rpm,
}

/// A version of the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// The one of this source tree.
    Own,
    /// [`LATER`].
    Later,
}

impl Format {
    /// The package's file.
    pub(super) fn file(self, version: Version) -> PathBuf {
        let directory = match version {
            Version::Own => directory(),
            Version::Later => directory().join("later"),
        };
        match self {
            Self::Deb => find(&directory, "claviger_", ".deb"),
            Self::Rpm => find(&directory, "claviger-", ".rpm"),
        }
    }

    /// Installs this version, whichever was there.
    pub(super) fn install(self, root: &Root, version: Version) -> ProgramOutput {
        self.install_file(root, &self.file(version))
    }

    /// Installs the company's package.
    pub(super) fn install_company(self, root: &Root) -> ProgramOutput {
        let (start, end) = match self {
            Self::Deb => ("claviger-config_", ".deb"),
            Self::Rpm => ("claviger-config-", ".rpm"),
        };
        self.install_file(root, &find(&directory(), start, end))
    }

    fn install_file(self, root: &Root, file: &Path) -> ProgramOutput {
        let inside = file.strip_prefix(directory()).unwrap();
        let inside = format!("{PACKAGES}/{}", inside.display());
        self.command(
            root,
            &["--install", &inside],
            &["-U", "--oldpackage", "--nodeps"],
            &inside,
        )
    }

    /// Removes the package.
    pub(super) fn remove(self, root: &Root) -> ProgramOutput {
        self.command(root, &["--remove", "claviger"], &["-e"], "claviger")
    }

    /// Removes what the manager has kept of a removed package.
    pub(super) fn purge(self, root: &Root) {
        if self == Self::Deb {
            let output = root.run(User::Root, "/usr/bin/dpkg", &["--purge", "claviger"]);
            assert_eq!(output.code, Some(0), "{output:?}");
        }
    }

    /// The root's own dpkg, or this machine's rpm, which the Debian in the root lacks. rpm's
    /// database is empty: nothing provides what the package requires, hence `--nodeps`; another
    /// test compares it with what the programs need.
    fn command(self, root: &Root, dpkg: &[&str], rpm: &[&str], subject: &str) -> ProgramOutput {
        let mut command: Command = match self {
            Self::Deb => root.command(User::Root, "/usr/bin/dpkg", dpkg),
            Self::Rpm => {
                let mut command = root.outer("/usr/bin/rpm", &["--root", "/mnt/root"]);
                let subject = match subject.strip_prefix(PACKAGES) {
                    Some(file) => format!("/mnt/root{PACKAGES}{file}"),
                    None => subject.to_owned(),
                };
                command.args(rpm).arg(subject);
                command
            }
        };
        let output = ProgramOutput::from(command.output().unwrap());
        assert_eq!(output.code, Some(0), "{output:?}");
        output
    }
}
