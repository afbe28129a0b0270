//! Protection of this process's memory, which contains a key for a moment.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

/// Keeps other processes of the user from tracing this process and from dumping its memory, as far
/// as the system can. Other users cannot do either. It costs two system calls.
///
/// On Windows there is nothing to do: it dumps no core, and a process of the same user has the
/// right to read the memory in any case.
pub fn protect_process() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    linux::protect();
    #[cfg(target_os = "macos")]
    macos::protect();
}
