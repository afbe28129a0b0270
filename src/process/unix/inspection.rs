//! Keeps the user's other processes from reading this process's memory.

#![cfg_attr(
    target_os = "macos",
    expect(unsafe_code, reason = "calls ptrace(2), which has no safe wrapper")
)]

/// Makes this process not dumpable: the kernel then refuses ptrace(2), and the files of `/proc`
/// that show memory or environment, to each process without the privilege to trace all. It is in no
/// core dump either.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn deny() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};

    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Lets no debugger attach.
#[cfg(target_os = "macos")]
pub(super) fn deny() {
    // SAFETY: this request uses none of the other arguments.
    unsafe { libc::ptrace(libc::PT_DENY_ATTACH, 0, std::ptr::null_mut(), 0) };
}

/// This system has no such setting.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
pub(super) fn deny() {}
