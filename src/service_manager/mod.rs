//! The service manager that has started the daemon, and the news that it gets.
//!
//! The protocol is systemd's, which other managers speak, too: sd_notify(3).
//! <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

use std::{ffi::OsStr, io};

#[cfg(target_os = "linux")]
use self::linux::{Socket, reload_time};
#[cfg(not(target_os = "linux"))]
use self::other::{Socket, reload_time};

/// Tells the service manager what the daemon does; without one it does nothing. A manager that is
/// not reached costs a line of the log: clients are served all the same.
pub(crate) struct Notifier(Option<Socket>);

impl Notifier {
    /// A notifier for the manager's socket `address`; a first `@` stands for an abstract one.
    #[must_use]
    pub(crate) fn new(address: Option<&OsStr>) -> Self {
        let socket = address.map(Socket::new).transpose();
        Self(socket.unwrap_or_else(|error| {
            report(&error);
            None
        }))
    }

    /// The daemon accepts connections, and has read its configuration: it answers with keys, or
    /// with the configuration's error.
    pub(crate) fn ready(&self) {
        self.send("READY=1\nSTATUS=Answers clients; claviger status has the details");
    }

    /// The daemon reads its configuration again; [`Notifier::ready`] follows.
    pub(crate) fn reloading(&self) {
        let time = reload_time();
        self.send(&format!(
            "RELOADING=1\n{time}STATUS=Reads the configuration again"
        ));
    }

    /// The daemon accepts no more connections.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=Answers its last clients");
    }

    fn send(&self, state: &str) {
        if let Some(socket) = &self.0 {
            socket.send(state).unwrap_or_else(|error| report(&error));
        }
    }
}

fn report(error: &io::Error) {
    tracing::warn!(event = "service-manager-failed", %error, "cannot notify the service manager");
}
