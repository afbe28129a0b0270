//! Named pipes: whose process behind them.

use std::ffi::c_void;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle, RawHandle};
use std::path::Path;
use std::thread;
use std::time::Duration;

use claviger_wire::Failure;

use super::{other_user, refused};
use crate::failure::{UNAVAILABLE, failure};
use crate::settings::Daemon;

/// A connection to the daemon.
pub(crate) type Stream = File;

/// The user's SID, in its text form.
///
/// # Errors
///
/// Code 8 where the system does not tell.
pub(crate) fn user() -> Result<String, Failure> {
    // SAFETY: the call has no arguments, and its pseudo-handle needs no closing.
    #[expect(unsafe_code, reason = "std has no way to ask for it")]
    let this = unsafe { GetCurrentProcess() };
    sid_of(this).map_err(|error| {
        let message = format!("cannot tell who the user is: {error}");
        failure(UNAVAILABLE, message, "run claviger doctor")
    })
}

/// Connects to the daemon, which must be the same user's.
///
/// # Errors
///
/// Code 7 for a server that is somebody else's, code 8 for what the system refuses.
pub(crate) fn connect(pipe: &Path) -> Result<Option<Stream>, Failure> {
    const SECURITY_IDENTIFICATION: u32 = 0x1_0000;
    const ERROR_FILE_NOT_FOUND: i32 = 2;
    const ERROR_PIPE_BUSY: i32 = 231;
    const BUSY_PAUSE: Duration = Duration::from_millis(5);

    let stream = loop {
        // A server may learn who we are and not act in our name. std adds SECURITY_SQOS_PRESENT.
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .security_qos_flags(SECURITY_IDENTIFICATION)
            .open(pipe);
        match opened {
            Ok(stream) => break stream,
            Err(error) => match error.raw_os_error() {
                Some(ERROR_FILE_NOT_FOUND) => return Ok(None),
                // All instances are taken. The deadline is watched from outside.
                Some(ERROR_PIPE_BUSY) => thread::sleep(BUSY_PAUSE),
                _ => return Err(refused("connect to", pipe, &error)),
            },
        }
    };
    match server_sid(&stream) {
        Ok(sid) if sid == user()? => Ok(Some(stream)),
        Ok(_) => Err(other_user(pipe)),
        Err(error) => Err(refused("tell whose process listens on", pipe, &error)),
    }
}

/// Makes the directory of the lock file, where there is none.
///
/// # Errors
///
/// Code 8 for what the system refuses.
pub(crate) fn prepare(daemon: &Daemon) -> Result<(), Failure> {
    let dir = daemon.lock.parent().unwrap_or(&daemon.lock);
    fs::create_dir_all(dir).map_err(|error| refused("make the directory", dir, &error))
}

/// The user of the process at the pipe's other end.
#[expect(unsafe_code, reason = "std has no way to ask for it")]
fn server_sid(pipe: &File) -> io::Result<String> {
    const PROCESS_QUERY_LIMITED_INFORMATION: u32 = 0x1000;

    let mut pid = 0;
    // SAFETY: the handle is open, and `pid` live and ours for the call.
    if unsafe { GetNamedPipeServerProcessId(pipe.as_raw_handle(), &raw mut pid) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call takes numbers only.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle has just been opened, and nobody else has it.
    let process = unsafe { OwnedHandle::from_raw_handle(process) };
    sid_of(process.as_raw_handle())
}

/// The user in a process's token.
#[expect(unsafe_code, reason = "std has no way to ask for it")]
fn sid_of(process: RawHandle) -> io::Result<String> {
    const TOKEN_QUERY: u32 = 8;
    const TOKEN_USER: i32 = 1;
    /// TOKEN_USER is a pointer and a number; a SID has at most 68 bytes. In eights, for the alignment.
    const WORDS: usize = 16;

    let mut token = std::ptr::null_mut();
    // SAFETY: `process` is a process's handle, and `token` live and ours for the call.
    if unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle has just been opened, and nobody else has it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };

    let mut user = [0_u64; WORDS];
    let (len, mut needed) = (size_of_val(&user) as u32, 0);
    let (into, needed) = ((&raw mut user).cast(), &raw mut needed);
    // SAFETY: `into` has `len` bytes, aligned for a pointer; all are live and ours for the call.
    if unsafe { GetTokenInformation(token.as_raw_handle(), TOKEN_USER, into, len, needed) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has filled `user` with a TOKEN_USER, which begins with a pointer to the SID behind it.
    let sid = unsafe { (&raw const user).cast::<*const c_void>().read() };
    let mut text: *mut u16 = std::ptr::null_mut();
    // SAFETY: `sid` points into `user`, which is still live, and `text` is ours for the call.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has set `text` to a string that ends with a zero; up to there it may be read.
    let units = unsafe {
        let len = (0..).take_while(|&at| *text.add(at) != 0).count();
        std::slice::from_raw_parts(text, len)
    };
    let sid = String::from_utf16_lossy(units);
    // SAFETY: the string is the system's to free, is not used any more, and is freed once.
    unsafe { LocalFree(text.cast()) };
    Ok(sid)
}

// SAFETY: the declarations are those of the Windows SDK: processthreadsapi.h, namedpipeapi.h, securitybaseapi.h, sddl.h.
#[expect(unsafe_code, reason = "std has no way to ask for these")]
#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetCurrentProcess() -> RawHandle;
    fn GetNamedPipeServerProcessId(pipe: RawHandle, pid: *mut u32) -> i32;
    fn OpenProcess(access: u32, inherit: i32, pid: u32) -> RawHandle;
    fn LocalFree(memory: *mut c_void) -> *mut c_void;
}

// SAFETY: as above.
#[expect(unsafe_code, reason = "std has no way to ask for these")]
#[link(name = "advapi32")]
unsafe extern "system" {
    fn OpenProcessToken(process: RawHandle, access: u32, token: *mut RawHandle) -> i32;
    fn GetTokenInformation(
        token: RawHandle,
        class: i32,
        into: *mut c_void,
        len: u32,
        needed: *mut u32,
    ) -> i32;
    fn ConvertSidToStringSidW(sid: *const c_void, text: *mut *mut u16) -> i32;
}
