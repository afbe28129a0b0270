//! Finds the sockets at the usual places of all users, and connects to one as root.
//!
//! A user controls the directory of the own socket and could put a link there, to have root write
//! to another socket. The socket is therefore judged after it is opened: only one that
//! the same user has bound is used, in whichever directory it is.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, ErrorKind},
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _},
        net::UnixStream,
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
};

use claviger_wire::{ExitCode, Failure, Request, Response, client};

use super::{UserAccount, UserDaemon};

/// The directory of the users' runtime directories, each named by the user's id.
const RUNTIME_DIRECTORIES: &str = "/run/user";

/// The socket below a runtime directory.
const RUNTIME_SOCKET: &str = "claviger/agent.sock";

/// The user database. Users of a network's directory are found by their runtime directory.
const USERS: &str = "/etc/passwd";

/// The directory of the homes on macOS, whose user database is not a file.
const MACOS_HOMES: &str = "/Users";

/// The directories below a home that may contain the socket, or a directory that does, for each
/// host of a home that several share.
const HOME_DIRECTORIES: [&str; 2] = if cfg!(target_os = "macos") {
    [
        "Library/Caches/Claviger",
        "Library/Application Support/Claviger",
    ]
} else {
    [".local/state/claviger", ".local/state/claviger/run"]
};

/// The directories below a home that exist if the user uses Claviger.
const USED_DIRECTORIES: [&str; 3] = if cfg!(target_os = "macos") {
    [
        "Library/Application Support/Claviger",
        "Library/Caches/Claviger",
        "Library/Logs/Claviger",
    ]
} else {
    [
        ".config/claviger",
        ".local/state/claviger",
        ".cache/claviger",
    ]
};

const SOCKET_NAME: &str = "agent.sock";

/// One user of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
    home: PathBuf,
}

/// Returns the sockets of all users that exist.
///
/// # Errors
///
/// [`ExitCode::Denied`] if this process is not root's.
pub(super) fn find() -> Result<Vec<UserDaemon>, Failure> {
    require_root()?;
    Ok(sockets(Path::new(RUNTIME_DIRECTORIES), &all())
        .into_iter()
        .collect())
}

/// Returns the users who are logged in, or whose home has a directory of Claviger.
///
/// # Errors
///
/// [`ExitCode::Denied`] if this process is not root's.
pub(super) fn accounts() -> Result<Vec<UserAccount>, Failure> {
    require_root()?;
    Ok(using(Path::new(RUNTIME_DIRECTORIES), &all()))
}

/// This program with `args`, as `user`: with the groups of the user database's entry alone, and
/// nothing of root's environment. What belongs to the user is then read with the user's rights, and
/// no link of the user's leads root elsewhere.
///
/// # Errors
///
/// The system does not report this program's path.
pub(super) fn command(user: &UserAccount, args: &[&str]) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    // The standard library drops all supplementary groups when root sets a user.
    command
        .args(args)
        .uid(user.uid)
        .gid(user.gid)
        .env_clear()
        .env("PATH", client::PATH)
        .current_dir("/");
    Ok(command)
}

fn require_root() -> Result<(), Failure> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let problem = "--all-users is denied: only root can ask the daemons of other users";
    let hint = "run the same command as root, with sudo for example";
    Err(Failure::new(ExitCode::Denied, problem, hint))
}

/// The users that this machine knows.
fn all() -> Vec<User> {
    let mut users = users(&fs::read_to_string(USERS).unwrap_or_default());
    if cfg!(target_os = "macos") {
        users.extend(homes(Path::new(MACOS_HOMES)));
    }
    users
}

/// Those of `users` who use Claviger, and those with a directory in `runtime`.
fn using(runtime: &Path, users: &[User]) -> Vec<UserAccount> {
    let by_home = users.iter().filter(|user| {
        let mut directories = USED_DIRECTORIES.iter().map(|below| user.home.join(below));
        directories.any(|directory| is_of(user.uid, &directory))
    });
    let by_home = by_home.map(|user| UserAccount {
        uid: user.uid,
        gid: user.gid,
        user: Some(user.name.clone()),
    });
    let by_runtime = entries(runtime).into_iter().filter_map(|directory| {
        let uid = directory.file_name()?.to_str()?.parse().ok()?;
        let found = fs::symlink_metadata(&directory).ok()?;
        let known = users.iter().find(|user| user.uid == uid);
        (found.is_dir() && found.uid() == uid).then(|| UserAccount {
            uid,
            // The directory has the user's group, also if a network's directory has the entry.
            gid: known.map_or(found.gid(), |user| user.gid),
            user: known.map(|user| user.name.clone()),
        })
    });
    let mut accounts: Vec<_> = by_home.chain(by_runtime).collect();
    accounts.sort();
    accounts.dedup_by_key(|account| account.uid);
    accounts
}

fn is_of(uid: u32, directory: &Path) -> bool {
    fs::symlink_metadata(directory).is_ok_and(|found| found.is_dir() && found.uid() == uid)
}

/// Parses passwd(5).
fn users(passwd: &str) -> Vec<User> {
    let user = |line: &str| {
        let fields: Vec<_> = line.split(':').collect();
        let [name, _, uid, gid, _, home, ..] = fields[..] else {
            return None;
        };
        let home = PathBuf::from(home);
        Some(User {
            name: name.to_owned(),
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            // The homes of system users, such as / and /nonexistent, contain no daemon's socket.
            home: Some(home).filter(|home| home.is_absolute())?,
        })
    };
    passwd.lines().filter_map(user).collect()
}

/// The users whose home is in `directory`, each the owner of the own home.
fn homes(directory: &Path) -> Vec<User> {
    let user = |home: PathBuf| {
        let found = fs::symlink_metadata(&home).ok()?;
        Some(User {
            name: home.file_name()?.to_str()?.to_owned(),
            uid: found.uid(),
            gid: found.gid(),
            home,
        })
    };
    entries(directory).into_iter().filter_map(user).collect()
}

fn sockets(runtime: &Path, users: &[User]) -> BTreeSet<UserDaemon> {
    let by_runtime = entries(runtime).into_iter().filter_map(|directory| {
        let uid = directory.file_name()?.to_str()?.parse().ok()?;
        Some((uid, directory.join(RUNTIME_SOCKET)))
    });
    let by_home = users.iter().flat_map(|user| {
        let directories = HOME_DIRECTORIES.map(|directory| user.home.join(directory));
        let nested: Vec<_> = directories.iter().flat_map(|d| entries(d)).collect();
        let all = directories.into_iter().chain(nested);
        all.map(|directory| (user.uid, directory.join(SOCKET_NAME)))
    });
    by_runtime
        .chain(by_home)
        .filter(|(uid, socket)| is_socket_of(*uid, socket))
        .map(|(uid, socket)| UserDaemon {
            uid,
            user: users
                .iter()
                .find(|user| user.uid == uid)
                .map(|user| user.name.clone()),
            socket,
        })
        .collect()
}

/// The entries of a directory; none if it cannot be read.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries.flatten().map(|entry| entry.path()).collect()
}

fn is_socket_of(uid: u32, path: &Path) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|found| found.file_type().is_socket() && found.uid() == uid)
}

/// Sends `request` to the daemon; `None` if none listens.
///
/// # Errors
///
/// [`ExitCode::Denied`] if the socket is not the user's any more,
/// [`ExitCode::DaemonUnavailable`] if the daemon cannot be reached or does not answer.
pub(super) fn exchange(
    daemon: &UserDaemon,
    request: &Request,
) -> Result<Option<Vec<Response>>, Failure> {
    match connect(daemon) {
        Ok(stream) => client::request_over(stream, request).map(Some),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(error) => {
            let socket = daemon.socket.display();
            let code = match error.kind() {
                ErrorKind::PermissionDenied => ExitCode::Denied,
                _ => ExitCode::DaemonUnavailable,
            };
            let problem = format!("cannot connect to '{socket}': {error}");
            let hint = "end the daemon as its own user, with claviger stop";
            Err(Failure::new(code, problem, hint))
        }
    }
}

/// Connects to the socket that was judged, not to what its path leads to a moment later.
#[cfg(target_os = "linux")]
fn connect(daemon: &UserDaemon) -> io::Result<UnixStream> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{FileType, Mode, OFlags};

    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(&daemon.socket, flags, Mode::empty())?;
    let found = rustix::fs::fstat(&opened)?;
    let is_socket = FileType::from_raw_mode(found.st_mode) == FileType::Socket;
    if !is_socket || found.st_uid != daemon.uid {
        return Err(not_the_users(daemon));
    }
    UnixStream::connect(format!("/proc/self/fd/{}", opened.as_raw_fd()))
}

/// Connects to the socket if it is the user's.
#[cfg(not(target_os = "linux"))]
fn connect(daemon: &UserDaemon) -> io::Result<UnixStream> {
    if !is_socket_of(daemon.uid, &daemon.socket) {
        return Err(not_the_users(daemon));
    }
    UnixStream::connect(&daemon.socket)
}

fn not_the_users(daemon: &UserDaemon) -> io::Error {
    let problem = format!("expected a socket of uid {}", daemon.uid);
    io::Error::new(ErrorKind::PermissionDenied, problem)
}

#[cfg(test)]
mod tests;
