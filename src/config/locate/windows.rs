//! Windows.

use std::{
    ffi::OsString,
    os::windows::ffi::OsStringExt as _,
    path::{Component, PathBuf},
};

use windows_sys::Win32::{
    Foundation::MAX_PATH, System::SystemInformation::GetSystemWindowsDirectoryW,
};

/// The managed configuration: `ProgramData` on the drive of Windows. The variable of that name is
/// ignored, because every user can set it and so avoid the managed configuration.
pub(super) fn managed() -> PathBuf {
    let mut drive = PathBuf::from("C:");
    if let Some(Component::Prefix(prefix)) = windows_directory().components().next() {
        drive = PathBuf::from(prefix.as_os_str());
    }
    drive.push("\\");
    drive.join("ProgramData\\Claviger\\config.toml")
}

/// The user's own configuration.
pub(super) fn user(env: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let data = env("APPDATA").filter(|path| path.is_absolute());
    let data = data.or_else(|| Some(std::env::home_dir()?.join("AppData\\Roaming")))?;
    Some(data.join("Claviger\\config.toml"))
}

/// The directory of Windows; empty if the system does not report it.
fn windows_directory() -> PathBuf {
    let mut buffer = [0_u16; MAX_PATH as usize];
    #[expect(unsafe_code, reason = "there is no safe wrapper")]
    // SAFETY: pointer and length are those of one live array; at most that many units are written.
    let length = unsafe { GetSystemWindowsDirectoryW(buffer.as_mut_ptr(), MAX_PATH) };
    let text = buffer.get(..length as usize).unwrap_or_default();
    PathBuf::from(OsString::from_wide(text))
}
