//! A snapshot of all processes, and `GetProcessTimes`.

#![expect(unsafe_code, reason = "calls the Windows API")]

use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use windows_sys::Win32::{
    Foundation::FILETIME,
    System::Threading::{GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION},
};

use super::Process;
use crate::process::snapshot;

pub(super) fn look_up(pid: u32) -> Option<Process> {
    let entry = snapshot::entries()
        .ok()?
        .into_iter()
        .find(|entry| entry.pid == pid)?;
    Some(Process {
        pid,
        parent: entry.parent,
        name: entry.program.clone(),
        executable: Some(entry.program.into()),
        started: started(pid)?,
    })
}

/// The start time of a process, in microseconds since 1601.
fn started(pid: u32) -> Option<u64> {
    // SAFETY: the arguments are numbers.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return None;
    }
    // SAFETY: the call has just returned this handle, and nothing else owns it.
    let process = unsafe { OwnedHandle::from_raw_handle(process) };
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
