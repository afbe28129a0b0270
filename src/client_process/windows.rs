//! A snapshot of all processes, `GetProcessTimes` and `QueryFullProcessImageNameW`.

#![expect(unsafe_code, reason = "calls the Windows API")]

use std::{
    ffi::OsString,
    os::windows::{
        ffi::OsStringExt as _,
        io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle},
    },
    path::PathBuf,
};

use windows_sys::Win32::{
    Foundation::FILETIME,
    System::Threading::{
        GetProcessTimes, OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION,
        QueryFullProcessImageNameW,
    },
};

use super::Process;
use crate::{
    process::snapshot,
    trust::{ManagedOwner, TrustError},
};

/// The longest path, in units of UTF-16, with the zero at its end.
const MAX_PATH_UNITS: usize = 32_768;

/// The process `pid`, without its executable.
pub(super) fn describe(pid: u32) -> Option<Process> {
    let entry = snapshot::entries()
        .ok()?
        .into_iter()
        .find(|entry| entry.pid == pid)?;
    Some(Process {
        pid,
        parent: entry.parent,
        name: entry.program,
        executable: None,
        started: started(&open(pid)?)?,
    })
}

/// The executable; `None` if the system does not reveal it.
pub(super) fn executable(pid: u32) -> Option<PathBuf> {
    let process = open(pid)?;
    let mut path = vec![0_u16; MAX_PATH_UNITS];
    let mut length = MAX_PATH_UNITS as u32;
    // SAFETY: the handle is open with the right that this needs; the buffer has `length` units, and
    // both outlive the call.
    let succeeded = unsafe {
        QueryFullProcessImageNameW(
            process.as_raw_handle(),
            PROCESS_NAME_WIN32,
            path.as_mut_ptr(),
            &raw mut length,
        )
    };
    let path = path.get(..usize::try_from(length).ok()?)?;
    (succeeded != 0).then(|| PathBuf::from(OsString::from_wide(path)))
}

/// The file that the process `pid` executes, judged by its path: it cannot be replaced meanwhile.
pub(super) fn judged(pid: u32, owner: &ManagedOwner) -> Option<(PathBuf, Result<(), TrustError>)> {
    let path = executable(pid)?;
    let ruling = owner.program(&path);
    Some((path, ruling))
}

/// Opens the process `pid` to query it.
fn open(pid: u32) -> Option<OwnedHandle> {
    // SAFETY: the arguments are numbers.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return None;
    }
    // SAFETY: the call has just returned this handle, and nothing else owns it.
    Some(unsafe { OwnedHandle::from_raw_handle(process) })
}

/// The start time of a process, in microseconds since 1601.
fn started(process: &OwnedHandle) -> Option<u64> {
    let zero = FILETIME {
        dwLowDateTime: 0,
        dwHighDateTime: 0,
    };
    let (mut created, mut exited, mut kernel, mut user) = (zero, zero, zero, zero);
    // SAFETY: the handle is open with the right that this needs, and the four values outlive the
    // call.
    let succeeded = unsafe {
        GetProcessTimes(
            process.as_raw_handle(),
            &raw mut created,
            &raw mut exited,
            &raw mut kernel,
            &raw mut user,
        )
    };
    // The system's unit is 100 ns.
    let ticks = (u64::from(created.dwHighDateTime) << 32) | u64::from(created.dwLowDateTime);
    (succeeded != 0).then_some(ticks / 10)
}
