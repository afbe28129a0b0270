//! The databases of users and groups, and the start of this program with another environment.

use std::{
    env,
    ffi::{CStr, CString, OsStr, OsString, c_char, c_int},
    fs, io,
    mem::MaybeUninit,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{FileTypeExt as _, MetadataExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
    ptr,
};

use rustix::process::geteuid;

use super::{Account, Variables};

/// The longest entry in bytes. Entries with more than a few hundred do not occur.
const MAX_LEN: usize = 1 << 20;

/// Returns the user's entry in the user database, which may be on a server; `None` if there is none
/// or the database does not answer.
#[expect(unsafe_code, reason = "neither std nor rustix asks the user database")]
pub(crate) fn account() -> Option<Account> {
    let uid = geteuid().as_raw();
    look_up(
        // SAFETY: `look_up` passes pointers that are live and not shared, and the buffer's length.
        |memory, buffer, len, entry| unsafe { libc::getpwuid_r(uid, memory, buffer, len, entry) },
        // SAFETY: the strings of the entry are in the buffer, which is live.
        |entry: &libc::passwd| unsafe {
            Account {
                name: text(entry.pw_name),
                home: PathBuf::from(text(entry.pw_dir)),
                shell: text(entry.pw_shell),
            }
        },
    )
}

/// Returns the number of the group `name` in the group database; `None` if there is none or the
/// database does not answer.
#[expect(unsafe_code, reason = "neither std nor rustix asks the group database")]
pub(crate) fn group(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    look_up(
        // SAFETY: `name` ends with a zero; for the others see `account`.
        |memory, buffer, len, entry| unsafe {
            libc::getgrnam_r(name.as_ptr(), memory, buffer, len, entry)
        },
        |entry: &libc::group| entry.gr_gid,
    )
}

/// Asks a database by `ask`, one of the functions of getpwuid_r(3) and getgrnam_r(3), with a buffer
/// that is large enough, and returns what `read` makes of the entry.
#[expect(unsafe_code, reason = "the system fills memory")]
fn look_up<E, T>(
    ask: impl Fn(*mut E, *mut c_char, usize, *mut *mut E) -> c_int,
    read: impl FnOnce(&E) -> T,
) -> Option<T> {
    let mut buffer: Vec<c_char> = vec![0; 1024];
    let mut memory = MaybeUninit::<E>::zeroed();
    loop {
        let mut entry = ptr::null_mut();
        let status = ask(
            memory.as_mut_ptr(),
            buffer.as_mut_ptr(),
            buffer.len(),
            &raw mut entry,
        );
        match status {
            libc::ERANGE if buffer.len() < MAX_LEN => buffer.resize(4 * buffer.len(), 0),
            libc::EINTR => {}
            // SAFETY: the call has filled `memory`, to which `entry` points.
            0 if !entry.is_null() => return Some(read(unsafe { memory.assume_init_ref() })),
            _ => return None,
        }
    }
}

/// Copies a string.
///
/// # Safety
///
/// `string` is null, or points to a string that ends with a zero and is live during the call.
#[expect(unsafe_code, reason = "the caller has a C string")]
unsafe fn text(string: *const c_char) -> OsString {
    if string.is_null() {
        return OsString::new();
    }
    // SAFETY: the caller guarantees it.
    let string = unsafe { CStr::from_ptr(string) };
    OsStr::from_bytes(string.to_bytes()).to_owned()
}

/// Whether `path` is a socket of the user's.
pub(super) fn own_socket(path: &Path) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|found| found.file_type().is_socket() && found.uid() == geteuid().as_raw())
}

/// No variable is needed.
pub(super) fn is_system(_: &OsStr) -> bool {
    false
}

/// Starts this program again in place of this process, with these arguments and exactly these
/// variables: `/proc/PID/environ`, the libraries and all programs that it starts see no others.
/// Returns only if that fails.
///
/// # Errors
///
/// Those of execve(2).
pub(crate) fn enter(variables: &Variables, arguments: &[OsString]) -> io::Result<()> {
    let error = Command::new(own_program()?)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .exec();
    Err(error)
}

/// This program's file; the running one if another one has replaced it.
fn own_program() -> io::Result<PathBuf> {
    let own = env::current_exe()?;
    let running = Path::new("/proc/self/exe");
    Ok(if own.exists() || !running.exists() {
        own
    } else {
        running.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_has_an_entry() {
        let account = account().unwrap();
        assert_eq!(account.name.to_str(), whoami::username().ok().as_deref());
        assert!(account.home.is_absolute());
    }

    #[test]
    fn a_group_is_known_by_its_name() {
        // Its name is another one on macOS.
        let root = if cfg!(target_os = "macos") {
            "wheel"
        } else {
            "root"
        };
        assert_eq!(group(root), Some(0));
        assert_eq!(group("no-such-group"), None);
        assert_eq!(group("root\0"), None);
    }
}
