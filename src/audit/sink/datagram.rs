//! A local socket that takes a datagram for each record.

use std::{
    io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    time::Duration,
};

/// The longest wait for a receiver that does not read: the queue holds the records meanwhile.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Sends datagrams to the socket at a path. A receiver that is started again at the same path gets
/// them, too.
#[derive(Debug)]
pub(super) struct DatagramSender {
    socket: UnixDatagram,
    path: PathBuf,
}

impl DatagramSender {
    /// A sender to the socket at `path`, which need not exist yet.
    ///
    /// # Errors
    ///
    /// The system gives no socket.
    pub(super) fn to(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(TIMEOUT))?;
        let path = path.to_owned();
        Ok(Self { socket, path })
    }

    /// Sends `datagram`.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(super) fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.socket.send_to(datagram, &self.path).map(drop)
    }
}
