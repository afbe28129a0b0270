//! Windows: a user's directories have an access list that excludes other users.

use std::{fs, path::Path};

use crate::clock::Timestamp;

/// There are none.
pub(in crate::doctor::machine) const fn has_runtime_dirs() -> bool {
    false
}

/// There is none.
pub(in crate::doctor::machine) const fn umask() -> Option<u32> {
    None
}

/// Unknown: WSL is Linux.
pub(in crate::doctor::machine) const fn kernel() -> String {
    String::new()
}

/// Whether Windows runs a file depends on its name.
pub(in crate::doctor::machine) const fn is_executable(_: &Path) -> bool {
    true
}

/// Whether the directory can be written by default.
pub(in crate::doctor::machine) fn is_writable(directory: &Path) -> bool {
    fs::metadata(directory).is_ok_and(|found| !found.permissions().readonly())
}

/// File systems have no option for it.
pub(in crate::doctor::machine) const fn is_noexec(_: &Path) -> bool {
    false
}

/// Unknown.
pub(in crate::doctor::machine) const fn free_space(_: &Path) -> Option<u64> {
    None
}

/// Unknown.
pub(in crate::doctor::machine) const fn network_file_system(_: &Path) -> Option<&'static str> {
    None
}

/// When the content of the file was last changed.
pub(in crate::doctor::machine) fn changed_at(path: &Path) -> Option<Timestamp> {
    Timestamp::try_from(fs::metadata(path).ok()?.modified().ok()?).ok()
}
