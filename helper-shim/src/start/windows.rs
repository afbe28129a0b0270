//! A process without a console, with no handle of ours.

use std::env;
use std::os::windows::io::RawHandle;
use std::os::windows::process::CommandExt as _;
use std::process::Command;

/// The daemon gets no console, no Ctrl-C that is meant for the client, none of the shim's standard handles, and keeps no
/// directory in use.
///
/// Windows passes on every handle that is marked for it once it passes on any, and the client's ends of the pipes are:
/// they are unmarked first.
#[expect(unsafe_code, reason = "std has no way to unmark a handle")]
pub(crate) fn detach(command: &mut Command) {
    const DETACHED_PROCESS: u32 = 0x8;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    /// Standard input, output and error.
    const STANDARD: [u32; 3] = [-10_i32 as u32, -11_i32 as u32, -12_i32 as u32];
    const HANDLE_FLAG_INHERIT: u32 = 1;

    for which in STANDARD {
        // SAFETY: both calls take numbers and handles only; on a handle that is none the second fails.
        unsafe { SetHandleInformation(GetStdHandle(which), HANDLE_FLAG_INHERIT, 0) };
    }
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    if let Some(dir) = env::var_os("SystemRoot") {
        command.current_dir(dir);
    }
}

// SAFETY: the declarations are those of the Windows SDK: processenv.h and handleapi.h.
#[expect(unsafe_code, reason = "std has no way to call these")]
#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetStdHandle(which: u32) -> RawHandle;
    fn SetHandleInformation(handle: RawHandle, mask: u32, flags: u32) -> i32;
}
