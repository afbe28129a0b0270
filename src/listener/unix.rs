//! The Unix socket: bound safely, and unlinked only by the process that bound it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
        net::UnixStream as StdStream,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::net::{UnixListener, UnixStream};

use super::{BindError, Peer};
use crate::trust::{PrivateDirectory, TrustError};

/// One connection.
pub(crate) type Stream = UnixStream;

/// The longest wait for another daemon that binds: it does a few system calls under the lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two attempts to lock.
const LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// A listening socket. Dropping it unlinks its file, unless another process has replaced it.
#[derive(Debug)]
pub(crate) struct Listener {
    inner: UnixListener,
    path: PathBuf,
    identity: FileId,
}

/// Device and inode, which identify a file independently of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl Listener {
    /// Listens on `path`, in a directory that must be the user's alone and is created if it does
    /// not exist. A stale socket is removed; one that a process listens on is not touched.
    ///
    /// # Errors
    ///
    /// [`BindError`].
    pub(crate) async fn bind(path: &Path) -> Result<Self, BindError> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        make_private(directory)?;
        // No other daemon may bind between the check for a stale socket and binding.
        let _lock = lock(path).await?;
        clear_stale(path)?;
        let inner = UnixListener::bind(path).map_err(BindError::io(path, "listen on"))?;
        let identity = identify(path).map_err(BindError::io(path, "read the metadata of"))?;
        Ok(Self {
            inner,
            path: path.to_owned(),
            identity,
        })
    }

    /// Returns the next connection of this user. Connections of other users, which the directory's
    /// mode prevents, are closed.
    ///
    /// # Errors
    ///
    /// Those of accept(2), most of which are temporary.
    pub(crate) async fn accept(&mut self) -> io::Result<(Stream, Peer)> {
        loop {
            let (stream, _) = self.inner.accept().await?;
            let credentials = stream.peer_cred()?;
            if credentials.uid() == own_uid() {
                let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
                return Ok((stream, Peer { pid }));
            }
            tracing::warn!(
                uid = credentials.uid(),
                "closed a connection of another user"
            );
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Another process may have bound the same path since.
        if identify(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn make_private(directory: &Path) -> Result<(), BindError> {
    match PrivateDirectory::open_or_create(directory) {
        Ok(_) => Ok(()),
        Err(TrustError::Io(error)) => Err(BindError::io(directory, "open or create")(error)),
        Err(TrustError::Violation(violation)) if violation.path == directory => Err(
            BindError::Unsafe(format!("the socket's directory {violation}")),
        ),
        Err(TrustError::Violation(violation)) => Err(BindError::Unsafe(format!(
            "{violation}, and the socket's directory '{}' is below it",
            directory.display()
        ))),
    }
}

/// Locks the file beside the socket. The lock belongs to the file, not to its name: the file stays,
/// so that all daemons lock the same one.
async fn lock(path: &Path) -> Result<File, BindError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(&name)
        .map_err(BindError::io(&name, "open"))?;
    let locked = async {
        loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_INTERVAL).await,
                Err(TryLockError::Error(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
        }
    };
    tokio::time::timeout(LOCK_TIMEOUT, locked)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(BindError::io(&name, "lock"))?;
    Ok(file)
}

fn clear_stale(path: &Path) -> Result<(), BindError> {
    match StdStream::connect(path) {
        Ok(_) => Err(BindError::Live(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            let found =
                fs::symlink_metadata(path).map_err(BindError::io(path, "read the metadata of"))?;
            if !found.file_type().is_socket() {
                return Err(BindError::InTheWay(path.to_owned()));
            }
            fs::remove_file(path).map_err(BindError::io(path, "remove the stale socket"))
        }
        Err(error) => Err(BindError::io(path, "connect to")(error)),
    }
}

fn identify(path: &Path) -> io::Result<FileId> {
    let found = fs::symlink_metadata(path)?;
    Ok(FileId(found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// The path of a socket in a directory that is removed when this is dropped.
    struct TempSocket {
        directory: tempfile::TempDir,
    }

    impl TempSocket {
        fn new() -> Self {
            Self {
                directory: tempfile::tempdir().unwrap(),
            }
        }

        fn socket(&self) -> PathBuf {
            self.directory.path().join("run/agent.sock")
        }
    }

    #[tokio::test]
    async fn the_directory_is_created_with_mode_0700() {
        let temp = TempSocket::new();
        let _listener = Listener::bind(&temp.socket()).await.unwrap();
        let mode = fs::metadata(temp.socket().parent().unwrap())
            .unwrap()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[tokio::test]
    async fn a_socket_with_a_listener_is_not_touched() {
        let temp = TempSocket::new();
        let mut first = Listener::bind(&temp.socket()).await.unwrap();
        let second = Listener::bind(&temp.socket()).await;
        assert!(matches!(second, Err(BindError::Live(_))));
        let _client = StdStream::connect(temp.socket()).unwrap();
        // The first connection is the check of the second daemon.
        first.accept().await.unwrap();
        let (_, peer) = first.accept().await.unwrap();
        assert_eq!(peer.pid, Some(std::process::id()));
    }

    #[tokio::test]
    async fn a_stale_socket_is_removed() {
        let temp = TempSocket::new();
        fs::create_dir(temp.directory.path().join("run")).unwrap();
        fs::set_permissions(
            temp.directory.path().join("run"),
            fs::Permissions::from_mode(0o700),
        )
        .unwrap();
        drop(std::os::unix::net::UnixListener::bind(temp.socket()).unwrap());
        assert!(
            temp.socket().exists(),
            "a killed daemon leaves its socket behind"
        );
        Listener::bind(&temp.socket()).await.unwrap();
    }

    #[tokio::test]
    async fn the_socket_of_another_process_is_not_unlinked() {
        let temp = TempSocket::new();
        let first = Listener::bind(&temp.socket()).await.unwrap();
        fs::remove_file(temp.socket()).unwrap();
        let second = Listener::bind(&temp.socket()).await.unwrap();
        drop(first);
        assert!(temp.socket().exists());
        drop(second);
        assert!(!temp.socket().exists());
    }

    #[tokio::test]
    async fn a_file_that_is_not_a_socket_stays() {
        let temp = TempSocket::new();
        drop(Listener::bind(&temp.socket()).await.unwrap());
        fs::write(temp.socket(), "a file").unwrap();
        let error = Listener::bind(&temp.socket()).await.unwrap_err();
        assert!(matches!(error, BindError::InTheWay(_)), "{error}");
        assert_eq!(fs::read_to_string(temp.socket()).unwrap(), "a file");
    }

    #[tokio::test]
    async fn a_directory_that_is_accessible_to_others_or_a_link_is_an_error() {
        let temp = TempSocket::new();
        let run = temp.directory.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
        let error = Listener::bind(&temp.socket()).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("is accessible to others (mode 0755; expected 0700)"),
            "{error}"
        );

        fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&run, temp.directory.path().join("link")).unwrap();
        let linked = temp.directory.path().join("link/agent.sock");
        let error = Listener::bind(&linked).await.unwrap_err();
        assert!(error.to_string().contains("is a symbolic link"), "{error}");
    }
}
