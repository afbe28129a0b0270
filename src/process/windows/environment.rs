//! The environment that the system makes for a user's login, whatever this process inherited.

#![expect(
    unsafe_code,
    reason = "windows-sys has no safe wrapper for environment blocks"
)]

use std::{
    ffi::{OsString, c_void},
    io,
    os::windows::{ffi::OsStringExt as _, io::AsRawHandle as _},
    ptr, slice,
};

use windows_sys::Win32::{
    Security::{TOKEN_DUPLICATE, TOKEN_QUERY},
    System::Environment::{CreateEnvironmentBlock, DestroyEnvironmentBlock},
};

use super::token;

/// Returns the variables of this process's user: those of the system, of the user's profile, and
/// those that the user has set for all programs.
///
/// # Errors
///
/// Those of the system.
pub(crate) fn of_login() -> io::Result<Vec<(OsString, OsString)>> {
    const INHERIT: i32 = 0;

    let token = token::own(TOKEN_QUERY | TOKEN_DUPLICATE)?;
    let mut block = Block(ptr::null_mut());
    // SAFETY: `block` is a live place for a pointer, and the token is open.
    if unsafe { CreateEnvironmentBlock(&raw mut block.0, token.as_raw_handle(), INHERIT) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(block.entries())
}

/// Strings that each end with a zero, and an empty one after them.
struct Block(*mut c_void);

impl Block {
    /// The variables. The block is not null.
    fn entries(&self) -> Vec<(OsString, OsString)> {
        let mut entries = Vec::new();
        let mut at = self.0.cast::<u16>().cast_const();
        loop {
            // SAFETY: the string that starts at `at` ends with a zero.
            let len = (0..)
                .take_while(|&unit| unsafe { *at.add(unit) } != 0)
                .count();
            if len == 0 {
                return entries;
            }
            // SAFETY: the string has that many units, and lives as long as `self`.
            entries.extend(variable(unsafe { slice::from_raw_parts(at, len) }));
            // SAFETY: behind the zero starts another string, if only the empty one.
            at = unsafe { at.add(len + 1) };
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the system has made the block to be freed in this way, and it is freed once.
            unsafe { DestroyEnvironmentBlock(self.0) };
        }
    }
}

/// Splits `NAME=VALUE`. `None` for the entries of the shell, whose names start with `=`.
fn variable(entry: &[u16]) -> Option<(OsString, OsString)> {
    let equals = entry.iter().position(|unit| *unit == u16::from(b'='))?;
    let (name, value) = (&entry[..equals], &entry[equals + 1..]);
    (!name.is_empty()).then(|| (OsString::from_wide(name), OsString::from_wide(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_has_the_directories_of_the_user() {
        let variables = of_login().unwrap();
        for expected in ["APPDATA", "LOCALAPPDATA", "SystemRoot", "USERPROFILE"] {
            let found = variables
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(expected));
            let directory = std::path::Path::new(&found.expect(expected).1);
            assert!(
                directory.is_absolute(),
                "{expected}={}",
                directory.display()
            );
        }
    }

    #[test]
    fn a_name_ends_at_the_first_equals_sign() {
        let split = |entry: &str| variable(&entry.encode_utf16().collect::<Vec<_>>());
        assert_eq!(split("A=b=c"), Some(("A".into(), "b=c".into())));
        assert_eq!(split("A="), Some(("A".into(), "".into())));
        assert_eq!(split("=C:=C:\\x"), None);
        assert_eq!(split("A"), None);
    }
}
