//! The start of the daemon's process on Unix: nothing of the starter's stays.

use std::{
    fs::File,
    os::fd::{FromRawFd as _, OwnedFd},
    ptr,
};

use rustix::{
    fs::Mode,
    io::FdFlags,
    process::{Resource, Rlimit, getrlimit, setrlimit, umask},
};

use super::StartError;

/// The open files that the daemon is sure to have use for: two hundred clients at once, and the
/// connections to their sources.
const ENOUGH_FILES: u64 = 1024;

/// The fewest open files with which the daemon can serve anything.
const FEWEST_FILES: u64 = 64;

/// The first descriptor that is not a standard one.
const FIRST_OTHER: libc::c_uint = 3;

/// A listening socket that a service manager has passed to this process as descriptor 3, the first
/// one of sd_listen_fds(3). A program that this process starts does not inherit it.
#[derive(Debug)]
pub(crate) struct PassedSocket(OwnedFd);

impl PassedSocket {
    /// Takes descriptor 3, which only [`start`] does, once.
    ///
    /// # Errors
    ///
    /// [`StartError::NoSocket`] if it is not open.
    #[expect(unsafe_code, reason = "the descriptor has no owner in this process")]
    fn take() -> Result<Self, StartError> {
        let descriptor = FIRST_OTHER.cast_signed();
        // SAFETY: the call accesses no memory; it fails if the descriptor is not open.
        if unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
            return Err(StartError::NoSocket);
        }
        // SAFETY: it is open. No thread has started and this process has opened nothing yet, so it
        // has no other owner.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// Lets the program that this process becomes inherit the socket, as descriptor 3.
    ///
    /// # Errors
    ///
    /// Those of fcntl(2).
    pub(crate) fn leave_to_exec(&self) -> std::io::Result<()> {
        Ok(rustix::io::fcntl_setfd(&self.0, FdFlags::empty())?)
    }
}

impl From<PassedSocket> for OwnedFd {
    fn from(PassedSocket(socket): PassedSocket) -> Self {
        socket
    }
}

#[cfg(test)]
impl From<OwnedFd> for PassedSocket {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

/// Leaves behind what a process inherits apart from its environment: descriptors, signal mask,
/// ignored signals, umask and low limits; with `detached` also the session and stdin. Only if
/// `is_activated`, a socket that a service manager has passed stays, and is returned. Must be
/// called before there is another thread.
///
/// # Errors
///
/// [`StartError`].
pub(crate) fn start(
    detached: bool,
    is_activated: bool,
) -> Result<Option<PassedSocket>, StartError> {
    umask(Mode::RWXG | Mode::RWXO);
    close_inherited(FIRST_OTHER + libc::c_uint::from(is_activated));
    let passed = is_activated.then(PassedSocket::take).transpose()?;
    reset_signals();
    if detached {
        // It fails if this process leads a session already, as the one that the shim starts does.
        let _ = rustix::process::setsid();
        if let Ok(null) = File::open("/dev/null") {
            let _ = rustix::stdio::dup2_stdin(null);
        }
    }
    let files = getrlimit(Resource::Nofile);
    let raised = raised(files)?;
    // It cannot fail: the hard limit stays, and the soft one is below it.
    let _ = setrlimit(Resource::Nofile, raised);
    Ok(passed)
}

/// The limit of open files that the daemon uses. `None` is no limit.
fn raised(files: Rlimit) -> Result<Rlimit, StartError> {
    let hard = files.maximum.unwrap_or(u64::MAX);
    if hard < FEWEST_FILES {
        return Err(StartError::OpenFiles {
            limit: hard,
            needed: FEWEST_FILES,
        });
    }
    let soft = files.current.map(|soft| soft.max(ENOUGH_FILES.min(hard)));
    Ok(Rlimit {
        current: soft,
        ..files
    })
}

/// Closes every descriptor from `first` on: the starter may have left some open, such as a pipe
/// whose end its own caller waits for.
#[expect(unsafe_code, reason = "the descriptors have no owner in this process")]
fn close_inherited(first: libc::c_uint) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the call takes numbers. No thread has started and nothing is open yet, so no
        // descriptor has an owner in this process.
        let status = unsafe {
            libc::syscall(
                libc::SYS_close_range,
                first,
                libc::c_uint::MAX,
                0 as libc::c_uint,
            )
        };
        if status == 0 {
            return;
        }
    }
    let open: Vec<libc::c_int> = std::fs::read_dir("/dev/fd").map_or_else(
        |_| (first.cast_signed()..1024).collect(),
        |entries| {
            let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse().ok();
            entries.filter_map(|entry| number(entry.ok()?)).collect()
        },
    );
    for descriptor in open {
        if descriptor >= first.cast_signed() {
            // SAFETY: as above; the call fails on a number that is not open.
            unsafe { libc::close(descriptor) };
        }
    }
}

/// Unblocks every signal, and lets those that the starter ignored act as usual. SIGPIPE stays as
/// Rust's runtime sets it: a write to a closed pipe is an error. Handlers are not inherited.
#[expect(unsafe_code, reason = "std offers no signals")]
fn reset_signals() {
    // SAFETY: a set or an action of zeros is valid; each is live during the calls and not shared.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
    for signal in (1..=64).filter(|signal| *signal != libc::SIGPIPE) {
        // SAFETY: as above. The call fails for numbers that are no signals or cannot be changed.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let status = libc::sigaction(signal, ptr::null(), &raw mut action);
            if status == 0 && action.sa_sigaction == libc::SIG_IGN {
                action.sa_sigaction = libc::SIG_DFL;
                libc::sigaction(signal, &raw const action, ptr::null_mut());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(current: Option<u64>, maximum: Option<u64>) -> Rlimit {
        Rlimit { current, maximum }
    }

    #[test]
    fn the_soft_limit_is_raised_as_far_as_needed() {
        for (before, after) in [
            (limit(Some(256), Some(4096)), Some(1024)),
            (limit(Some(256), Some(512)), Some(512)),
            (limit(Some(256), None), Some(1024)),
            (limit(Some(65_536), Some(65_536)), Some(65_536)),
            (limit(None, None), None),
        ] {
            let raised = raised(before).unwrap();
            assert_eq!((raised.current, raised.maximum), (after, before.maximum));
        }
    }

    #[test]
    fn a_low_hard_limit_is_an_error_that_names_it() {
        let error = raised(limit(Some(16), Some(16))).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("(nofile) is 16; the daemon needs at least 64")
        );
        assert!(raised(limit(Some(16), Some(64))).is_ok());
    }
}
