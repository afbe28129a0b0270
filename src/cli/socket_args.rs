//! The daemon that a command asks: the user's, or one that an option names.

use std::path::PathBuf;

use claviger_wire::{Failure, client::Client};

use super::places;

/// `--socket PATH`, for the daemon of a demo. An option comes from the person who types the
/// command, so it also counts if a managed configuration forbids other places.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct SocketArgs {
    /// The socket, or the pipe's name, of the daemon
    #[arg(long, hide = true, value_name = "PATH", conflicts_with = "all_users")]
    socket: Option<PathBuf>,
}

impl SocketArgs {
    /// Returns a client of that daemon.
    ///
    /// # Errors
    ///
    /// Those of [`Client::at`], or of [`places::client`].
    pub(super) fn client(self) -> Result<Client, Failure> {
        self.socket.map_or_else(places::client, Client::at)
    }
}
