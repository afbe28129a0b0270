//! Reading the files that a configuration names: public ones, and those with a secret.

use std::{io, path::Path};

use zeroize::Zeroizing;

use crate::trust::{ReadError, RegularFile, Rule, Ruling, TrustError, Violation};

/// The largest public file, in bytes: a bundle of all public CAs has a quarter of a million.
const MAX_PUBLIC: u64 = 4 * 1024 * 1024;

/// The largest private key, in bytes: an RSA key has a few thousand.
const MAX_PRIVATE: u64 = 64 * 1024;

/// A file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileError {
    /// The problem, with the file.
    pub(crate) reason: String,
    /// The one thing to do now.
    pub(crate) hint: String,
}

/// Reads a file that every user may read, such as a certificate.
///
/// # Errors
///
/// [`FileError`] if it is missing, not a regular file or too large.
pub(crate) fn read_public(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let failed = |error| unreadable(path, error);
    let file = RegularFile::open(path).map_err(failed)?;
    file.read(MAX_PUBLIC).map_err(failed)
}

/// Reads a file that contains a secret.
///
/// # Errors
///
/// As [`read_public`]; also if it belongs to another user or is writable by others.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let file = open_private(path)?;
    if let Ok(Ruling::ReadableByOthers { mode }) = file.judge(&Rule::secret_file()) {
        tracing::warn!(
            event = "secret-readable",
            file = %path.display(),
            mode = format!("{mode:04o}"),
            "others can read this secret file",
        );
    }
    file.read(MAX_PRIVATE)
        .map_err(|error| unreadable(path, error))
}

/// What the rule on secret files says about `path`.
///
/// # Errors
///
/// As [`read_private`].
pub(crate) fn ruling(path: &Path) -> Result<Ruling, FileError> {
    open_private(path)?
        .judge(&Rule::secret_file())
        .map_err(|violation| of_violation(path, violation))
}

/// Opens a file with a secret. A user who can replace it, or a directory above it, could choose
/// which secret is sent.
fn open_private(path: &Path) -> Result<RegularFile, FileError> {
    // For its error alone: the walk does not tell a directory from a missing file.
    RegularFile::open(path).map_err(|error| unreadable(path, error))?;
    RegularFile::open_judged(path, &Rule::secret_file()).map_err(|error| match error {
        TrustError::Violation(violation) => of_violation(path, violation),
        TrustError::Io(error) => unreadable(path, ReadError::Io(error)),
    })
}

fn of_violation(path: &Path, violation: Violation) -> FileError {
    let reason = match violation.path == path {
        true => format!("the secret file {violation}"),
        false => format!(
            "the secret file '{}' can be replaced by others: {violation}",
            path.display()
        ),
    };
    FileError {
        reason,
        hint: violation.hint,
    }
}

fn unreadable(path: &Path, error: ReadError) -> FileError {
    let (what, hint) = match error {
        ReadError::Io(error) => match error.kind() {
            io::ErrorKind::NotFound => (
                "does not exist".to_owned(),
                "create it, or correct its path",
            ),
            io::ErrorKind::PermissionDenied => (
                "cannot be read: permission denied".to_owned(),
                "make this user its owner",
            ),
            kind => (format!("cannot be read ({kind})"), "check the file"),
        },
        ReadError::NotRegular => ("is not a regular file".to_owned(), "correct its path"),
        ReadError::TooLarge { limit } => (
            format!("is larger than {} KiB", limit / 1024),
            "correct its path",
        ),
    };
    FileError {
        reason: format!("the file '{}' {what}", path.display()),
        hint: hint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_secret_in_a_directory_that_others_can_write_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let shared = dir.path().join("shared");
        let path = shared.join("secret");
        std::fs::create_dir(&shared).unwrap();
        std::fs::write(&path, "s3cret").unwrap();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&path, 0o600);
        mode(&shared, 0o755);
        assert_eq!(read_private(&path).unwrap().as_slice(), b"s3cret");
        mode(&shared, 0o757);
        for error in [read_private(&path).map(drop), ruling(&path).map(drop)] {
            let reason = error.unwrap_err().reason;
            let expected = format!(
                "the secret file '{}' can be replaced by others: '{}' is writable by others (mode 0757)",
                path.display(),
                shared.display()
            );
            assert_eq!(reason, expected);
        }
    }

    #[test]
    fn a_public_file_may_be_larger_than_a_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, vec![b'#'; 65 * 1024]).unwrap();
        assert_eq!(read_public(&path).unwrap().len(), 65 * 1024);
        let error = read_private(&path).unwrap_err();
        assert!(error.reason.ends_with("is larger than 64 KiB"), "{error:?}");
        std::fs::write(&path, vec![b'#'; 4 * 1024 * 1024 + 1]).unwrap();
        let error = read_public(&path).unwrap_err();
        assert!(
            error.reason.ends_with("is larger than 4096 KiB"),
            "{error:?}"
        );
    }
}
