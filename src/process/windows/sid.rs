//! Security identifiers, in their text form: `S-1-…`.

#![expect(unsafe_code, reason = "tokens and identifiers have no safe wrapper")]

use std::{
    io,
    os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle, RawHandle},
    ptr,
};

use windows_sys::Win32::{
    Foundation::LocalFree,
    Security::{
        Authorization::ConvertSidToStringSidW, GetTokenInformation, PSID, TOKEN_QUERY, TOKEN_USER,
        TokenUser,
    },
    System::Threading::{
        GetCurrentProcess, OpenProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION,
    },
};

/// This process's user.
///
/// # Errors
///
/// The system's.
pub(crate) fn own() -> io::Result<String> {
    // SAFETY: the call has no arguments, and its pseudo-handle needs no closing.
    of_open_process(unsafe { GetCurrentProcess() })
}

/// The user of the process `pid`.
///
/// # Errors
///
/// The system's: there is no such process any more, or it is not ours to look at.
pub(crate) fn of_process(pid: u32) -> io::Result<String> {
    // SAFETY: the call takes numbers only.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle has just been opened, and nobody else has it.
    let process = unsafe { OwnedHandle::from_raw_handle(process) };
    of_open_process(process.as_raw_handle())
}

/// The text form of `sid`.
///
/// # Errors
///
/// The system's: it is not one after all, or there is no memory.
///
/// # Safety
///
/// `sid` points to an identifier that lives as long as the call.
pub(crate) unsafe fn text(sid: PSID) -> io::Result<String> {
    let mut text = ptr::null_mut();
    // SAFETY: the caller's for `sid`; `text` is a live place for a pointer.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the function has succeeded, so this is a string that a zero ends.
    let length = (0..)
        .take_while(|&at| unsafe { *text.add(at) } != 0)
        .count();
    // SAFETY: that many units are there.
    let owned = String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text, length) });
    // SAFETY: the system made it for us to free in this way.
    unsafe { LocalFree(text.cast()) };
    Ok(owned)
}

fn of_open_process(process: RawHandle) -> io::Result<String> {
    /// A pointer, a number, and behind them the identifier of at most 68 bytes. In eights, for the alignment.
    const WORDS: usize = 16;

    let mut token = ptr::null_mut();
    // SAFETY: `process` is a process's handle; `token` is a live place for one.
    if unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle has just been opened, and nobody else has it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };

    let mut user = [0_u64; WORDS];
    let (length, mut needed) = (size_of_val(&user) as u32, 0);
    // SAFETY: `user` has `length` bytes, aligned for a pointer; `needed` is a live place for a number.
    let told = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            user.as_mut_ptr().cast(),
            length,
            &raw mut needed,
        )
    };
    if told == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has filled `user` with a `TOKEN_USER`, whose pointer is into `user`.
    let sid = unsafe { (*user.as_ptr().cast::<TOKEN_USER>()).User.Sid };
    // SAFETY: as above; `user` is still there.
    unsafe { text(sid) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_process_is_ours() {
        let user = own().unwrap();
        assert!(user.starts_with("S-1-"), "{user}");
        assert_eq!(of_process(std::process::id()).unwrap(), user);
    }
}
