//! Files of certificates and their keys.

use std::{io, path::Path};

use zeroize::Zeroizing;

use super::setup_error::SetupError;
use crate::trust::{ReadError, RegularFile, Rule, Ruling};

/// The largest public file, in bytes: a bundle of all public CAs has a quarter of a million.
const MAX_PUBLIC: u64 = 4 * 1024 * 1024;

/// The largest private key, in bytes: an RSA key has a few thousand.
const MAX_PRIVATE: u64 = 64 * 1024;

/// Reads a file that every user may read, such as a certificate.
///
/// # Errors
///
/// [`SetupError`] if it is missing, not a regular file or too large.
pub(super) fn read_public(path: &Path) -> Result<Zeroizing<Vec<u8>>, SetupError> {
    let failed = |error| unreadable(path, error);
    let file = RegularFile::open(path).map_err(failed)?;
    file.read(MAX_PUBLIC).map_err(failed)
}

/// Reads a file that contains a secret.
///
/// # Errors
///
/// As [`read_public`]; also if it belongs to another user or is writable by others.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, SetupError> {
    let failed = |error| unreadable(path, error);
    let file = RegularFile::open(path).map_err(failed)?;
    let ruling = file.judge(&Rule::secret_file());
    let ruling = ruling.map_err(|violation| SetupError {
        reason: format!("the secret file {violation}"),
        hint: violation.hint,
    })?;
    if let Ruling::ReadableByOthers { mode } = ruling {
        tracing::warn!(
            file = %path.display(),
            mode = format!("{mode:04o}"),
            "others can read this secret file",
        );
    }
    file.read(MAX_PRIVATE).map_err(failed)
}

fn unreadable(path: &Path, error: ReadError) -> SetupError {
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
    SetupError {
        reason: format!("the file '{}' {what}", path.display()),
        hint: hint.to_owned(),
    }
}
