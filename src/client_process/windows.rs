//! `CreateToolhelp32Snapshot` and `GetProcessTimes`.

#![expect(unsafe_code, reason = "calls the Windows API")]

use std::{
    mem,
    os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle},
};

use windows_sys::Win32::{
    Foundation::{FILETIME, INVALID_HANDLE_VALUE},
    System::{
        Diagnostics::ToolHelp::{
            CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW,
            TH32CS_SNAPPROCESS,
        },
        Threading::{GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION},
    },
};

use super::Process;

pub(super) fn look_up(pid: u32) -> Option<Process> {
    let entry = find(pid)?;
    let end = entry.szExeFile.iter().position(|unit| *unit == 0)?;
    let executable = String::from_utf16_lossy(&entry.szExeFile[..end]);
    Some(Process {
        pid,
        parent: entry.th32ParentProcessID,
        name: executable.clone(),
        executable: Some(executable),
        started: started(pid)?,
    })
}

fn find(pid: u32) -> Option<PROCESSENTRY32W> {
    // SAFETY: the arguments are numbers.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return None;
    }
    // SAFETY: the call has just returned this handle, and nothing else owns it.
    let snapshot = unsafe { OwnedHandle::from_raw_handle(snapshot) };
    // SAFETY: the type consists of integers and an array of them, for which zero is valid.
    let mut entry: PROCESSENTRY32W = unsafe { mem::zeroed() };
    entry.dwSize = u32::try_from(size_of_val(&entry)).ok()?;
    // SAFETY: the handle is open, and `entry` contains its own size.
    let mut found = unsafe { Process32FirstW(snapshot.as_raw_handle(), &raw mut entry) } != 0;
    while found {
        if entry.th32ProcessID == pid {
            return Some(entry);
        }
        // SAFETY: as above.
        found = unsafe { Process32NextW(snapshot.as_raw_handle(), &raw mut entry) } != 0;
    }
    None
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
