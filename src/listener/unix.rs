//! The Unix socket: bound safely, and unlinked only by whoever bound it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::{
        fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
        net::UnixStream as StdStream,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::net::{UnixListener, UnixStream};

use super::{BindError, Peer};
use crate::trust::{self, TrustError};

/// One connection.
pub(crate) type Stream = UnixStream;

/// How long another daemon may take to bind: it does a handful of system calls under the lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// How often the lock is tried meanwhile.
const LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// A listening socket. Dropping it unlinks the socket's file, if that is still the one it made.
#[derive(Debug)]
pub(crate) struct Listener {
    inner: UnixListener,
    path: PathBuf,
    identity: Identity,
}

/// Device and inode: what a file is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Listener {
    /// Listens on `path`, in a directory that is the user's own and closed to others; it is made where it is missing. A
    /// socket that nobody listens on any more is cleared away; one that somebody listens on is left in peace.
    ///
    /// # Errors
    ///
    /// [`BindError`].
    pub(crate) async fn bind(path: &Path) -> Result<Self, BindError> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        make_private(directory)?;
        // Between looking who listens and binding nobody else may do the same.
        let _lock = lock(path).await?;
        clear_stale(path)?;
        let inner = UnixListener::bind(path).map_err(io_error(path, "cannot be listened on"))?;
        let identity = identify(path).map_err(io_error(path, "cannot be looked at"))?;
        Ok(Self {
            inner,
            path: path.to_owned(),
            identity,
        })
    }

    /// The next connection of this user's. Others', which the directory's mode should have kept out, are closed.
    ///
    /// # Errors
    ///
    /// As accept(2); most pass.
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
                "another user's connection was closed"
            );
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Somebody may have bound the same path since: that socket is not ours to unlink.
        if identify(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Connects to the daemon.
///
/// # Errors
///
/// `NotFound` or `ConnectionRefused` where none listens; `PermissionDenied` where another user's process does.
pub(crate) async fn connect(path: &Path) -> io::Result<Stream> {
    let stream = UnixStream::connect(path).await?;
    if stream.peer_cred()?.uid() != own_uid() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the daemon there runs as another user",
        ));
    }
    Ok(stream)
}

/// What tells this user's pipe from others'. A socket is told apart by its directory, so it is nothing here.
pub(crate) fn own_user() -> String {
    String::new()
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn make_private(directory: &Path) -> Result<(), BindError> {
    if let Some(above) = directory.parent() {
        fs::create_dir_all(above).map_err(io_error(above, "cannot be made"))?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(io_error(directory, "cannot be made")(error));
        }
        _ => {}
    }
    trust::private_directory(directory).map_err(|error| match error {
        TrustError::Io(error) => io_error(directory, "cannot be looked at")(error),
        TrustError::Violation(violation) => BindError::Unsafe {
            path: violation.path,
            reason: format!("it {}", violation.problem),
        },
    })
}

/// The lock is the file's, not the name's: the file stays, so that all lock the same one.
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
        .map_err(io_error(&name, "cannot be opened"))?;
    let locked = async {
        loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_INTERVAL).await,
                Err(TryLockError::Error(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
        }
    };
    tokio::time::timeout(LOCK_PATIENCE, locked)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(io_error(&name, "cannot be locked"))?;
    Ok(file)
}

fn clear_stale(path: &Path) -> Result<(), BindError> {
    match StdStream::connect(path) {
        Ok(_) => Err(BindError::Live(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            let found =
                fs::symlink_metadata(path).map_err(io_error(path, "cannot be looked at"))?;
            if !found.file_type().is_socket() {
                return Err(BindError::InTheWay(path.to_owned()));
            }
            fs::remove_file(path).map_err(io_error(path, "is stale and cannot be removed"))
        }
        Err(error) => Err(io_error(path, "cannot be connected to")(error)),
    }
}

fn identify(path: &Path) -> io::Result<Identity> {
    let found = fs::symlink_metadata(path)?;
    Ok(Identity(found.dev(), found.ino()))
}

fn io_error(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> BindError {
    let path = path.to_owned();
    move |source| BindError::Io {
        path,
        doing,
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    struct Place {
        directory: tempfile::TempDir,
    }

    impl Place {
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
    async fn makes_a_directory_that_is_closed_to_others() {
        let place = Place::new();
        let _listener = Listener::bind(&place.socket()).await.unwrap();
        let mode = fs::metadata(place.socket().parent().unwrap())
            .unwrap()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[tokio::test]
    async fn a_live_peer_is_never_unseated() {
        let place = Place::new();
        let mut first = Listener::bind(&place.socket()).await.unwrap();
        let second = Listener::bind(&place.socket()).await;
        assert!(matches!(second, Err(BindError::Live(_))));
        let _client = connect(&place.socket()).await.unwrap();
        // The first connection is the other daemon's look.
        first.accept().await.unwrap();
        let (_, peer) = first.accept().await.unwrap();
        assert_eq!(peer.pid, Some(std::process::id()));
    }

    #[tokio::test]
    async fn a_stale_socket_is_cleared() {
        let place = Place::new();
        fs::create_dir(place.directory.path().join("run")).unwrap();
        fs::set_permissions(
            place.directory.path().join("run"),
            fs::Permissions::from_mode(0o700),
        )
        .unwrap();
        drop(std::os::unix::net::UnixListener::bind(place.socket()).unwrap());
        assert!(
            place.socket().exists(),
            "a killed daemon leaves its socket behind"
        );
        Listener::bind(&place.socket()).await.unwrap();
    }

    #[tokio::test]
    async fn only_our_own_socket_is_unlinked() {
        let place = Place::new();
        let first = Listener::bind(&place.socket()).await.unwrap();
        fs::remove_file(place.socket()).unwrap();
        let second = Listener::bind(&place.socket()).await.unwrap();
        drop(first);
        assert!(place.socket().exists());
        drop(second);
        assert!(!place.socket().exists());
    }

    #[tokio::test]
    async fn a_file_in_the_way_stays() {
        let place = Place::new();
        drop(Listener::bind(&place.socket()).await.unwrap());
        fs::write(place.socket(), "somebody's").unwrap();
        let error = Listener::bind(&place.socket()).await.unwrap_err();
        assert!(matches!(error, BindError::InTheWay(_)), "{error}");
        assert_eq!(fs::read_to_string(place.socket()).unwrap(), "somebody's");
    }

    #[tokio::test]
    async fn a_directory_that_is_open_or_a_link_is_refused() {
        let place = Place::new();
        let run = place.directory.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
        let error = Listener::bind(&place.socket()).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("it is accessible to others (mode 0755; expected 0700)"),
            "{error}"
        );

        fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&run, place.directory.path().join("link")).unwrap();
        let linked = place.directory.path().join("link/agent.sock");
        let error = Listener::bind(&linked).await.unwrap_err();
        assert!(
            error.to_string().contains("it is a symbolic link"),
            "{error}"
        );
    }
}
