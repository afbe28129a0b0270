//! `proc_pidinfo` with `PROC_PIDTBSDINFO`. See `<sys/proc_info.h>`.

#![expect(unsafe_code, reason = "calls proc_pidinfo")]

use std::{ffi::CStr, mem};

use super::Process;

pub(super) fn look_up(pid: u32) -> Option<Process> {
    let pid = i32::try_from(pid).ok()?;
    // SAFETY: the type consists of integers and arrays of them, for which zero is valid.
    let mut info: libc::proc_bsdinfo = unsafe { mem::zeroed() };
    let size = i32::try_from(size_of_val(&info)).ok()?;
    // SAFETY: the buffer is `info`, which has `size` bytes and outlives the call.
    let filled =
        unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size) };
    if filled != size {
        return None;
    }
    let name = info.pbi_name.map(i8::cast_unsigned);
    Some(Process {
        parent: info.pbi_ppid,
        name: CStr::from_bytes_until_nul(&name)
            .ok()?
            .to_string_lossy()
            .into_owned(),
        // Microseconds since 1970.
        started: info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec,
    })
}
