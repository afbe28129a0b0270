//! The access token of a process.

#![expect(
    unsafe_code,
    reason = "windows-sys has no safe wrapper for handles and tokens"
)]

use std::{
    io,
    os::windows::io::{FromRawHandle as _, OwnedHandle, RawHandle},
    ptr,
};

use windows_sys::Win32::{
    Security::TOKEN_ACCESS_MASK,
    System::Threading::{GetCurrentProcess, OpenProcessToken},
};

/// Opens the token of this process with these rights.
///
/// # Errors
///
/// Those of the system.
pub(super) fn own(rights: TOKEN_ACCESS_MASK) -> io::Result<OwnedHandle> {
    // SAFETY: the call has no arguments, and its pseudo-handle needs no closing.
    of(unsafe { GetCurrentProcess() }, rights)
}

/// Opens the token of a process, whose handle is open, with these rights.
///
/// # Errors
///
/// Those of the system.
pub(super) fn of(process: RawHandle, rights: TOKEN_ACCESS_MASK) -> io::Result<OwnedHandle> {
    let mut token = ptr::null_mut();
    // SAFETY: on an invalid handle the call fails; `token` is live.
    if unsafe { OpenProcessToken(process, rights, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle has just been opened and has no other owner.
    Ok(unsafe { OwnedHandle::from_raw_handle(token) })
}
