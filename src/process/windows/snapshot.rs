//! The processes of all users, at one moment.

#![expect(unsafe_code, reason = "calls the Windows API")]

use std::{
    io, mem,
    os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle},
};

use windows_sys::Win32::{
    Foundation::INVALID_HANDLE_VALUE,
    System::Diagnostics::ToolHelp::{
        CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW,
        TH32CS_SNAPPROCESS,
    },
};

/// A process, which may have ended since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its id.
    pub(crate) pid: u32,
    /// The id of the process that started it, which may have ended long ago.
    pub(crate) parent: u32,
    /// The file name of its program.
    pub(crate) program: String,
}

/// Returns all processes.
///
/// # Errors
///
/// Those of the system.
pub(crate) fn entries() -> io::Result<Vec<Entry>> {
    // SAFETY: the arguments are numbers.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just returned this handle, and nothing else owns it.
    let snapshot = unsafe { OwnedHandle::from_raw_handle(snapshot) };
    // SAFETY: the type consists of integers and an array of them, for which zero is valid.
    let mut found: PROCESSENTRY32W = unsafe { mem::zeroed() };
    found.dwSize = size_of_val(&found) as u32;
    let mut entries = Vec::new();
    // SAFETY: the handle is open, and `found` contains its own size.
    let mut succeeded = unsafe { Process32FirstW(snapshot.as_raw_handle(), &raw mut found) };
    while succeeded != 0 {
        let name = found.szExeFile.split(|unit| *unit == 0).next();
        entries.push(Entry {
            pid: found.th32ProcessID,
            parent: found.th32ParentProcessID,
            program: String::from_utf16_lossy(name.unwrap_or_default()),
        });
        // SAFETY: as above.
        succeeded = unsafe { Process32NextW(snapshot.as_raw_handle(), &raw mut found) };
    }
    Ok(entries)
}
