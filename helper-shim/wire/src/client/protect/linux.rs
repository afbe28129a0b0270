//! Not dumpable: the kernel writes no core of the process, and refuses ptrace and
//! `/proc/PID/mem` to other processes of the user.

use std::ffi::{c_int, c_ulong};

/// See prctl(2) and getrlimit(2). A kernel that refuses it leaves the process as any other is.
#[expect(unsafe_code, reason = "std does not offer these calls")]
pub(super) fn protect() {
    const PR_SET_DUMPABLE: c_int = 4;
    const RLIMIT_CORE: c_int = 4;
    let none = Rlimit { soft: 0, hard: 0 };
    // SAFETY: the option takes a number and accesses no memory.
    unsafe {
        prctl(
            PR_SET_DUMPABLE,
            0 as c_ulong,
            0 as c_ulong,
            0 as c_ulong,
            0 as c_ulong,
        )
    };
    // SAFETY: `none` is a `struct rlimit`, live during the call, which only reads it.
    unsafe { setrlimit(RLIMIT_CORE, &raw const none) };
}

#[repr(C)]
struct Rlimit {
    soft: c_ulong,
    hard: c_ulong,
}

// SAFETY: the declarations are those of <sys/prctl.h> and <sys/resource.h>.
#[expect(unsafe_code, reason = "std does not offer these calls")]
unsafe extern "C" {
    fn prctl(option: c_int, ...) -> c_int;
    fn setrlimit(resource: c_int, limit: *const Rlimit) -> c_int;
}
