//! Reading what a [`SecretRef`] names: a file of the user's or of root's, or a variable.
//!
//! The rule on a secret's file is [`Rule::secret_file`].

use std::{io, path::Path};

use zeroize::Zeroizing;

use super::SourceError;
use crate::{
    config::SecretRef,
    secret::Secret,
    trust::{ReadError, RegularFile, Rule, Ruling},
};

/// The longest secret file, in bytes: RSA keys and certificate chains have a few thousand.
const MAX_LEN: u64 = 64 * 1024;

/// Reads the secret as text, without leading and trailing whitespace.
///
/// # Errors
///
/// [`SourceError::Configuration`] if it is missing, empty, not UTF-8 or too long, or if the file
/// belongs to another user or is writable by others.
pub(super) fn read(from: &SecretRef) -> Result<Secret, SourceError> {
    let bytes = read_bytes(from)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| broken(from, "is not UTF-8 text", "write only the secret to it"))?;
    let secret = Secret::trimmed(text.to_owned());
    if secret.expose().is_empty() {
        return Err(broken(from, "is empty", "write the secret to it"));
    }
    Ok(secret)
}

/// Reads the bytes of the secret unchanged.
///
/// # Errors
///
/// As [`read`].
pub(super) fn read_bytes(from: &SecretRef) -> Result<Zeroizing<Vec<u8>>, SourceError> {
    match from {
        SecretRef::File(path) => read_private(path),
        SecretRef::Env(name) => match std::env::var_os(name) {
            Some(value) => Ok(Zeroizing::new(value.into_encoded_bytes())),
            None => Err(broken(
                from,
                "is not set",
                "set it in the daemon's environment",
            )),
        },
    }
}

/// Reads a file that contains a secret.
///
/// # Errors
///
/// As [`read`].
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, SourceError> {
    read_file(path, true)
}

/// Reads a file that every user may read, such as a certificate.
///
/// # Errors
///
/// [`SourceError::Configuration`] if it is missing or too long.
pub(super) fn read_public(path: &Path) -> Result<Zeroizing<Vec<u8>>, SourceError> {
    read_file(path, false)
}

/// The name of the file or variable in messages.
pub(super) fn name(from: &SecretRef) -> String {
    match from {
        SecretRef::File(path) => format!("the file '{}'", path.display()),
        SecretRef::Env(name) => format!("the variable '{name}'"),
    }
}

fn read_file(path: &Path, private: bool) -> Result<Zeroizing<Vec<u8>>, SourceError> {
    let from = SecretRef::File(path.to_owned());
    let failed = |error: ReadError| {
        let (what, hint) = match &error {
            ReadError::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => ("does not exist", "create it, or correct its path"),
                io::ErrorKind::PermissionDenied => (
                    "cannot be read: permission denied",
                    "make this user its owner",
                ),
                kind => {
                    let what = format!("cannot be read ({kind})");
                    return broken(&from, &what, "check the file");
                }
            },
            ReadError::NotRegular => ("is not a regular file", "correct its path"),
            ReadError::TooLarge { .. } => ("is too long for a secret", "correct its path"),
        };
        broken(&from, what, hint)
    };
    let file = RegularFile::open(path).map_err(failed)?;
    if private {
        check_private(path, &file)?;
    }
    file.read(MAX_LEN).map_err(failed)
}

fn broken(from: &SecretRef, what: &str, hint: &str) -> SourceError {
    SourceError::Configuration {
        reason: format!("{} {what}", name(from)),
        hint: hint.to_owned(),
    }
}

fn check_private(path: &Path, file: &RegularFile) -> Result<(), SourceError> {
    let ruling = file.judge(&Rule::secret_file());
    let ruling = ruling.map_err(|violation| SourceError::Configuration {
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
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_can_write_is_refused_with_the_cure() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "s3cret\n").unwrap();
        let file = SecretRef::File(path.clone());
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
        let SourceError::Configuration { reason, hint } = read(&file).unwrap_err() else {
            panic!("another error");
        };
        assert!(
            reason.contains("is writable by others (mode 0666)"),
            "{reason}"
        );
        assert!(hint.starts_with("chmod 600 "), "{hint}");
        for mode in [0o644, 0o600] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            assert_eq!(read(&file).unwrap().expose(), "s3cret");
        }
        std::fs::write(&path, "\n").unwrap();
        assert!(read(&file).unwrap_err().to_string().ends_with("is empty"));
    }

    #[test]
    fn a_missing_file_or_variable_is_named() {
        let missing = read(&SecretRef::File("/nowhere/x".into())).unwrap_err();
        assert_eq!(missing.to_string(), "the file '/nowhere/x' does not exist");
        let unset = read(&SecretRef::Env("CLAVIGER_NO_SUCH".into())).unwrap_err();
        assert_eq!(
            unset.to_string(),
            "the variable 'CLAVIGER_NO_SUCH' is not set"
        );
        assert!(read(&SecretRef::File("/".into())).is_err());
    }
}
