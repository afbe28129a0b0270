//! What only one kind of system has: the file of each has the same items.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use self::unix::{
    changed_at, free_space, has_runtime_dirs, is_executable, is_noexec, is_writable, kernel,
    network_file_system, umask,
};
#[cfg(windows)]
pub(super) use self::windows::{
    changed_at, free_space, has_runtime_dirs, is_executable, is_noexec, is_writable, kernel,
    network_file_system, umask,
};
