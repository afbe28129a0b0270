//! Security identifiers (SIDs) in their text form: `S-1-…`.

#![expect(
    unsafe_code,
    reason = "windows-sys has no safe wrapper for tokens and identifiers"
)]

use std::{
    io,
    os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle},
    ptr,
};

use windows_sys::Win32::{
    Foundation::LocalFree,
    Security::{
        Authorization::ConvertSidToStringSidW, GetTokenInformation, PSID, TOKEN_QUERY, TOKEN_USER,
        TokenUser,
    },
    System::Threading::{OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION},
};

use super::token;

/// Returns the SID of this process's user.
///
/// # Errors
///
/// Those of the system.
pub(crate) fn own() -> io::Result<String> {
    of_token(&token::own(TOKEN_QUERY)?)
}

/// Returns the SID of the user of the process `pid`.
///
/// # Errors
///
/// Those of the system: the process has ended, or this user may not query it.
pub(crate) fn of_process(pid: u32) -> io::Result<String> {
    // SAFETY: the call has only numbers as arguments.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle has just been opened and has no other owner.
    let process = unsafe { OwnedHandle::from_raw_handle(process) };
    of_token(&token::of(process.as_raw_handle(), TOKEN_QUERY)?)
}

/// Returns the text form of `sid`.
///
/// # Errors
///
/// Those of the system: the identifier is invalid, or memory is exhausted.
///
/// # Safety
///
/// `sid` points to an identifier that is live during the call.
pub(crate) unsafe fn text(sid: PSID) -> io::Result<String> {
    let mut text = ptr::null_mut();
    // SAFETY: the caller guarantees `sid`; `text` is live.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the function has succeeded, so `text` is a string that ends with a zero.
    let length = (0..)
        .take_while(|&at| unsafe { *text.add(at) } != 0)
        .count();
    // SAFETY: the string has that many units.
    let owned = String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text, length) });
    // SAFETY: the system allocated the string for LocalFree, and it is freed once.
    unsafe { LocalFree(text.cast()) };
    Ok(owned)
}

fn of_token(token: &OwnedHandle) -> io::Result<String> {
    /// The room for a TOKEN_USER, which is a pointer and a number, and an identifier of at most 68
    /// bytes, in units of 8 bytes for the alignment.
    const UNITS: usize = 16;

    let mut user = [0_u64; UNITS];
    let (length, mut needed) = (size_of_val(&user) as u32, 0);
    // SAFETY: `user` has `length` bytes, aligned for a pointer; `needed` is live.
    let succeeded = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            user.as_mut_ptr().cast(),
            length,
            &raw mut needed,
        )
    };
    if succeeded == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has filled `user` with a `TOKEN_USER`, whose pointer points into `user`.
    let sid = unsafe { (*user.as_ptr().cast::<TOKEN_USER>()).User.Sid };
    // SAFETY: as above; `user` is live.
    unsafe { text(sid) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_belongs_to_its_user() {
        let user = own().unwrap();
        assert!(user.starts_with("S-1-"), "{user}");
        assert_eq!(of_process(std::process::id()).unwrap(), user);
    }
}
