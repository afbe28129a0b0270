//! The calls of the Credential Manager (wincred.h), as items with a name.

#![expect(
    unsafe_code,
    reason = "windows-sys has no safe wrapper for credentials"
)]

use std::{ffi::c_void, io, iter, ptr, slice};

use windows_sys::Win32::{
    Foundation::{ERROR_NO_SUCH_LOGON_SESSION, ERROR_NOT_FOUND},
    Security::Credentials::{
        CRED_PERSIST_LOCAL_MACHINE, CRED_TYPE_GENERIC, CREDENTIALW, CredDeleteW, CredEnumerateW,
        CredFree, CredReadW, CredWriteW,
    },
};
use zeroize::Zeroizing;

use super::NAME;
use crate::store::{StoreError, system::chunks::Items};

/// The user's generic credentials.
pub(super) struct Credentials;

impl Items for Credentials {
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let target = wide(name);
        let mut found = ptr::null_mut();
        // SAFETY: the name ends with a zero; `found` is a live place for a pointer.
        if unsafe { CredReadW(target.as_ptr(), CRED_TYPE_GENERIC, 0, &raw mut found) } == 0 {
            return absent(io::Error::last_os_error()).map(|()| None);
        }
        let allocated = Allocated(found.cast());
        // SAFETY: the call has allocated a credential, which lives as long as `allocated`.
        let credential = unsafe { &*found };
        let len = credential.CredentialBlobSize as usize;
        let value = match credential.CredentialBlob.is_null() {
            true => Vec::new(),
            // SAFETY: the value has this length and lives as long as `allocated`.
            false => unsafe { slice::from_raw_parts(credential.CredentialBlob, len) }.to_vec(),
        };
        drop(allocated);
        Ok(Some(Zeroizing::new(value)))
    }

    fn write(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let mut target = wide(name);
        // The call does not write to it, but does not say so in its type.
        let mut value = Zeroizing::new(value.to_vec());
        let credential = CREDENTIALW {
            Type: CRED_TYPE_GENERIC,
            TargetName: target.as_mut_ptr(),
            // A chunk is shorter than 2^32.
            CredentialBlobSize: value.len() as u32,
            CredentialBlob: value.as_mut_ptr(),
            Persist: CRED_PERSIST_LOCAL_MACHINE,
            ..CREDENTIALW::default()
        };
        // SAFETY: the credential and what it points to are live; the name ends with a zero.
        match unsafe { CredWriteW(&raw const credential, 0) } {
            0 => Err(failure(&io::Error::last_os_error())),
            _ => Ok(()),
        }
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        let target = wide(name);
        // SAFETY: the name ends with a zero.
        match unsafe { CredDeleteW(target.as_ptr(), CRED_TYPE_GENERIC, 0) } {
            0 => absent(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let filter = wide(&format!("{prefix}*"));
        let (mut count, mut list) = (0, ptr::null_mut());
        // SAFETY: the filter ends with a zero; `count` and `list` are live places of their types.
        if unsafe { CredEnumerateW(filter.as_ptr(), 0, &raw mut count, &raw mut list) } == 0 {
            return absent(io::Error::last_os_error()).map(|()| Vec::new());
        }
        let _allocated = Allocated(list.cast());
        // SAFETY: the call has allocated a list of this length, which lives until the end.
        let credentials = unsafe { slice::from_raw_parts(list, count as usize) };
        let names = credentials.iter().map(|&credential| {
            // SAFETY: every pointer of the list is to a credential that lives as long as the list.
            let name = unsafe { (*credential).TargetName };
            // SAFETY: the name of a credential ends with a zero.
            unsafe { text(name) }
        });
        Ok(names.collect())
    }

    fn damaged(&self) -> StoreError {
        StoreError::Corrupt {
            place: format!("a login in {NAME}"),
            reason: "its parts do not fit together".to_owned(),
            hint: "delete the credentials 'Claviger:…' there, then run claviger login".to_owned(),
        }
    }
}

/// Memory that the Credential Manager has allocated.
struct Allocated(*const c_void);

impl Drop for Allocated {
    fn drop(&mut self) {
        // SAFETY: the system allocated it to be freed in this way.
        unsafe { CredFree(self.0) };
    }
}

/// Succeeds if the error is that the credential does not exist.
fn absent(error: io::Error) -> Result<(), StoreError> {
    match error.raw_os_error().map(i32::cast_unsigned) {
        Some(ERROR_NOT_FOUND) => Ok(()),
        _ => Err(failure(&error)),
    }
}

fn failure(error: &io::Error) -> StoreError {
    match error.raw_os_error().map(i32::cast_unsigned) {
        Some(ERROR_NO_SUCH_LOGON_SESSION) => StoreError::Unavailable {
            store: NAME.to_owned(),
            reason: error.to_string(),
            hint: "start the daemon in a session with a password login, not over the network"
                .to_owned(),
        },
        _ => StoreError::failed(NAME, error.to_string()),
    }
}

/// `text` as the system takes it.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain(iter::once(0)).collect()
}

/// The text at `start`.
///
/// # Safety
///
/// It ends with a zero.
unsafe fn text(start: *const u16) -> String {
    let mut len = 0;
    // SAFETY: no place behind the zero is read.
    while unsafe { *start.add(len) } != 0 {
        len += 1;
    }
    // SAFETY: as many places have just been read.
    String::from_utf16_lossy(unsafe { slice::from_raw_parts(start, len) })
}
