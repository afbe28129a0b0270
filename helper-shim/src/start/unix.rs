//! A process of its own session, with no descriptor of ours.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// The daemon gets no terminal, no signal that is meant for the client, no descriptor but the three that it is given,
/// and keeps no file system busy.
#[expect(unsafe_code, reason = "std's CommandExt::setsid is unstable")]
pub(crate) fn detach(command: &mut Command) {
    close_inherited_on_exec();
    command.current_dir("/");
    let new_session = || match setsid() {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    };
    // SAFETY: between fork and exec the closure does nothing but call setsid, which is async-signal-safe.
    unsafe { command.pre_exec(new_session) };
}

/// Marks every descriptor from 3 on: whoever started the shim may have left some open, among them the pipe at whose end
/// the client waits. What std opens is marked already.
#[expect(
    unsafe_code,
    reason = "std has no way to mark a descriptor that it does not own"
)]
fn close_inherited_on_exec() {
    const F_SETFD: i32 = 2;
    const FD_CLOEXEC: i32 = 1;
    /// Where the system does not list them: more than any client has open.
    const GUESS: std::ops::Range<i32> = 3..1024;

    let open: Vec<i32> = match fs::read_dir("/dev/fd") {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|fd| *fd >= GUESS.start)
            .collect(),
        Err(_) => GUESS.collect(),
    };
    for fd in open {
        // SAFETY: F_SETFD takes a number and touches no memory; on a descriptor that is not open it fails.
        unsafe { fcntl(fd, F_SETFD, FD_CLOEXEC) };
    }
}

// SAFETY: the declarations are those of POSIX; setsid takes nothing and touches no memory.
#[expect(unsafe_code, reason = "std has no way to call these")]
unsafe extern "C" {
    safe fn setsid() -> i32;
    fn fcntl(fd: i32, command: i32, ...) -> i32;
}
