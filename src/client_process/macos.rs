//! `proc_pidinfo` with `PROC_PIDTBSDINFO`, and `proc_pidpath`. See `<libproc.h>`.

#![expect(unsafe_code, reason = "calls proc_pidinfo and proc_pidpath")]

use std::{
    ffi::{CStr, OsStr, c_int},
    mem,
    os::unix::ffi::OsStrExt as _,
    path::PathBuf,
};

use super::Process;
use crate::trust::{ManagedOwner, TrustError};

/// The process `pid`, without its executable.
pub(super) fn describe(pid: u32) -> Option<Process> {
    let id = c_int::try_from(pid).ok()?;
    // SAFETY: the type consists of integers and arrays of them, for which zero is valid.
    let mut info: libc::proc_bsdinfo = unsafe { mem::zeroed() };
    let size = i32::try_from(size_of_val(&info)).ok()?;
    // SAFETY: the buffer is `info`, which has `size` bytes and outlives the call.
    let filled =
        unsafe { libc::proc_pidinfo(id, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size) };
    if filled != size {
        return None;
    }
    let name = info.pbi_name.map(i8::cast_unsigned);
    Some(Process {
        pid,
        parent: info.pbi_ppid,
        name: CStr::from_bytes_until_nul(&name)
            .ok()?
            .to_string_lossy()
            .into_owned(),
        executable: None,
        // Since 1970.
        started: info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec,
    })
}

/// The executable; `None` if the system does not reveal it.
pub(super) fn executable(pid: u32) -> Option<PathBuf> {
    let pid = c_int::try_from(pid).ok()?;
    let mut path = [0_u8; libc::PROC_PIDPATHINFO_MAXSIZE as usize];
    let size = u32::try_from(path.len()).ok()?;
    // SAFETY: the buffer has `size` bytes and outlives the call.
    let length = unsafe { libc::proc_pidpath(pid, path.as_mut_ptr().cast(), size) };
    // An error is 0 or less.
    let path = path.get(..usize::try_from(length).ok()?)?;
    Some(PathBuf::from(OsStr::from_bytes(path)))
}

/// The file that the process `pid` executes, judged by its path: the system reveals nothing more.
pub(super) fn judged(pid: u32, owner: &ManagedOwner) -> Option<(PathBuf, Result<(), TrustError>)> {
    let path = executable(pid)?;
    let ruling = owner.program(&path);
    Some((path, ruling))
}
