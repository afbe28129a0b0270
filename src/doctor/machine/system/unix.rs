//! Unix.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use rustix::fs::{Access, access, statvfs};

use crate::clock::Timestamp;

/// Whether the system makes a runtime directory for each user who logs in.
pub(in crate::doctor::machine) const fn has_runtime_dirs() -> bool {
    cfg!(target_os = "linux")
}

/// The permissions that new files of this process lack. Reading it otherwise than from `/proc`
/// would set it.
pub(in crate::doctor::machine) fn umask() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}

/// The release of the kernel; empty if it is not known.
pub(in crate::doctor::machine) fn kernel() -> String {
    let release = rustix::system::uname();
    release.release().to_string_lossy().into_owned()
}

/// Whether this user may run the file.
pub(in crate::doctor::machine) fn is_executable(path: &Path) -> bool {
    access(path, Access::EXEC_OK).is_ok()
}

/// Whether this user may create files in the directory.
pub(in crate::doctor::machine) fn is_writable(directory: &Path) -> bool {
    access(directory, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// Whether the file system of the file is mounted so that no program of it runs.
#[cfg(target_os = "linux")]
pub(in crate::doctor::machine) fn is_noexec(path: &Path) -> bool {
    statvfs(path).is_ok_and(|found| found.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC))
}

/// Unknown.
#[cfg(not(target_os = "linux"))]
pub(in crate::doctor::machine) const fn is_noexec(_: &Path) -> bool {
    false
}

/// The bytes that this user can still write in the file system of `path`.
pub(in crate::doctor::machine) fn free_space(path: &Path) -> Option<u64> {
    let found = statvfs(path).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

/// The name of the file system of `path`, if other hosts may have it, too: see statfs(2).
#[cfg(target_os = "linux")]
pub(in crate::doctor::machine) fn network_file_system(path: &Path) -> Option<&'static str> {
    let found = rustix::fs::statfs(path).ok()?;
    // The type is signed on some architectures; the numbers have 32 bits.
    match found.f_type & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => Some("SMB"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        0x0102_1997 => Some("9P"),
        0x0bd0_0bd0 => Some("Lustre"),
        _ => None,
    }
}

/// Unknown.
#[cfg(not(target_os = "linux"))]
pub(in crate::doctor::machine) const fn network_file_system(_: &Path) -> Option<&'static str> {
    None
}

/// When the file with this name was last changed, or put there: unlike its content's time, this one
/// cannot be that of its build.
pub(in crate::doctor::machine) fn changed_at(path: &Path) -> Option<Timestamp> {
    Timestamp::from_second(fs::metadata(path).ok()?.ctime()).ok()
}
