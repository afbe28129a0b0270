//! The user's directories and the machine on Windows.

use std::{
    ffi::OsString,
    os::windows::ffi::OsStringExt as _,
    path::{Component, Path, PathBuf},
};

use crate::paths::Owner;

/// The search path of a daemon and its programs, unless the system reports another directory.
pub const PATH: &str = r"C:\Windows\System32;C:\Windows";

/// Root in another user's environment is a matter of Unix.
pub(super) fn is_root() -> bool {
    false
}

/// Windows has no such directory.
#[must_use]
pub fn runtime_dir() -> PathBuf {
    PathBuf::new()
}

/// The directories in a user's profile have an access list that excludes other users.
#[must_use]
pub fn owner(_: &Path) -> Owner {
    Owner::Unknown
}

/// Returns the place of the managed configuration: `ProgramData` on the drive of Windows. The
/// variable of that name is ignored, because every user can set it and so avoid the managed
/// configuration.
#[must_use]
pub fn managed_config() -> PathBuf {
    let mut drive = PathBuf::from("C:");
    if let Some(Component::Prefix(prefix)) = windows_directory().components().next() {
        drive = PathBuf::from(prefix.as_os_str());
    }
    drive.push("\\");
    drive.join("ProgramData\\Claviger\\config.toml")
}

/// A pipe's name does not leave the host.
#[must_use]
pub fn host_name() -> String {
    String::new()
}

/// Returns the directory of Windows; empty if the system does not report it.
pub(in crate::client) fn windows_directory() -> PathBuf {
    const MAX_PATH: u32 = 260;
    let mut buffer = [0_u16; MAX_PATH as usize];
    #[expect(unsafe_code, reason = "std does not offer this call")]
    // SAFETY: pointer and length are those of one live array; at most that many units are written.
    let length = unsafe { GetSystemWindowsDirectoryW(buffer.as_mut_ptr(), MAX_PATH) };
    let text = buffer.get(..length as usize).unwrap_or_default();
    PathBuf::from(OsString::from_wide(text))
}

// SAFETY: the declaration is that of the Windows SDK, sysinfoapi.h.
#[expect(unsafe_code, reason = "std does not offer this call")]
#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetSystemWindowsDirectoryW(buffer: *mut u16, size: u32) -> u32;
}
