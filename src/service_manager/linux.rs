//! The socket of systemd's protocol.

use std::{
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

use crate::clock;

/// The longest wait for a manager whose queue is full: clients wait meanwhile.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// A socket that sends to the manager.
pub(super) struct Socket(UnixDatagram);

impl Socket {
    /// Connects to the value of `NOTIFY_SOCKET`.
    ///
    /// # Errors
    ///
    /// No process listens there.
    pub(super) fn new(address: &OsStr) -> io::Result<Self> {
        let address = match address.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(SEND_TIMEOUT))?;
        socket.connect_addr(&address)?;
        Ok(Self(socket))
    }

    /// Sends assignments, one a line.
    ///
    /// # Errors
    ///
    /// Those of send(2).
    pub(super) fn send(&self, state: &str) -> io::Result<()> {
        self.0.send(state.as_bytes()).map(drop)
    }
}

/// The assignment that a reload needs: its time, so that the manager does not take an earlier
/// notification for its end.
pub(super) fn reload_time() -> String {
    format!("MONOTONIC_USEC={}\n", clock::time_awake().as_micros())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;
    use crate::service_manager::Notifier;

    fn received(manager: &UnixDatagram) -> Vec<String> {
        let mut message = [0; 512];
        let len = manager.recv(&mut message).unwrap();
        let text = std::str::from_utf8(&message[..len]).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_manager_hears_of_each_state_at_either_kind_of_address() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let name = format!("claviger-notify-{}", std::process::id());
        let named = SocketAddr::from_abstract_name(&name).unwrap();
        for (address, manager) in [
            (path.clone().into_os_string(), UnixDatagram::bind(&path)),
            (format!("@{name}").into(), UnixDatagram::bind_addr(&named)),
        ] {
            let manager = manager.unwrap();
            let notifier = Notifier::new(Some(&address));
            notifier.ready();
            assert_eq!(received(&manager)[0], "READY=1");
            let before = clock::time_awake().as_micros();
            notifier.reloading();
            let lines = received(&manager);
            assert_eq!(lines[0], "RELOADING=1");
            let time = lines[1].strip_prefix("MONOTONIC_USEC=").unwrap();
            let range = before..=clock::time_awake().as_micros();
            assert!(range.contains(&time.parse().unwrap()), "{lines:?}");
            notifier.stopping();
            assert_eq!(received(&manager)[0], "STOPPING=1");
        }
    }

    #[test]
    fn a_manager_that_is_not_there_is_not_told() {
        for address in [
            None,
            Some(OsStr::new("/nonexistent/notify")),
            Some(OsStr::new("@")),
        ] {
            Notifier::new(address).ready();
        }
    }
}
