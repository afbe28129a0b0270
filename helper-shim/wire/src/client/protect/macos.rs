//! No debugger, and no core.

use std::ffi::{c_char, c_int};

/// See ptrace(2) and getrlimit(2).
#[expect(unsafe_code, reason = "std does not offer these calls")]
pub(super) fn protect() {
    const PT_DENY_ATTACH: c_int = 31;
    const RLIMIT_CORE: c_int = 4;
    let none = Rlimit { soft: 0, hard: 0 };
    // SAFETY: the request ignores its other arguments and accesses no memory.
    unsafe { ptrace(PT_DENY_ATTACH, 0, std::ptr::null_mut(), 0) };
    // SAFETY: `none` is a `struct rlimit`, live during the call, which only reads it.
    unsafe { setrlimit(RLIMIT_CORE, &raw const none) };
}

#[repr(C)]
struct Rlimit {
    soft: u64,
    hard: u64,
}

// SAFETY: the declarations are those of <sys/ptrace.h> and <sys/resource.h>.
#[expect(unsafe_code, reason = "std does not offer these calls")]
unsafe extern "C" {
    fn ptrace(request: c_int, pid: c_int, address: *mut c_char, data: c_int) -> c_int;
    fn setrlimit(resource: c_int, limit: *const Rlimit) -> c_int;
}
