//! What a service manager passes to the daemon: a socket, the address for news, the journal.
//!
//! The manager's variables (sd_listen_fds(3), sd_notify(3), systemd.exec(5)) are read once, by the
//! process that it starts. The daemon that this process becomes has them as arguments: its
//! environment contains none of them, and neither does that of a source's program.

use std::ffi::OsString;

use claviger_wire::{ExitCode, Failure};

use crate::{logging, paths::variable};

/// What the service manager has passed.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(super) struct ServiceArgs {
    /// The socket is descriptor 3
    #[arg(long, hide = true, requires = "socket")]
    pub(super) activated: bool,

    /// The socket that gets the news of the daemon
    #[arg(long, hide = true, value_name = "ADDRESS")]
    pub(super) notify_socket: Option<OsString>,

    /// stderr is the journal
    #[arg(long, hide = true)]
    pub(super) journal: bool,
}

impl ServiceArgs {
    /// Reads the variables of this process.
    ///
    /// # Errors
    ///
    /// More than one socket.
    pub(super) fn of_this_process() -> Result<Self, Failure> {
        Self::of(&variable, std::process::id())
    }

    fn of(variable: &dyn Fn(&str) -> Option<OsString>, pid: u32) -> Result<Self, Failure> {
        // They are inherited by the programs that the addressee starts.
        let is_addressee = number(variable("LISTEN_PID")) == Some(pid);
        let sockets = number(variable("LISTEN_FDS")).filter(|_| is_addressee);
        if let Some(count @ 2..) = sockets {
            let problem = format!("the service manager has passed {count} sockets; expected one");
            let hint = "name one ListenStream in claviger.socket";
            return Err(Failure::new(ExitCode::Usage, problem, hint));
        }
        Ok(Self {
            activated: sockets == Some(1),
            notify_socket: variable("NOTIFY_SOCKET"),
            journal: variable("JOURNAL_STREAM").is_some_and(|stream| logging::is_journal(&stream)),
        })
    }
}

fn number(value: Option<OsString>) -> Option<u32> {
    value?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<ServiceArgs, Failure> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        ServiceArgs::of(&variable, 7)
    }

    #[test]
    fn a_socket_counts_only_for_the_process_that_it_was_passed_to() {
        for (pid, sockets, is_activated) in [
            ("7", "1", true),
            ("8", "1", false),
            ("8", "2", false),
            ("", "1", false),
            ("7", "0", false),
            ("7", "-1", false),
            ("7", "", false),
        ] {
            let service = of(&[("LISTEN_PID", pid), ("LISTEN_FDS", sockets)]).unwrap();
            assert_eq!(service.activated, is_activated, "{pid} {sockets}");
        }
        assert_eq!(of(&[]), Ok(ServiceArgs::default()));
    }

    #[test]
    fn two_sockets_are_an_error() {
        let failure = of(&[("LISTEN_PID", "7"), ("LISTEN_FDS", "2")]).unwrap_err();
        assert!(failure.message.contains("2 sockets"), "{failure:?}");
    }

    #[test]
    fn the_address_for_news_is_kept_as_it_is() {
        for address in ["/run/user/1/systemd/notify", "@abstract"] {
            let service = of(&[("NOTIFY_SOCKET", address)]).unwrap();
            assert_eq!(service.notify_socket, Some(address.into()));
        }
    }
}
