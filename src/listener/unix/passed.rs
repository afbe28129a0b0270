//! Whether a socket that a service manager has passed is the one that clients connect to.

use std::{
    fs,
    os::{
        fd::OwnedFd,
        unix::{fs::MetadataExt as _, net::UnixListener},
    },
    path::Path,
};

use rustix::net::{SocketType, sockopt};

use super::{BindError, FileId, PassedSocket, identify, own_uid};

/// Returns the listener with the identity of its file: a Unix stream socket that listens at `path`,
/// whose file is the user's.
///
/// # Errors
///
/// [`BindError::Passed`] for any other descriptor, [`BindError::Io`] for errors of the system.
pub(super) fn judge(
    passed: PassedSocket,
    path: &Path,
) -> Result<(UnixListener, FileId), BindError> {
    let unexpected = |found: String| BindError::Passed {
        found,
        expected: path.to_owned(),
    };
    let socket = OwnedFd::from(passed);
    let kind = sockopt::socket_type(&socket)
        .map_err(|error| unexpected(format!("a descriptor without a socket ({error})")))?;
    if kind != SocketType::STREAM {
        return Err(unexpected("a socket of another type".to_owned()));
    }
    let listener = UnixListener::from(socket);
    let address = listener
        .local_addr()
        .map_err(|_| unexpected("a socket of another family".to_owned()))?;
    let Some(bound) = address.as_pathname() else {
        return Err(unexpected("a Unix socket without a path".to_owned()));
    };
    if !is_listening(&listener) {
        return Err(unexpected("a socket that does not listen".to_owned()));
    }
    let identity = identify(path).map_err(BindError::io(path, "read the metadata of"))?;
    // The manager may write the runtime directory's path with a link in it.
    if !identify(bound).is_ok_and(|found| found == identity) {
        return Err(unexpected(format!("a socket at '{}'", bound.display())));
    }
    let found = fs::symlink_metadata(path);
    let owner = found.map_err(BindError::io(path, "read the metadata of"))?;
    if owner.uid() != own_uid() {
        return Err(unexpected(format!("a socket of uid {}", owner.uid())));
    }
    listener
        .set_nonblocking(true)
        .map_err(BindError::io(path, "listen on"))?;
    Ok((listener, identity))
}

#[cfg(target_os = "linux")]
fn is_listening(socket: &UnixListener) -> bool {
    sockopt::socket_acceptconn(socket).unwrap_or(true)
}

/// Not known: Apple's systems do not report it.
#[cfg(not(target_os = "linux"))]
fn is_listening(_: &UnixListener) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    fn found(socket: impl Into<OwnedFd>, path: &Path) -> String {
        match judge(PassedSocket::from(socket.into()), path) {
            Err(BindError::Passed { found, .. }) => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_listening_stream_socket_at_the_path_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let [path, other] = ["agent.sock", "other.sock"].map(|name| directory.path().join(name));
        let listener = UnixListener::bind(&path).unwrap();
        let elsewhere = UnixListener::bind(&other).unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let connected = UnixStream::connect(&path).unwrap();
        for (found, expected) in [
            (
                found(fs::File::open("/dev/null").unwrap(), &path),
                "without a socket",
            ),
            (
                found(UnixDatagram::unbound().unwrap(), &path),
                "another type",
            ),
            (found(tcp, &path), "another family"),
            (found(connected, &path), "without a path"),
            (
                found(listener.accept().unwrap().0, &path),
                "does not listen",
            ),
            (found(elsewhere, &path), "other.sock'"),
        ] {
            assert!(found.contains(expected), "{found}: expected {expected}");
        }
        judge(PassedSocket::from(OwnedFd::from(listener)), &path).unwrap();
    }

    #[test]
    fn a_link_in_the_path_leads_to_the_same_socket() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("run")).unwrap();
        std::os::unix::fs::symlink("run", at("link")).unwrap();
        let listener = UnixListener::bind(at("link/agent.sock")).unwrap();
        let passed = PassedSocket::from(OwnedFd::from(listener));
        judge(passed, &at("run/agent.sock")).unwrap();
    }
}
