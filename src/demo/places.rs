//! The directory of a running demo, and what is in it.

use std::{
    env, fs, io, iter,
    path::{Path, PathBuf},
};

use super::error::DemoError;
use crate::trust::{PrivateDirectory, TrustError};

/// The longest path of a socket in bytes that every Unix accepts.
const MAX_SOCKET_LEN: usize = 103;

/// The number of random characters in the directory's name.
const RANDOM_CHARS: usize = 10;

/// The variable that names the directory for temporary files.
const TEMP_VARIABLE: &str = if cfg!(windows) { "TEMP" } else { "TMPDIR" };

/// The paths of one demo. The demo chooses them; its daemon makes them, and removes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DemoPlaces {
    directory: PathBuf,
}

/// The directory, which is removed with everything in it when this is dropped.
#[derive(Debug)]
pub(crate) struct DemoDirectory(PathBuf);

impl DemoPlaces {
    /// The paths below `directory`.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Paths below a directory for temporary files that does not exist yet.
    ///
    /// # Errors
    ///
    /// The working directory's, if the variable contains a relative path.
    pub(super) fn random() -> io::Result<Self> {
        // The name is short, because the length of a socket's path is limited.
        let random: String = iter::repeat_with(fastrand::alphanumeric)
            .take(RANDOM_CHARS)
            .collect();
        let directory = env::temp_dir().join(format!("claviger-demo-{random}"));
        Ok(Self::new(std::path::absolute(directory)?))
    }

    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The socket, or the pipe's name, of the daemon.
    pub(crate) fn socket(&self) -> PathBuf {
        if cfg!(windows) {
            let name = self.directory.file_name().unwrap_or_default();
            PathBuf::from(r"\\.\pipe").join(name)
        } else {
            self.directory.join("run/agent.sock")
        }
    }

    /// The file with the issuer's signing key.
    pub(super) fn signing_key(&self) -> PathBuf {
        self.directory.join("signing.pem")
    }

    /// The daemon's log.
    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("daemon.log")
    }

    /// Makes the directory, with mode 0700. It must not exist: what is removed at the end is what
    /// was made here. No other user may be able to replace it.
    ///
    /// # Errors
    ///
    /// An error whose hint names the variable for temporary files.
    pub(crate) fn create(&self) -> Result<DemoDirectory, DemoError> {
        let hint = format!("set {TEMP_VARIABLE} to a directory of your own with a short path");
        let failed = |problem: String| DemoError::machine(problem, hint.clone());
        let path = &self.directory;
        let len = self.socket().as_os_str().len();
        if cfg!(unix) && len > MAX_SOCKET_LEN {
            let problem = format!(
                "the path of a socket in '{}' has {len} bytes, more than the limit of \
                 {MAX_SOCKET_LEN}",
                path.display()
            );
            return Err(failed(problem));
        }
        let cannot = |error: io::Error| {
            let problem = format!("cannot create the directory '{}': {error}", path.display());
            failed(problem)
        };
        #[cfg_attr(windows, expect(unused_mut, reason = "only Unix has modes"))]
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(cannot)?;
        let directory = DemoDirectory(path.clone());
        match PrivateDirectory::open_or_create(path) {
            Ok(_) => Ok(directory),
            Err(TrustError::Violation(violation)) => Err(failed(violation.to_string())),
            Err(TrustError::Io(error)) => Err(cannot(error)),
        }
    }
}

impl Drop for DemoDirectory {
    fn drop(&mut self) {
        // If it fails, the demo tries it again when the daemon has ended.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn refused(places: &DemoPlaces) -> (String, String) {
        match places.create() {
            Err(DemoError::Step { problem, hint }) => (problem, hint),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_directory_that_was_made_here_is_removed() {
        let above = tempfile::tempdir().unwrap();
        let places = DemoPlaces::new(above.path().join("demo"));
        let directory = places.create().unwrap();
        let made = fs::metadata(places.directory()).unwrap();
        assert_eq!(made.permissions().mode() & 0o7777, 0o700);
        fs::write(places.signing_key(), "key").unwrap();

        let (problem, _) = refused(&places);
        assert!(problem.contains("exists"), "{problem}");
        assert!(places.signing_key().exists());
        drop(directory);
        assert!(!places.directory().exists());
        assert!(above.path().exists());
    }

    #[test]
    fn an_unusable_place_is_named_and_nothing_is_left() {
        let above = tempfile::tempdir().unwrap();
        let shared = above.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
        let long = above.path().join("x".repeat(90));
        let missing = above.path().join("missing");
        for (parent, part) in [
            (&shared, "is writable by others"),
            (&long, "limit of 103"),
            (&missing, "No such file"),
        ] {
            let (problem, hint) = refused(&DemoPlaces::new(parent.join("demo")));
            assert!(problem.contains(part), "{problem}");
            assert!(hint.contains("TMPDIR"), "{hint}");
            assert!(!parent.join("demo").exists());
        }
    }
}
