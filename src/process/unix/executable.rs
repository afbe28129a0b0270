//! The file of a running process on Unix.

use std::{
    env,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
};

/// What distinguishes a file from the one that replaces it: device, inode, and the time of the last
/// change of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileStamp {
    device: u64,
    inode: u64,
    modified: (i64, i64),
}

impl FileStamp {
    /// The stamp of the file with this metadata.
    pub(in crate::process) fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            modified: (found.mtime(), found.mtime_nsec()),
        }
    }
}

/// The path and the stamp of the file that this process was started from.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(in crate::process) fn running() -> Option<(PathBuf, FileStamp)> {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

    // The kernel's link leads to the file itself, even after its name is gone.
    let file = fs::metadata("/proc/self/exe").ok()?;
    let mut path = env::current_exe().ok()?;
    if file.nlink() == 0 {
        // Replaced since it was started: the kernel marks the path.
        let name = path.as_os_str().as_bytes();
        let name = name.strip_suffix(b" (deleted)").unwrap_or(name).to_vec();
        path = std::ffi::OsString::from_vec(name).into();
    } else if FileStamp::of(&fs::metadata(&path).ok()?) != FileStamp::of(&file) {
        return None;
    }
    Some((path, FileStamp::of(&file)))
}

/// The path and the stamp of the file that this process was started from.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(in crate::process) fn running() -> Option<(PathBuf, FileStamp)> {
    let path = env::current_exe().ok()?;
    let stamp = FileStamp::of(&fs::metadata(&path).ok()?);
    Some((path, stamp))
}
