//! Finds the sockets at the usual places of all users, and connects to one as root.
//!
//! A user controls the directory of the own socket and could put a link there, to have root write
//! to another socket. The socket is therefore judged after it is opened: only one that
//! the same user has bound is used, in whichever directory it is.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, ErrorKind},
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use claviger_wire::{ExitCode, Failure, Request, Response, client};

use super::UserDaemon;

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

const SOCKET_NAME: &str = "agent.sock";

/// One user of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    name: String,
    uid: u32,
    home: PathBuf,
}

/// Returns the sockets of all users that exist.
///
/// # Errors
///
/// [`ExitCode::Denied`] if this process is not root's.
pub(super) fn find() -> Result<Vec<UserDaemon>, Failure> {
    if !rustix::process::geteuid().is_root() {
        let problem = "--all-users is denied: only root can ask the daemons of other users";
        let hint = "run the same command as root, with sudo for example";
        return Err(Failure::new(ExitCode::Denied, problem, hint));
    }
    let mut users = users(&fs::read_to_string(USERS).unwrap_or_default());
    if cfg!(target_os = "macos") {
        users.extend(homes(Path::new(MACOS_HOMES)));
    }
    Ok(sockets(Path::new(RUNTIME_DIRECTORIES), &users)
        .into_iter()
        .collect())
}

/// Parses passwd(5).
fn users(passwd: &str) -> Vec<User> {
    let user = |line: &str| {
        let fields: Vec<_> = line.split(':').collect();
        let [name, _, uid, _, _, home, ..] = fields[..] else {
            return None;
        };
        let home = PathBuf::from(home);
        Some(User {
            name: name.to_owned(),
            uid: uid.parse().ok()?,
            // The homes of system users, such as / and /nonexistent, contain no daemon's socket.
            home: Some(home).filter(|home| home.is_absolute())?,
        })
    };
    passwd.lines().filter_map(user).collect()
}

/// The users whose home is in `directory`, each the owner of the own home.
fn homes(directory: &Path) -> Vec<User> {
    let user = |home: PathBuf| {
        Some(User {
            name: home.file_name()?.to_str()?.to_owned(),
            uid: fs::symlink_metadata(&home).ok()?.uid(),
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
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;

    fn own_uid() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn bind(path: &Path) -> UnixListener {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        UnixListener::bind(path).unwrap()
    }

    #[test]
    fn the_user_database_is_parsed() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n\n# a comment\nbroken:x:y:0::/h:/\n\
                      ada:x:1000:1000:Ada,,,:/home/ada:/bin/bash\nshort:x:5\nrel:x:6:6::home:/\n";
        let user = |name: &str, uid, home: &str| User {
            name: name.to_owned(),
            uid,
            home: home.into(),
        };
        let expected = [user("root", 0, "/root"), user("ada", 1000, "/home/ada")];
        assert_eq!(users(passwd), expected);
    }

    #[test]
    fn a_home_has_the_name_and_the_owner_of_its_user() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("ada");
        fs::create_dir(&home).unwrap();
        let ada = User {
            name: "ada".to_owned(),
            uid: own_uid(),
            home,
        };
        assert_eq!(homes(root.path()), [ada]);
        assert_eq!(homes(Path::new("/nonexistent")), []);
    }

    #[test]
    fn sockets_are_found_at_every_usual_place_and_only_the_users_own() {
        let root = tempfile::tempdir().unwrap();
        let uid = own_uid();
        let runtime = root.path().join("run");
        let user = |name: &str, uid| User {
            name: name.to_owned(),
            uid,
            home: root.path().join(name),
        };
        let state = root.path().join("ada").join(HOME_DIRECTORIES[0]);
        let found = [
            runtime.join(format!("{uid}/claviger/agent.sock")),
            state.join("agent.sock"),
            state.join("run-host/agent.sock"),
        ];
        let other = [
            // The directory of another user, with a socket that this one has bound.
            runtime.join(format!("{}/claviger/agent.sock", uid + 1)),
            runtime.join("name/claviger/agent.sock"),
            root.path()
                .join("eve")
                .join(HOME_DIRECTORIES[0])
                .join("agent.sock"),
        ];
        let listeners: Vec<_> = found.iter().chain(&other).map(|path| bind(path)).collect();
        fs::create_dir_all(state.join("file")).unwrap();
        fs::write(state.join("file/agent.sock"), "").unwrap();
        fs::create_dir_all(state.join("link")).unwrap();
        symlink(&found[0], state.join("link/agent.sock")).unwrap();

        let users = [user("ada", uid), user("eve", uid + 1)];
        let sockets = sockets(&runtime, &users);
        let paths: BTreeSet<_> = sockets.iter().map(|daemon| &daemon.socket).collect();
        assert_eq!(paths, found.iter().collect());
        assert!(
            sockets
                .iter()
                .all(|d| d.uid == uid && d.user.as_deref() == Some("ada"))
        );
        drop(listeners);
    }

    #[test]
    fn a_socket_that_was_replaced_is_not_connected_to() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = root.path().join("elsewhere.sock");
        let listener = bind(&elsewhere);
        listener.set_nonblocking(true).unwrap();
        let socket = root.path().join("agent.sock");
        let daemon = |uid| UserDaemon {
            uid,
            user: None,
            socket: socket.clone(),
        };
        let error = |daemon: &UserDaemon| connect(daemon).unwrap_err().kind();
        assert_eq!(error(&daemon(own_uid())), ErrorKind::NotFound);
        symlink(&elsewhere, &socket).unwrap();
        assert_eq!(error(&daemon(own_uid())), ErrorKind::PermissionDenied);
        fs::remove_file(&socket).unwrap();
        fs::write(&socket, "").unwrap();
        assert_eq!(error(&daemon(own_uid())), ErrorKind::PermissionDenied);
        fs::remove_file(&socket).unwrap();
        fs::hard_link(&elsewhere, &socket).unwrap();
        assert_eq!(error(&daemon(own_uid() + 1)), ErrorKind::PermissionDenied);
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        connect(&daemon(own_uid())).unwrap();
        listener.accept().unwrap();
    }
}
