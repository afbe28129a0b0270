//! A secret that the configuration names: a file of the user's or of root's, or a variable of the
//! client.
//!
//! The rule on a secret's file is [`Rule::secret_file`].

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::SourceError;
use crate::{
    config::{FilePath, SecretRef},
    principal::Principal,
    secret::Secret,
    trust::{ReadError, RegularFile, Rule, Ruling},
};

/// The longest secret file, in bytes: RSA keys and certificate chains have a few thousand.
const MAX_LEN: u64 = 64 * 1024;

/// A secret's file or variable. `Display` is its name in messages.
#[derive(Clone, Debug)]
pub(super) enum SecretInput {
    /// A file, read at every use, so that it can be replaced.
    File(PathBuf),
    /// A variable of the client's environment.
    Variable {
        /// Its name.
        name: String,
        /// Its value; `None` if it is not set.
        value: Option<Secret>,
    },
}

impl SecretInput {
    /// Resolves a reference of the configuration; `key` is its key in the table of the source
    /// `source`, without `_file` or `_env`. Nothing is read.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if a placeholder has no value or an invalid one.
    pub(super) fn new(
        source: &str,
        key: &str,
        from: &SecretRef,
        principal: &Principal,
    ) -> Result<Self, SourceError> {
        Ok(match from {
            SecretRef::File(path) => Self::File(resolve_path(
                source,
                &format!("{key}_file"),
                path,
                principal,
            )?),
            SecretRef::Env(name) => Self::Variable {
                name: name.clone(),
                value: principal.variables.get(name).cloned(),
            },
        })
    }

    /// Reads the secret as text, without leading and trailing whitespace.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if it is missing, empty, not UTF-8 or too long, or if the
    /// file belongs to another user or is writable by others.
    pub(super) fn read(&self) -> Result<Secret, SourceError> {
        let bytes = self.read_bytes()?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| broken(self, "is not UTF-8 text", "write only the secret to it"))?;
        let secret = Secret::trimmed(text.to_owned());
        if secret.expose().is_empty() {
            return Err(broken(self, "is empty", "write the secret to it"));
        }
        Ok(secret)
    }

    /// Reads the bytes of the secret unchanged.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(super) fn read_bytes(&self) -> Result<Zeroizing<Vec<u8>>, SourceError> {
        match self {
            Self::File(path) => read_private(path),
            Self::Variable { value, .. } => match value {
                Some(value) => Ok(Zeroizing::new(value.expose().as_bytes().to_vec())),
                None => Err(broken(
                    self,
                    "is not set",
                    "set it in the client's environment",
                )),
            },
        }
    }
}

impl fmt::Display for SecretInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file '{}'", path.display()),
            Self::Variable { name, .. } => write!(f, "the variable '{name}'"),
        }
    }
}

/// Resolves the path of a file of the configuration; `key` is its key in the table of the source
/// `source`.
///
/// # Errors
///
/// [`SourceError::Configuration`] if a placeholder has no value or an invalid one.
pub(super) fn resolve_path(
    source: &str,
    key: &str,
    path: &FilePath,
    principal: &Principal,
) -> Result<PathBuf, SourceError> {
    path.resolve(principal)
        .map_err(|error| super::unresolved(source, key, &error))
}

/// Reads a file that contains a secret.
///
/// # Errors
///
/// As [`SecretInput::read`].
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, SourceError> {
    let from = SecretInput::File(path.to_owned());
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
    check_private(path, &file)?;
    file.read(MAX_LEN).map_err(failed)
}

fn broken(from: &SecretInput, what: &str, hint: &str) -> SourceError {
    SourceError::Configuration {
        reason: format!("{from} {what}"),
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
        let file = SecretInput::File(path.clone());
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
        let SourceError::Configuration { reason, hint } = file.read().unwrap_err() else {
            panic!("another error");
        };
        assert!(
            reason.contains("is writable by others (mode 0666)"),
            "{reason}"
        );
        assert!(hint.starts_with("chmod 600 "), "{hint}");
        for mode in [0o644, 0o600] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            assert_eq!(file.read().unwrap().expose(), "s3cret");
        }
        std::fs::write(&path, "\n").unwrap();
        assert!(file.read().unwrap_err().to_string().ends_with("is empty"));
    }

    #[test]
    fn a_missing_file_or_variable_is_named() {
        let read = |path: &str| SecretInput::File(path.into()).read();
        let missing = read("/nowhere/x").unwrap_err();
        assert_eq!(missing.to_string(), "the file '/nowhere/x' does not exist");
        let unset = SecretInput::Variable {
            name: "CLAVIGER_NO_SUCH".to_owned(),
            value: None,
        };
        let unset = unset.read().unwrap_err();
        assert_eq!(
            unset.to_string(),
            "the variable 'CLAVIGER_NO_SUCH' is not set"
        );
        assert!(read("/").is_err());
    }
}
