//! The user's directories and the machine on Unix.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::paths::Owner;

/// The search path of a daemon and its programs.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Whether the user is root.
pub(super) fn is_root() -> bool {
    geteuid() == 0
}

/// Returns the directory that a login makes for the user's sockets; it need not exist.
#[must_use]
pub fn runtime_dir() -> PathBuf {
    PathBuf::from(format!("/run/user/{}", geteuid()))
}

/// Returns the owner of a directory, links followed.
#[must_use]
pub fn owner(directory: &Path) -> Owner {
    match fs::metadata(directory) {
        Ok(found) if found.is_dir() && found.uid() == geteuid() => Owner::User {
            others_write: found.mode() & 0o022 != 0,
        },
        Ok(found) if found.is_dir() => Owner::Other(found.uid()),
        _ => Owner::Unknown,
    }
}

/// Returns the place of the managed configuration, which does not depend on the environment.
#[must_use]
pub fn managed_config() -> PathBuf {
    if cfg!(target_os = "macos") {
        PathBuf::from("/Library/Application Support/Claviger/config.toml")
    } else {
        PathBuf::from("/etc/claviger/config.toml")
    }
}

/// Returns this host's name; empty if the system does not report it.
#[must_use]
pub fn host_name() -> String {
    if cfg!(any(target_os = "linux", target_os = "android")) {
        let name = fs::read_to_string("/proc/sys/kernel/hostname");
        return name.unwrap_or_default().trim_end().to_owned();
    }
    system_host_name()
}

#[expect(unsafe_code, reason = "std does not offer this call")]
fn system_host_name() -> String {
    let mut name = [0_u8; 256];
    // SAFETY: the pointer and the length are those of one live array, whose last byte stays zero.
    if unsafe { gethostname(name.as_mut_ptr().cast(), name.len() - 1) } != 0 {
        return String::new();
    }
    let len = name.iter().position(|byte| *byte == 0).unwrap_or_default();
    String::from_utf8_lossy(&name[..len]).into_owned()
}

// SAFETY: the declarations are those of POSIX, <unistd.h>; geteuid has no preconditions and cannot
// fail.
#[expect(unsafe_code, reason = "std does not offer these calls")]
unsafe extern "C" {
    safe fn geteuid() -> u32;
    fn gethostname(name: *mut std::ffi::c_char, len: usize) -> i32;
}
