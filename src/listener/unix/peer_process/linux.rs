//! `SO_PEERPIDFD`: a descriptor of the process that has connected. See unix(7) and pidfd_open(2).

#![expect(unsafe_code, reason = "rustix does not offer SO_PEERPIDFD")]

use std::{
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::Stream;

/// The process that has connected, and not another one with its number. Nothing if the kernel is
/// too old.
pub(super) struct Held(Option<OwnedFd>);

/// Holds the process that has connected; `None` if it has ended.
pub(super) fn hold(stream: &Stream) -> Option<Held> {
    let mut fd: RawFd = -1;
    let mut length = size_of_val(&fd) as libc::socklen_t;
    // SAFETY: the socket is open while `stream` is borrowed; `fd` has `length` bytes, and both are
    // live.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERPIDFD,
            (&raw mut fd).cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        // SAFETY: the call has just opened it, and nothing else owns it.
        return Some(Held(Some(unsafe { OwnedFd::from_raw_fd(fd) })));
    }
    // Linux before 6.5 does not know the option.
    let is_unknown = Errno::from_io_error(&io::Error::last_os_error()) == Some(Errno::NOPROTOOPT);
    is_unknown.then_some(Held(None))
}

impl Held {
    /// Whether the process still runs, as far as the kernel tells.
    pub(super) fn is_running(&self) -> bool {
        let Some(fd) = &self.0 else {
            return true;
        };
        // Readable once the process has ended.
        let mut polled = [PollFd::new(fd, PollFlags::IN)];
        matches!(poll(&mut polled, Some(&Timespec::default())), Ok(0))
    }
}
