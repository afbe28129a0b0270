//! The access list of this process: what other processes of the user may do with it.

#![expect(unsafe_code, reason = "calls the Windows API")]

use std::{io, ptr};

use windows_sys::Win32::{
    Foundation::LocalFree,
    Security::{
        Authorization::{ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1},
        DACL_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR,
        SetKernelObjectSecurity,
    },
    System::Threading::{
        GetCurrentProcess, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE,
        PROCESS_TERMINATE,
    },
};

use super::sid;

/// What the user's other processes may still do: see that it runs, wait for its end, end it.
const RIGHTS: u32 = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE | PROCESS_TERMINATE;

/// Takes from the user's other processes the rights to read and write this process's memory, to
/// duplicate its handles and to start threads in it. Administrators have a privilege that ignores
/// access lists.
///
/// # Errors
///
/// Those of the system.
pub(super) fn restrict() -> io::Result<()> {
    let list: Vec<u16> = access_list(&sid::own()?)
        .encode_utf16()
        .chain([0])
        .collect();
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the list ends with a zero, and `descriptor` is live.
    let converted = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            list.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            ptr::null_mut(),
        )
    };
    if converted == 0 {
        return Err(io::Error::last_os_error());
    }
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the pseudo-handle of this process has all rights, and the call above has made the
    // descriptor.
    let set = unsafe { SetKernelObjectSecurity(GetCurrentProcess(), what, descriptor) };
    let error = io::Error::last_os_error();
    // SAFETY: the system allocated the descriptor for LocalFree, and it is freed once.
    unsafe { LocalFree(descriptor) };
    match set {
        0 => Err(error),
        _ => Ok(()),
    }
}

/// The list for a process of `user`, a SID, in the security descriptor definition language.
///
/// `SY`: the system. `OW`: the owner, who could otherwise replace the list.
fn access_list(user: &str) -> String {
    format!("D:P(A;;GA;;;SY)(A;;{RIGHTS:#x};;;OW)(A;;{RIGHTS:#x};;;{user})")
}

#[cfg(test)]
mod tests {
    use windows_sys::Win32::{
        Foundation::{CloseHandle, ERROR_ACCESS_DENIED},
        System::Threading::{
            OpenProcess, PROCESS_CREATE_THREAD, PROCESS_DUP_HANDLE, PROCESS_VM_READ,
            PROCESS_VM_WRITE,
        },
    };

    use super::*;

    #[test]
    fn the_user_may_wait_and_end_and_nothing_else() {
        assert_eq!(
            access_list("S-1-5-21-1"),
            "D:P(A;;GA;;;SY)(A;;0x101001;;;OW)(A;;0x101001;;;S-1-5-21-1)"
        );
    }

    #[test]
    fn the_memory_cannot_be_opened() {
        restrict().unwrap();
        let open = |rights| {
            // SAFETY: the arguments are numbers.
            let process = unsafe { OpenProcess(rights, 0, std::process::id()) };
            let error = io::Error::last_os_error().raw_os_error();
            if process.is_null() {
                return Err(error);
            }
            // SAFETY: the handle has just been opened, and is closed once.
            unsafe { CloseHandle(process) };
            Ok(())
        };
        assert_eq!(open(RIGHTS), Ok(()));
        for denied in [
            PROCESS_VM_READ,
            PROCESS_VM_WRITE,
            PROCESS_DUP_HANDLE,
            PROCESS_CREATE_THREAD,
        ] {
            assert_eq!(
                open(denied),
                Err(Some(ERROR_ACCESS_DENIED as i32)),
                "{denied:#x}"
            );
        }
    }
}
