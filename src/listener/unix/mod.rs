//! The Unix socket: bound safely, and unlinked only by the process that bound it; or passed by the
//! service manager that has bound it.

mod passed;
mod peer_process;

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::{
        fd::AsFd,
        unix::{
            fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
            net::UnixStream as StdStream,
        },
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::{
    io::AsyncReadExt as _,
    net::{UnixListener, UnixStream},
};

use super::{BindError, Connection, Peer, PeerUser};
use crate::{
    process::PassedSocket,
    trust::{PrivateDirectory, TrustError},
};

/// One connection.
pub(crate) type Stream = UnixStream;

/// The longest wait for another daemon that binds: it does a few system calls under the lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two attempts to lock.
const LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// The most connections that wait to be accepted. Those of a flood come before a shim that connects
/// during it; beyond this number connect(2) waits, and the next one to wait is the next one to
/// connect. By default there are 4096, which take seconds on a busy machine.
const BACKLOG: i32 = 128;

/// A listening socket. Dropping it unlinks its file, unless another process has replaced it or has
/// passed the socket.
#[derive(Debug)]
pub(crate) struct Listener {
    inner: UnixListener,
    path: PathBuf,
    identity: FileId,
    /// Whether this process has bound it.
    is_own: bool,
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
        limit_backlog(&inner).map_err(BindError::io(path, "listen on"))?;
        let identity = identify(path).map_err(BindError::io(path, "read the metadata of"))?;
        Ok(Self {
            inner,
            path: path.to_owned(),
            identity,
            is_own: true,
        })
    }

    /// Listens on the socket that a service manager has bound to `path` and passed. The file
    /// belongs to the manager, which listens again when this daemon ends.
    ///
    /// # Errors
    ///
    /// [`BindError`].
    pub(crate) async fn adopt(passed: PassedSocket, path: &Path) -> Result<Self, BindError> {
        make_private(path.parent().unwrap_or(Path::new("/")))?;
        // No daemon that finds the socket stale may replace it meanwhile.
        let _lock = lock(path).await?;
        let (inner, identity) = passed::judge(passed, path)?;
        limit_backlog(&inner).map_err(BindError::io(path, "listen on"))?;
        let inner = UnixListener::from_std(inner).map_err(BindError::io(path, "listen on"))?;
        Ok(Self {
            inner,
            path: path.to_owned(),
            identity,
            is_own: false,
        })
    }

    /// Returns the next connection of this user or of root. Connections of other users, which the
    /// directory's mode prevents, are closed.
    ///
    /// # Errors
    ///
    /// Those of accept(2), most of which are temporary.
    pub(crate) async fn accept(&mut self) -> io::Result<(Stream, Peer)> {
        loop {
            let (stream, _) = self.inner.accept().await?;
            // Fails on some systems if the peer has already gone.
            let Ok(credentials) = stream.peer_cred() else {
                continue;
            };
            // A process of another pid namespace, such as a container's, has the number 0 here.
            let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
            let pid = pid.filter(|&pid| pid != 0);
            let uid = credentials.uid();
            if let Some(user) = PeerUser::of(uid, own_uid()) {
                let process = pid.and_then(|pid| peer_process::identify(&stream, pid));
                return Ok((stream, Peer { pid, process, user }));
            }
            tracing::warn!(
                event = "foreign-connection",
                uid,
                pid,
                "closed a connection of another user"
            );
        }
    }

    /// Whether clients that connect to the path reach this socket: its file and directory are still
    /// there, and another process has not replaced them.
    #[must_use]
    pub(crate) fn is_reachable(&self) -> bool {
        match identify(&self.path) {
            Ok(found) => found == self.identity,
            // The other errors, such as a network file system's, may pass.
            Err(error) => !is_gone(&error),
        }
    }
}

/// Whether `error` means that the path leads to nothing, or to nothing that the user can reach.
fn is_gone(error: &io::Error) -> bool {
    let gone = [Errno::NOENT, Errno::NOTDIR, Errno::STALE, Errno::ACCESS];
    Errno::from_io_error(error).is_some_and(|error| gone.contains(&error))
}

impl Connection for Stream {
    async fn closed(&mut self) {
        let mut dropped = [0; 256];
        while !matches!(self.read(&mut dropped).await, Ok(0) | Err(_)) {}
        if is_half_open(self) {
            std::future::pending::<()>().await;
        }
    }
}

/// Whether a peer that sends nothing more still reads. Only Linux reports that for certain; no
/// client of Claviger closes only its own direction.
fn is_half_open(stream: &Stream) -> bool {
    let mut polled = [PollFd::new(stream, PollFlags::OUT)];
    let at_once = Timespec::default();
    cfg!(target_os = "linux")
        && poll(&mut polled, Some(&at_once)).is_ok()
        && !polled[0]
            .revents()
            .intersects(PollFlags::HUP | PollFlags::ERR)
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Another process may have bound the same path since.
        if self.is_own && identify(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn limit_backlog(listener: impl AsFd) -> io::Result<()> {
    // It listens already: this only changes the number.
    Ok(rustix::net::listen(listener, BACKLOG)?)
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
mod tests;
