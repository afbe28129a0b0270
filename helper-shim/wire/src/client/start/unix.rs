//! A daemon in a session of its own, without inherited descriptors.

use std::{fs, io, os::unix::process::CommandExt as _, process::Command};

/// Keeps what this process and the daemon create from other users, whatever the caller's umask, and
/// lets the owner use it.
pub(super) fn make_files_private() {
    umask(0o077);
}

/// Makes `command` start a daemon without a terminal, without the signals for this process's group,
/// without descriptors other than its three standard ones, and in a directory that keeps no file
/// system busy.
#[expect(unsafe_code, reason = "std's CommandExt::setsid is unstable")]
pub(super) fn detach(command: &mut Command) {
    close_inherited_on_exec();
    command.current_dir("/");
    let new_session = || match setsid() {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    };
    // SAFETY: between fork and exec the closure calls setsid only, which is async-signal-safe.
    unsafe { command.pre_exec(new_session) };
}

/// Marks every descriptor from 3 on to be closed on exec: the caller may have left some open, among
/// them the pipe whose end a client waits for. std has marked those that it opened.
#[expect(
    unsafe_code,
    reason = "std cannot mark a descriptor that it does not own"
)]
fn close_inherited_on_exec() {
    const F_SETFD: i32 = 2;
    const FD_CLOEXEC: i32 = 1;
    /// The descriptors to mark if the system does not list them: more than any client has open.
    const GUESS: std::ops::Range<i32> = 3..1024;

    let open: Vec<i32> = match fs::read_dir("/dev/fd") {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|fd| *fd >= GUESS.start)
            .collect(),
        Err(_) => GUESS.collect(),
    };
    for fd in open {
        // SAFETY: F_SETFD accesses no memory; on a descriptor that is not open it fails.
        unsafe { fcntl(fd, F_SETFD, FD_CLOEXEC) };
    }
}

// SAFETY: the declarations are those of POSIX; setsid and umask access no memory. `mode_t` has 16
// bits on macOS, which passes it as an int.
#[expect(unsafe_code, reason = "std does not offer these calls")]
unsafe extern "C" {
    safe fn setsid() -> i32;
    safe fn umask(mask: u32) -> u32;
    fn fcntl(fd: i32, command: i32, ...) -> i32;
}
