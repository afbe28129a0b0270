//! Named pipes: the check of the process that listens.

use std::{
    ffi::c_void,
    fs::{self, File, OpenOptions},
    io,
    os::windows::{
        fs::OpenOptionsExt as _,
        io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle, RawHandle},
    },
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::{other_user, system_error};
use crate::{ExitCode, Failure, paths::DaemonPaths};

/// A connection to the daemon.
pub(in crate::client) type Stream = File;

/// Returns the user's SID in its text form.
///
/// # Errors
///
/// [`ExitCode::DaemonUnavailable`] if the system does not report it.
pub fn user() -> Result<String, Failure> {
    // SAFETY: the call has no arguments, and its pseudo-handle needs no closing.
    #[expect(unsafe_code, reason = "std does not offer this call")]
    let this = unsafe { GetCurrentProcess() };
    sid_of(this).map_err(|error| Failure {
        code: ExitCode::DaemonUnavailable,
        message: format!("cannot determine the user's SID: {error}"),
        hint: None,
    })
}

/// Connects to the daemon; `None` if none listens or its pipe is not known. It must run as the same
/// user.
///
/// # Errors
///
/// [`ExitCode::Denied`] for a server of another user, [`ExitCode::DaemonUnavailable`] for errors of
/// the system.
pub(in crate::client) fn connect(paths: &DaemonPaths) -> Result<Option<Stream>, Failure> {
    const SECURITY_IDENTIFICATION: u32 = 0x1_0000;
    const ERROR_FILE_NOT_FOUND: i32 = 2;
    const ERROR_PIPE_BUSY: i32 = 231;
    const BUSY_PAUSE: Duration = Duration::from_millis(5);

    let Some(pipe) = &paths.socket else {
        return Ok(None);
    };
    let stream = loop {
        // The server may identify, not impersonate, this user. std adds SECURITY_SQOS_PRESENT.
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .security_qos_flags(SECURITY_IDENTIFICATION)
            .open(pipe);
        match opened {
            Ok(stream) => break stream,
            Err(error) => match error.raw_os_error() {
                Some(ERROR_FILE_NOT_FOUND) => return Ok(None),
                // All instances are in use. The caller watches the deadline.
                Some(ERROR_PIPE_BUSY) => thread::sleep(BUSY_PAUSE),
                _ => return Err(system_error("connect to", pipe, &error)),
            },
        }
    };
    match server_sid(&stream) {
        Ok(sid) if sid == user()? => Ok(Some(stream)),
        Ok(_) => Err(other_user(pipe)),
        Err(error) => {
            let action = "determine the user of the process that listens on";
            Err(system_error(action, pipe, &error))
        }
    }
}

/// Creates the directory of the lock file if it does not exist. It is the state directory, which
/// stays.
///
/// # Errors
///
/// [`ExitCode::DaemonUnavailable`] for errors of the system.
pub(in crate::client) fn prepare(paths: &DaemonPaths, _: &Path) -> Result<Vec<PathBuf>, Failure> {
    if let Some(directory) = paths.lock.as_deref().and_then(Path::parent) {
        fs::create_dir_all(directory)
            .map_err(|error| system_error("create the directory", directory, &error))?;
    }
    Ok(Vec::new())
}

/// Removes directories that [`prepare`] created, as far as they are empty.
pub(in crate::client) fn remove_empty(created: &[PathBuf]) {
    for directory in created {
        let _ = fs::remove_dir(directory);
    }
}

/// Returns the user of the process at the pipe's other end.
#[expect(unsafe_code, reason = "std does not offer these calls")]
fn server_sid(pipe: &File) -> io::Result<String> {
    const PROCESS_QUERY_LIMITED_INFORMATION: u32 = 0x1000;

    let mut pid = 0;
    // SAFETY: the handle is open, and `pid` is live during the call and not shared.
    if unsafe { GetNamedPipeServerProcessId(pipe.as_raw_handle(), &raw mut pid) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call takes numbers only.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle has just been opened and has no other owner.
    let process = unsafe { OwnedHandle::from_raw_handle(process) };
    sid_of(process.as_raw_handle())
}

/// Returns the user in a process's token.
#[expect(unsafe_code, reason = "std does not offer these calls")]
fn sid_of(process: RawHandle) -> io::Result<String> {
    const TOKEN_QUERY: u32 = 8;
    const TOKEN_USER: i32 = 1;
    /// The room for a TOKEN_USER, which is a pointer and a number, and a SID of at most 68 bytes,
    /// in units of 8 bytes for the alignment.
    const UNITS: usize = 16;

    let mut token = std::ptr::null_mut();
    // SAFETY: `process` is a process's handle, and `token` is live during the call and not shared.
    if unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle has just been opened and has no other owner.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };

    let mut user = [0_u64; UNITS];
    let (len, mut needed) = (size_of_val(&user) as u32, 0);
    let (into, needed) = ((&raw mut user).cast(), &raw mut needed);
    // SAFETY: `into` has `len` bytes, aligned for a pointer; all are live during the call and not
    // shared.
    if unsafe { GetTokenInformation(token.as_raw_handle(), TOKEN_USER, into, len, needed) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has filled `user` with a TOKEN_USER, which begins with a pointer to the SID
    // behind it.
    let sid = unsafe { (&raw const user).cast::<*const c_void>().read() };
    let mut text: *mut u16 = std::ptr::null_mut();
    // SAFETY: `sid` points into `user`, which is live; `text` is live during the call and not
    // shared.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has set `text` to a string that ends with a zero, and only units before that
    // are read.
    let units = unsafe {
        let len = (0..).take_while(|&at| *text.add(at) != 0).count();
        std::slice::from_raw_parts(text, len)
    };
    let sid = String::from_utf16_lossy(units);
    // SAFETY: the system allocated the string for LocalFree, and it is freed once.
    unsafe { LocalFree(text.cast()) };
    Ok(sid)
}

// SAFETY: the declarations are those of the Windows SDK: processthreadsapi.h, namedpipeapi.h,
// securitybaseapi.h, sddl.h.
#[expect(unsafe_code, reason = "std does not offer these calls")]
#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetCurrentProcess() -> RawHandle;
    fn GetNamedPipeServerProcessId(pipe: RawHandle, pid: *mut u32) -> i32;
    fn OpenProcess(access: u32, inherit: i32, pid: u32) -> RawHandle;
    fn LocalFree(memory: *mut c_void) -> *mut c_void;
}

// SAFETY: as above.
#[expect(unsafe_code, reason = "std does not offer these calls")]
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
