//! A daemon without a console and without inherited handles.

use std::{
    env,
    os::windows::{io::RawHandle, process::CommandExt as _},
    process::Command,
};

use crate::client::environment::windows_directory;

/// Files in a user's profile inherit an access list that excludes other users.
pub(super) fn make_files_private() {}

/// The user's directories, which count for a daemon on another pipe than the usual one. All other
/// variables are the system's.
const DIRECTORIES: [&str; 2] = ["APPDATA", "LOCALAPPDATA"];

/// The variables with the directory of Windows, without which the system's own libraries fail.
const WINDOWS_DIRECTORY: [&str; 2] = ["SystemRoot", "windir"];

/// Makes `command` start a daemon without a console, without the Ctrl-C for this process's group,
/// without this process's standard handles, and in a directory that is always in use.
///
/// If a process inherits any handle, it inherits every inheritable one, and the pipes of this
/// process's caller are inheritable: this is undone first.
#[expect(unsafe_code, reason = "std cannot make a handle non-inheritable")]
pub(super) fn detach(command: &mut Command) {
    const DETACHED_PROCESS: u32 = 0x8;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    /// Standard input, output and error.
    const STANDARD: [u32; 3] = [-10_i32 as u32, -11_i32 as u32, -12_i32 as u32];
    const HANDLE_FLAG_INHERIT: u32 = 1;

    for which in STANDARD {
        // SAFETY: both calls access no memory; on an invalid handle the second one fails.
        unsafe { SetHandleInformation(GetStdHandle(which), HANDLE_FLAG_INHERIT, 0) };
    }
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    for name in DIRECTORIES {
        command.envs(env::var_os(name).map(|value| (name, value)));
    }
    let windows = windows_directory();
    if !windows.as_os_str().is_empty() {
        command.envs(WINDOWS_DIRECTORY.map(|name| (name, &windows)));
        command.current_dir(windows);
    }
}

// SAFETY: the declarations are those of the Windows SDK: processenv.h and handleapi.h.
#[expect(unsafe_code, reason = "std does not offer these calls")]
#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetStdHandle(which: u32) -> RawHandle;
    fn SetHandleInformation(handle: RawHandle, mask: u32, flags: u32) -> i32;
}
