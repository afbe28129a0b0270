//! Binding, and what becomes of the socket's file.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::client_process;

/// The path of a socket in a directory that is removed when this is dropped.
struct TempSocket {
    directory: tempfile::TempDir,
}

impl TempSocket {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("run/agent.sock")
    }
}

#[tokio::test]
async fn the_directory_is_created_with_mode_0700() {
    let temp = TempSocket::new();
    let _listener = Listener::bind(&temp.socket()).await.unwrap();
    let mode = fs::metadata(temp.socket().parent().unwrap())
        .unwrap()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_socket_with_a_listener_is_not_touched() {
    let temp = TempSocket::new();
    let mut first = Listener::bind(&temp.socket()).await.unwrap();
    let second = Listener::bind(&temp.socket()).await;
    assert!(matches!(second, Err(BindError::Live(_))));
    let _client = StdStream::connect(temp.socket()).unwrap();
    // The first connection is the check of the second daemon.
    first.accept().await.unwrap();
    let (_, peer) = first.accept().await.unwrap();
    let this = Peer {
        pid: Some(std::process::id()),
        process: client_process::identify(std::process::id()),
        user: PeerUser::Own,
    };
    assert_eq!(peer, this);
}

/// Connects to the socket and ends; a child of it keeps the connection open.
#[cfg(target_os = "linux")]
const CONNECTS_AND_ENDS: &str = r#"
use IO::Socket::UNIX;
my $stream = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
exit if fork;
sysread($stream, my $end, 1);
"#;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_peer_that_has_ended_before_the_connection_is_accepted_is_no_process() {
    let temp = TempSocket::new();
    let mut listener = Listener::bind(&temp.socket()).await.unwrap();
    let mut child = std::process::Command::new("perl")
        .args(["-e", CONNECTS_AND_ENDS])
        .arg(temp.socket())
        .spawn()
        .unwrap();
    // It is waited for, so that its id is free.
    assert!(child.wait().unwrap().success());
    let (stream, peer) = listener.accept().await.unwrap();
    assert_eq!((peer.process, peer.user), (None, PeerUser::Own));
    assert!(
        matches!(peer.pid, Some(pid) if pid == child.id()),
        "{peer:?}"
    );
    // The child ends when its descriptor is at its end.
    drop(stream);
}

#[tokio::test]
async fn a_socket_that_clients_cannot_reach_is_noticed() {
    let temp = TempSocket::new();
    let run = temp.directory.path().join("run");
    let moved = temp.directory.path().join("moved");

    let listener = Listener::bind(&temp.socket()).await.unwrap();
    assert!(listener.is_reachable());
    fs::rename(&run, &moved).unwrap();
    assert!(!listener.is_reachable(), "the directory is gone");
    fs::write(&run, "").unwrap();
    assert!(!listener.is_reachable(), "a file has the directory's name");
    fs::remove_file(&run).unwrap();
    let second = Listener::bind(&temp.socket()).await.unwrap();
    assert!(!listener.is_reachable(), "another directory has its name");
    assert!(second.is_reachable());
    fs::remove_file(temp.socket()).unwrap();
    assert!(!second.is_reachable(), "the socket is gone");
    let third = Listener::bind(&temp.socket()).await.unwrap();
    assert!(!second.is_reachable(), "another socket has its name");
    assert!(third.is_reachable());
}

#[tokio::test]
async fn only_a_peer_that_no_longer_reads_has_closed_the_connection() {
    let temp = TempSocket::new();
    let mut listener = Listener::bind(&temp.socket()).await.unwrap();
    let is_closed = async |stream: &mut Stream| {
        let wait = tokio::time::timeout(Duration::from_millis(50), stream.closed());
        wait.await.is_ok()
    };

    let client = StdStream::connect(temp.socket()).unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    assert!(!is_closed(&mut stream).await);
    io::Write::write_all(&mut &client, b"more").unwrap();
    assert!(!is_closed(&mut stream).await);
    drop(client);
    stream.closed().await;

    let client = StdStream::connect(temp.socket()).unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(is_closed(&mut stream).await, cfg!(not(target_os = "linux")));
}

#[tokio::test]
async fn a_stale_socket_is_removed() {
    let temp = TempSocket::new();
    fs::create_dir(temp.directory.path().join("run")).unwrap();
    fs::set_permissions(
        temp.directory.path().join("run"),
        fs::Permissions::from_mode(0o700),
    )
    .unwrap();
    drop(std::os::unix::net::UnixListener::bind(temp.socket()).unwrap());
    assert!(
        temp.socket().exists(),
        "a killed daemon leaves its socket behind"
    );
    Listener::bind(&temp.socket()).await.unwrap();
}

#[tokio::test]
async fn the_socket_of_another_process_is_not_unlinked() {
    let temp = TempSocket::new();
    let first = Listener::bind(&temp.socket()).await.unwrap();
    fs::remove_file(temp.socket()).unwrap();
    let second = Listener::bind(&temp.socket()).await.unwrap();
    drop(first);
    assert!(temp.socket().exists());
    drop(second);
    assert!(!temp.socket().exists());
}

#[tokio::test]
async fn a_file_that_is_not_a_socket_stays() {
    let temp = TempSocket::new();
    drop(Listener::bind(&temp.socket()).await.unwrap());
    fs::write(temp.socket(), "a file").unwrap();
    let error = Listener::bind(&temp.socket()).await.unwrap_err();
    assert!(matches!(error, BindError::InTheWay(_)), "{error}");
    assert_eq!(fs::read_to_string(temp.socket()).unwrap(), "a file");
}

#[tokio::test]
async fn a_directory_that_is_accessible_to_others_or_a_link_is_an_error() {
    let temp = TempSocket::new();
    let run = temp.directory.path().join("run");
    fs::create_dir(&run).unwrap();
    fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
    let error = Listener::bind(&temp.socket()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is accessible to others (mode 0755; expected 0700)"),
        "{error}"
    );

    fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
    symlink(&run, temp.directory.path().join("link")).unwrap();
    let linked = temp.directory.path().join("link/agent.sock");
    let error = Listener::bind(&linked).await.unwrap_err();
    assert!(error.to_string().contains("is a symbolic link"), "{error}");
}

#[tokio::test]
async fn nothing_is_made_below_a_directory_that_others_can_write() {
    let temp = TempSocket::new();
    let above = temp.directory.path();
    fs::set_permissions(above, fs::Permissions::from_mode(0o777)).unwrap();
    let error = Listener::bind(&temp.socket()).await.unwrap_err();
    assert!(matches!(error, BindError::Unsafe(_)), "{error}");
    let expected = format!(
        "'{}' is writable by others (mode 0777), and the socket's directory '{}' is below it",
        above.display(),
        above.join("run").display()
    );
    assert_eq!(error.to_string(), expected);
    assert!(!above.join("run").exists());
}

/// Those of a flood are before a shim in the queue. The kernel admits one more than it is told.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn only_a_few_connections_wait_to_be_accepted() {
    use rustix::net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with,
    };
    let temp = TempSocket::new();
    let _listener = Listener::bind(&temp.socket()).await.unwrap();
    let address = SocketAddrUnix::new(temp.socket()).unwrap();
    let mut open = Vec::new();
    let error = loop {
        let flags = SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
        match connect(&socket, &address) {
            Ok(()) => open.push(socket),
            Err(error) => break error,
        }
    };
    assert_eq!(error, Errno::AGAIN);
    assert_eq!(open.len(), BACKLOG as usize + 1);
}
