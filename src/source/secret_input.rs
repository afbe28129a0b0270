//! A secret that the configuration names: a file of the user's or of root's, or a variable of the
//! client.
//!
//! The rule on a secret's file is [`named_file::read_private`]'s; its content is stripped and
//! checked by [`Secret::from_input`].

use std::{fmt, path::PathBuf};

use zeroize::Zeroizing;

use super::SourceError;
use crate::{
    config::{FilePath, SecretRef},
    named_file,
    principal::Principal,
    secret::{self, NotASecret, Secret},
};

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

    /// Reads a token or another secret that an issuer made; see [`Secret::from_input`].
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] or [`SourceError::ClientVariable`] if it is missing, too long
    /// or not a secret, or if the file belongs to another user or is writable by others.
    pub(super) fn read(&self) -> Result<Secret, SourceError> {
        let secret = Secret::from_input(&self.bytes()?);
        secret.map_err(|error| self.not_a_secret(error))
    }

    /// Reads a password, which can be any text; see [`Secret::from_text`].
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(super) fn read_password(&self) -> Result<Secret, SourceError> {
        let secret = Secret::from_text(&self.bytes()?);
        secret.map_err(|error| self.not_a_secret(error))
    }

    /// Reads a signing key: text (PEM, or any other) without a byte order mark and white space at
    /// its ends, binary bytes unchanged.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(super) fn read_bytes(&self) -> Result<Zeroizing<Vec<u8>>, SourceError> {
        let bytes = self.bytes()?;
        let key = secret::key_bytes(&bytes).map_err(|error| self.not_a_secret(error))?;
        Ok(match key.len() == bytes.len() {
            true => bytes,
            false => Zeroizing::new(key.to_vec()),
        })
    }

    fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, SourceError> {
        match self {
            Self::File(path) => Ok(named_file::read_private(path)?),
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

    fn not_a_secret(&self, error: NotASecret) -> SourceError {
        let hint = match self {
            Self::File(_) => "write the secret to it, as UTF-8 text and nothing else",
            Self::Variable { .. } => "set it to the secret in the client's environment",
        };
        broken(self, &error.to_string(), hint)
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

fn broken(from: &SecretInput, what: &str, hint: &str) -> SourceError {
    let reason = format!("{from} {what}");
    let hint = hint.to_owned();
    match from {
        SecretInput::File(_) => SourceError::Configuration { reason, hint },
        SecretInput::Variable { .. } => SourceError::ClientVariable { reason, hint },
    }
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

    fn variable(value: &str) -> SecretInput {
        SecretInput::Variable {
            name: "VAULT_TOKEN".to_owned(),
            value: Some(Secret::new(value.to_owned())),
        }
    }

    #[test]
    fn the_ends_of_a_file_or_variable_are_stripped_whatever_it_is_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "\u{feff}s3cret \r\n").unwrap();
        for input in [
            SecretInput::File(path.clone()),
            variable("\u{feff}s3cret\n"),
        ] {
            assert_eq!(input.read().unwrap().expose(), "s3cret");
            assert_eq!(input.read_password().unwrap().expose(), "s3cret");
            assert_eq!(input.read_bytes().unwrap().as_slice(), b"s3cret");
        }
        assert_eq!(
            variable("null").read().unwrap_err().to_string(),
            "the variable 'VAULT_TOKEN' is null, which means that there is no value"
        );
        assert_eq!(variable("null").read_password().unwrap().expose(), "null");
        std::fs::write(&path, b"\xff\xfek\x00\n\x00").unwrap();
        let utf_16 = SecretInput::File(path).read_bytes().unwrap_err();
        assert!(
            utf_16
                .to_string()
                .ends_with("is UTF-16 text; expected UTF-8")
        );
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
