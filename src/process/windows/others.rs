//! The other processes of this program, whichever users they belong to.

#![expect(unsafe_code, reason = "calls the Windows API")]

use std::{
    env,
    ffi::OsString,
    io,
    os::windows::{
        ffi::OsStringExt as _,
        io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle, RawHandle},
    },
    path::{Path, PathBuf},
    ptr,
    time::Duration,
};

use windows_sys::Win32::{
    Foundation::{LUID, WAIT_OBJECT_0},
    Security::{
        AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_DEBUG_NAME,
        SE_PRIVILEGE_ENABLED, TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES, TOKEN_QUERY,
    },
    System::Threading::{
        OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, PROCESS_TERMINATE,
        QueryFullProcessImageNameW, TerminateProcess, WaitForSingleObject,
    },
};

use super::{snapshot, token};

/// The longest path on Windows.
const PATH_UNITS: usize = 32_768;

/// Ends each other process that was started from the file of this one, and waits up to `timeout`
/// for its end. Returns their ids with what became of them.
///
/// The kernel discards their memory, and the secrets with it: they cannot wipe anything themselves.
///
/// # Errors
///
/// Those of the system, if it reports no processes.
pub(crate) fn end_others(timeout: Duration) -> io::Result<Vec<(u32, io::Result<()>)>> {
    allow_foreign_processes();
    let own = env::current_exe()?;
    let name = own.file_name().unwrap_or_default().to_string_lossy();
    let mut ended = Vec::new();
    for entry in snapshot::entries()? {
        if entry.pid == std::process::id() || !entry.program.eq_ignore_ascii_case(&name) {
            continue;
        }
        match end(entry.pid, &own, timeout) {
            Ok(false) => {}
            Ok(true) => ended.push((entry.pid, Ok(()))),
            Err(error) => ended.push((entry.pid, Err(error))),
        }
    }
    Ok(ended)
}

/// Ends a process of `program`. Returns false if it was started from another file.
fn end(pid: u32, program: &Path, timeout: Duration) -> io::Result<bool> {
    let rights = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_TERMINATE | PROCESS_SYNCHRONIZE;
    // SAFETY: the arguments are numbers.
    let process = unsafe { OpenProcess(rights, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just returned this handle, and nothing else owns it.
    let process = unsafe { OwnedHandle::from_raw_handle(process) };
    let process = process.as_raw_handle();
    if !image(process)?
        .as_os_str()
        .eq_ignore_ascii_case(program.as_os_str())
    {
        return Ok(false);
    }
    // SAFETY: the handle is open with this right. On a process that has just ended the call fails,
    // which the wait below shows to be no failure.
    let terminated = unsafe { TerminateProcess(process, 1) } != 0;
    let error = io::Error::last_os_error();
    let timeout = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    // SAFETY: the handle is open with this right.
    match unsafe { WaitForSingleObject(process, timeout) } {
        WAIT_OBJECT_0 => Ok(true),
        _ if terminated => Err(io::ErrorKind::TimedOut.into()),
        _ => Err(error),
    }
}

/// The file that a process was started from.
fn image(process: RawHandle) -> io::Result<PathBuf> {
    let mut path = vec![0; PATH_UNITS];
    let mut len = PATH_UNITS as u32;
    // SAFETY: `path` has `len` units, and both outlive the call.
    let succeeded =
        unsafe { QueryFullProcessImageNameW(process, 0, path.as_mut_ptr(), &raw mut len) };
    if succeeded == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(OsString::from_wide(&path[..len as usize]).into())
}

/// Enables the privilege to open processes of other users. Only an administrator has it: for
/// another user this changes nothing.
fn allow_foreign_processes() {
    let Ok(token) = token::own(TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY) else {
        return;
    };
    let mut privilege = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES {
            Luid: LUID::default(),
            Attributes: SE_PRIVILEGE_ENABLED,
        }],
    };
    let luid = &raw mut privilege.Privileges[0].Luid;
    // SAFETY: the name is a string that ends with a zero, and `luid` is live.
    if unsafe { LookupPrivilegeValueW(ptr::null(), SE_DEBUG_NAME, luid) } == 0 {
        return;
    }
    // SAFETY: the token is open with this right, and `privilege` contains its own length.
    unsafe {
        AdjustTokenPrivileges(
            token.as_raw_handle(),
            0,
            &raw const privilege,
            0,
            ptr::null_mut(),
            ptr::null_mut(),
        );
    }
}
