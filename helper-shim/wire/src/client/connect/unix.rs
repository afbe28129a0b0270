//! Unix sockets: checks of the directory's owner and of the process that listens.

use std::{
    fs::{self, DirBuilder},
    io::{self, ErrorKind},
    os::{
        fd::AsRawFd as _,
        unix::{
            fs::{DirBuilderExt as _, MetadataExt as _},
            net::UnixStream,
        },
    },
    path::{Path, PathBuf},
};

use super::{other_user, system_error};
use crate::{
    ExitCode, Failure,
    paths::{DaemonPaths, OTHER_SOCKET},
};

/// A connection to the daemon.
pub(in crate::client) type Stream = UnixStream;

/// Empty: no path depends on the user's name.
///
/// # Errors
///
/// None on this system.
pub fn user() -> Result<String, Failure> {
    Ok(String::new())
}

/// Connects to the daemon; `None` if none listens or its socket is not known. It must run as the
/// same user and listen in a directory that other users cannot enter.
///
/// # Errors
///
/// [`ExitCode::Denied`] for a directory or a peer that is not the user's alone,
/// [`ExitCode::DaemonUnavailable`] for errors of the system.
pub(in crate::client) fn connect(paths: &DaemonPaths) -> Result<Option<Stream>, Failure> {
    let Some(socket) = &paths.socket else {
        return Ok(None);
    };
    if !check_directory(paths, directory_of(socket)?)? {
        return Ok(None);
    }
    let stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        // No daemon has ever run, or the last one was killed and its socket is left.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(system_error("connect to", socket, &error)),
    };
    match peer_uid(&stream) {
        Ok(uid) if uid == geteuid() => Ok(Some(stream)),
        Ok(_) => Err(other_user(socket)),
        Err(error) => {
            let action = "determine the user of the process that listens on";
            Err(system_error(action, socket, &error))
        }
    }
}

/// Creates the socket's directory if it does not exist, and returns the directories that are new,
/// the innermost first.
///
/// # Errors
///
/// [`ExitCode::Denied`] for a directory that is not the user's alone,
/// [`ExitCode::DaemonUnavailable`] for errors of the system.
pub(in crate::client) fn prepare(
    paths: &DaemonPaths,
    socket: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let directory = directory_of(socket)?;
    if check_directory(paths, directory)? {
        return Ok(Vec::new());
    }
    let missing: Vec<PathBuf> = directory
        .ancestors()
        .take_while(|above| fs::symlink_metadata(above).is_err())
        .map(Path::to_owned)
        .collect();
    let created = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    created.map_err(|error| {
        remove_empty(&missing);
        system_error("create the directory", directory, &error)
    })?;
    // Another process may have created it first.
    check_directory(paths, directory)?;
    Ok(missing)
}

/// Removes directories that [`prepare`] created, as far as they are empty.
pub(in crate::client) fn remove_empty(created: &[PathBuf]) {
    for directory in created {
        let _ = fs::remove_dir(directory);
    }
}

fn directory_of(socket: &Path) -> Result<&Path, Failure> {
    socket.parent().ok_or_else(|| {
        let problem = "invalid value of 'CLAVIGER_SOCKET': expected a file";
        Failure::new(ExitCode::Usage, problem, OTHER_SOCKET)
    })
}

/// Checks that `directory` is the user's alone; false if it does not exist. The daemon applies the
/// same rule, with the same message, before it listens (`src/trust`).
fn check_directory(paths: &DaemonPaths, directory: &Path) -> Result<bool, Failure> {
    let metadata = match fs::symlink_metadata(directory) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(system_error("read the directory", directory, &error)),
    };
    let (owner, user) = (metadata.uid(), geteuid());
    let mode = metadata.mode() & 0o7777;
    let (problem, hint) = if !metadata.is_dir() {
        let kind = match metadata.is_symlink() {
            true => "a symbolic link",
            false => "a file",
        };
        let problem = format!("is {kind}; expected a directory");
        (problem, OTHER_SOCKET.to_owned())
    } else if owner != user {
        let problem = format!("is owned by uid {owner}; expected your uid {user}");
        (problem, OTHER_SOCKET.to_owned())
    } else if mode & 0o077 != 0 {
        let expected = mode & 0o700;
        let problem = format!("is accessible to others (mode {mode:04o}; expected {expected:04o})");
        (problem, paths.private_directory_hint(directory))
    } else {
        return Ok(true);
    };
    let problem = format!("the socket's directory '{}' {problem}", directory.display());
    Err(Failure::new(ExitCode::Denied, problem, hint))
}

/// The effective user of the process that listens, at the time when it began to listen.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[expect(unsafe_code, reason = "std's UnixStream::peer_cred is unstable")]
fn peer_uid(stream: &UnixStream) -> io::Result<u32> {
    #[repr(C)]
    struct Ucred {
        pid: i32,
        uid: u32,
        gid: u32,
    }
    const SOL_SOCKET: i32 = 1;
    const SO_PEERCRED: i32 = 17;
    const LEN: u32 = size_of::<Ucred>() as u32;

    let mut peer = Ucred {
        pid: 0,
        uid: u32::MAX,
        gid: 0,
    };
    let mut len = LEN;
    // SAFETY: `peer` is a `struct ucred` of `len` bytes, both live during the call and not shared;
    // the descriptor is open.
    let status = unsafe {
        getsockopt(
            stream.as_raw_fd(),
            SOL_SOCKET,
            SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut len,
        )
    };
    match status {
        0 if len == LEN => Ok(peer.uid),
        0 => Err(io::Error::from(ErrorKind::InvalidData)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The effective user of the process that listens, at the time when it began to listen.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(unsafe_code, reason = "std's UnixStream::peer_cred is unstable")]
fn peer_uid(stream: &UnixStream) -> io::Result<u32> {
    let (mut uid, mut gid) = (u32::MAX, u32::MAX);
    // SAFETY: both numbers are live during the call and not shared; the descriptor is open.
    match unsafe { getpeereid(stream.as_raw_fd(), &raw mut uid, &raw mut gid) } {
        0 => Ok(uid),
        _ => Err(io::Error::last_os_error()),
    }
}

// SAFETY: the declarations are those of POSIX, <sys/socket.h> and <unistd.h>; geteuid has no
// preconditions and cannot fail.
#[expect(unsafe_code, reason = "std does not offer these calls")]
unsafe extern "C" {
    safe fn geteuid() -> u32;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn getsockopt(
        socket: i32,
        level: i32,
        name: i32,
        value: *mut std::ffi::c_void,
        len: *mut u32,
    ) -> i32;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn getpeereid(socket: i32, uid: *mut u32, gid: *mut u32) -> i32;
}
