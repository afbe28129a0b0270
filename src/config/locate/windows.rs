//! Windows.

use std::{
    ffi::OsString,
    os::windows::ffi::OsStringExt as _,
    path::{Component, PathBuf},
};

use windows_sys::Win32::{
    Foundation::MAX_PATH, System::SystemInformation::GetSystemWindowsDirectoryW,
};

/// The managed configuration: `ProgramData` on the drive that Windows is on. The variable of that name is not asked, as
/// every user can set it for the own processes and so be rid of what is managed.
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

/// Empty where the system does not say.
fn windows_directory() -> PathBuf {
    let mut buffer = [0_u16; MAX_PATH as usize];
    #[expect(unsafe_code, reason = "there is no safe wrapper")]
    // SAFETY: the pointer and the length are one live array's; no more than that many units are written.
    let length = unsafe { GetSystemWindowsDirectoryW(buffer.as_mut_ptr(), MAX_PATH) };
    let text = buffer.get(..length as usize).unwrap_or_default();
    PathBuf::from(OsString::from_wide(text))
}
