//! Reading what a [`SecretRef`] names: a file of the user's or of root's, or a variable.
//!
//! A file that somebody else can write is refused: what is in it may be somebody else's. One that somebody else can read
//! is warned about in the log and used: an administrator who hands one secret to all users of a machine has no other way,
//! and a login that worked is not worth breaking over it. Where root owns it and its group may read it, root chose so.

use std::{io::Read as _, path::Path};

use zeroize::Zeroizing;

use super::SourceError;
use crate::{config::SecretRef, secret::Secret};

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
    let io = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => {
            broken(&from, "does not exist", "create it, or correct its path")
        }
        std::io::ErrorKind::PermissionDenied => broken(
            &from,
            "may not be read by this user",
            "make this user its owner",
        ),
        kind => broken(&from, &format!("cannot be read ({kind})"), "check the file"),
    };
    // A FIFO would block here for ever without a writer.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(broken(&from, "is not a file", "correct its path"));
    }
    let file = std::fs::File::open(path).map_err(io)?;
    // Of the file that was opened, not of the one that has the name by now.
    let metadata = file.metadata().map_err(io)?;
    if metadata.len() > MAX_LEN {
        return Err(broken(
            &from,
            "is too long for a secret",
            "correct its path",
        ));
    }
    if private {
        check_private(path, &metadata)?;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(metadata.len()).unwrap_or(0) + 1,
    ));
    file.take(MAX_LEN).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

fn broken(from: &SecretRef, what: &str, hint: &str) -> SourceError {
    SourceError::Configuration {
        reason: format!("{} {what}", name(from)),
        hint: hint.to_owned(),
    }
}

#[cfg(unix)]
fn check_private(path: &Path, metadata: &std::fs::Metadata) -> Result<(), SourceError> {
    use std::os::unix::fs::MetadataExt as _;

    let user = rustix::process::geteuid().as_raw();
    let mode = metadata.mode() & 0o7777;
    match judge(mode, metadata.uid(), user) {
        Judgement::Private => Ok(()),
        Judgement::Readable => {
            tracing::warn!(
                file = %path.display(),
                mode = format!("{mode:04o}"),
                "others can read this secret; chmod 600 it",
            );
            Ok(())
        }
        Judgement::Refused(reason) => {
            let path = path.display();
            Err(SourceError::Configuration {
                reason: format!("the file '{path}' holds a secret and {reason} (mode {mode:04o})"),
                hint: format!("chmod 600 '{path}', and see to it that what is in it is yours"),
            })
        }
    }
}

/// What a secret file's mode and owner come to.
#[cfg(unix)]
#[derive(Debug, PartialEq, Eq)]
enum Judgement {
    /// Nobody else can read or write it, or only whom root has chosen.
    Private,
    /// Somebody else can read it.
    Readable,
    /// Somebody else can have put in what is in it.
    Refused(&'static str),
}

/// The rule of the module's documentation.
#[cfg(unix)]
fn judge(mode: u32, owner: u32, user: u32) -> Judgement {
    if owner != user && owner != 0 {
        return Judgement::Refused("belongs to another user");
    }
    if mode & 0o022 != 0 {
        return Judgement::Refused("can be written by others");
    }
    let readers = if owner == 0 { 0o004 } else { 0o044 };
    if mode & readers == 0 {
        Judgement::Private
    } else {
        Judgement::Readable
    }
}

/// On Windows the profile's directory has an access list of its own, which files in it inherit; `claviger doctor` looks.
#[cfg(not(unix))]
fn check_private(_: &Path, _: &std::fs::Metadata) -> Result<(), SourceError> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_rule() {
        const ME: u32 = 1000;
        for mode in [0o600, 0o400, 0o700] {
            assert_eq!(judge(mode, ME, ME), Judgement::Private, "{mode:o}");
        }
        assert_eq!(judge(0o640, 0, ME), Judgement::Private);
        for (mode, owner) in [(0o640, ME), (0o604, ME), (0o644, ME), (0o644, 0)] {
            assert_eq!(judge(mode, owner, ME), Judgement::Readable, "{mode:o}");
        }
        for (mode, owner) in [(0o620, ME), (0o602, ME), (0o660, 0), (0o600, 1001)] {
            assert!(
                matches!(judge(mode, owner, ME), Judgement::Refused(_)),
                "{mode:o}"
            );
        }
    }

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
            reason.contains("can be written by others (mode 0666)"),
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
