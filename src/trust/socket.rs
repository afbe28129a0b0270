//! The socket of a server that a secret is sent to.

use std::{
    fs::{self, Metadata},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::Path,
};

use super::{TrustError, Violation};

/// The mode bits that let users other than the owner write.
const WRITE: u32 = 0o022;

/// The mode bit of a directory in which only its owner can remove a file of another user.
const STICKY: u32 = 0o1000;

/// Checks that the socket at `path` belongs to root or the user, and that no other user can put
/// another one in its place: its directory belongs to one of the two and is not writable by others,
/// and those above it are not either, or are sticky as `/tmp` is. Links are followed; those on the
/// way are in directories that are judged.
///
/// # Errors
///
/// The [`Violation`], or the system's error.
pub(crate) fn socket(path: &Path) -> Result<(), TrustError> {
    let path = fs::canonicalize(path)?;
    let metadata = fs::symlink_metadata(&path)?;
    if !metadata.file_type().is_socket() {
        return Err(violation(&path, "is not a socket".to_owned()).into());
    }
    judge_owner(&path, &metadata)?;
    for (at, directory) in path.ancestors().skip(1).enumerate() {
        let metadata = fs::symlink_metadata(directory)?;
        judge_owner(directory, &metadata)?;
        let mode = metadata.mode() & 0o7777;
        let is_sticky = at > 0 && mode & STICKY != 0;
        if mode & WRITE != 0 && !is_sticky {
            let problem = format!("is writable by others (mode {mode:04o})");
            return Err(violation(directory, problem).into());
        }
    }
    Ok(())
}

fn judge_owner(path: &Path, metadata: &Metadata) -> Result<(), Violation> {
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner == 0 || owner == user {
        return Ok(());
    }
    let problem = format!("is owned by uid {owner}; expected your uid {user} or root");
    Err(violation(path, problem))
}

fn violation(path: &Path, problem: String) -> Violation {
    Violation {
        path: path.to_owned(),
        problem,
        hint: "let the server listen in a directory that only root or you can write".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::{
        fs::{PermissionsExt as _, chown, symlink},
        net::UnixListener,
    };

    use super::*;

    /// A socket in a directory of its own.
    fn listener() -> (tempfile::TempDir, std::path::PathBuf, UnixListener) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("vault.sock");
        let listener = UnixListener::bind(&path).unwrap();
        (dir, path, listener)
    }

    fn problem(path: &Path) -> String {
        socket(path).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn a_socket_of_the_users_in_a_closed_directory_is_accepted() {
        let (dir, path, _listener) = listener();
        assert_eq!(problem(&path), "");
        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(problem(&link), "");
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        for mode in [0o777, 0o1777, 0o720] {
            let (dir, path, _listener) = listener();
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
            let problem = problem(&path);
            assert!(problem.contains("is writable by others"), "{problem}");
        }
    }

    #[test]
    fn a_socket_or_directory_of_another_user_is_refused() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let (_dir, path, _listener) = listener();
        chown(&path, Some(4242), None).unwrap();
        assert!(problem(&path).contains("is owned by uid 4242"));
        let (dir, path, _listener) = listener();
        chown(dir.path(), Some(4242), None).unwrap();
        assert!(problem(&path).contains("is owned by uid 4242"));
    }

    #[test]
    fn another_file_is_no_socket() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(problem(&path).ends_with("is not a socket"));
        assert!(socket(&dir.path().join("missing")).is_err());
    }
}
