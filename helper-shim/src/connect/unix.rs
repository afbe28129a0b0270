//! Sockets: whose directory, and whose process behind them.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use claviger_wire::Failure;

use super::{other_user, refused};
use crate::failure::{DENIED, failure};
use crate::settings::Daemon;
use crate::usage;

/// A connection to the daemon.
pub(crate) type Stream = UnixStream;

/// Nothing: no place depends on who the user is.
#[expect(clippy::unnecessary_wraps, reason = "the other system's can fail")]
pub(crate) fn user() -> Result<String, Failure> {
    Ok(String::new())
}

/// Connects to the daemon, which must be the same user's and listen in a directory that nobody else can change.
///
/// # Errors
///
/// Code 7 for a directory or a peer that is not ours alone, code 8 for what the system refuses.
pub(crate) fn connect(socket: &Path) -> Result<Option<Stream>, Failure> {
    if !check_dir(dir_of(socket)?)? {
        return Ok(None);
    }
    let stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        // None was ever there, or the last one left its socket behind.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(refused("connect to", socket, &error)),
    };
    match peer_uid(&stream) {
        Ok(uid) if uid == geteuid() => Ok(Some(stream)),
        Ok(_) => Err(other_user(socket)),
        Err(error) => Err(refused("tell whose process listens on", socket, &error)),
    }
}

/// Makes the socket's directory, where there is none.
///
/// # Errors
///
/// Code 7 for one that is not ours alone, code 8 for what the system refuses.
pub(crate) fn prepare(daemon: &Daemon) -> Result<(), Failure> {
    let dir = dir_of(&daemon.socket)?;
    if !check_dir(dir)? {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(|error| refused("make the directory", dir, &error))?;
        // Somebody else may have been quicker.
        check_dir(dir)?;
    }
    Ok(())
}

fn dir_of(socket: &Path) -> Result<&Path, Failure> {
    socket.parent().ok_or_else(|| {
        usage(
            "\"CLAVIGER_SOCKET\" names no file",
            "set it to a file in a directory of your own with mode 0700",
        )
    })
}

/// Whether there is such a directory.
fn check_dir(dir: &Path) -> Result<bool, Failure> {
    let metadata = match fs::symlink_metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(refused("look at the directory", dir, &error)),
    };
    let shown = dir.display();
    let (rule, fix) = if !metadata.is_dir() {
        let fix = format!("remove \"{shown}\", or set CLAVIGER_SOCKET");
        ("must be a directory and no link", fix)
    } else if metadata.uid() != geteuid() {
        let fix = "set CLAVIGER_SOCKET to a path in a directory of your own";
        ("must be the user's own", fix.to_owned())
    } else if metadata.mode() & 0o077 != 0 {
        let fix = format!("run chmod 700 \"{shown}\"");
        ("must not be open to others", fix)
    } else {
        return Ok(true);
    };
    Err(failure(
        DENIED,
        format!("the socket's directory {rule}: \"{shown}\""),
        fix,
    ))
}

/// The effective user of the process that listens, as it was when it began to listen.
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
    // SAFETY: `peer` is a `struct ucred` of `len` bytes, both live and ours for the call; the descriptor is open.
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

/// The effective user of the process that listens, as it was when it began to listen.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(unsafe_code, reason = "std's UnixStream::peer_cred is unstable")]
fn peer_uid(stream: &UnixStream) -> io::Result<u32> {
    let (mut uid, mut gid) = (u32::MAX, u32::MAX);
    // SAFETY: both numbers are live and ours for the call; the descriptor is open.
    match unsafe { getpeereid(stream.as_raw_fd(), &raw mut uid, &raw mut gid) } {
        0 => Ok(uid),
        _ => Err(io::Error::last_os_error()),
    }
}

// SAFETY: the declarations are those of POSIX and of the systems' <sys/socket.h> and <unistd.h>; geteuid cannot fail.
#[expect(unsafe_code, reason = "std has no way to ask for these")]
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
