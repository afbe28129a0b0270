//! Why a user is not signed in.

use std::{io, time::Duration};

use crate::source::SourceError;

/// Why a user is not signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoginError {
    /// The server, the store or the configuration.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Another program has the configured port.
    #[error("port {0} of 127.0.0.1, to which the browser is redirected, is in use")]
    PortInUse(u16),
    /// Another error of the system while it opens the port.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(String),
    /// The user has not signed in within this time.
    #[error("timed out: the sign-in was not completed within {} min", .0.as_secs() / 60)]
    TimedOut(Duration),
    /// All commands that watched it have ended.
    #[error("the command that started the sign-in has ended")]
    Abandoned,
}

impl LoginError {
    /// The error of opening `port`; `None` is any.
    pub(super) fn of_bind(port: Option<u16>, error: &io::Error) -> Self {
        match port {
            Some(port) if error.kind() == io::ErrorKind::AddrInUse => Self::PortInUse(port),
            _ => Self::Listen(error.to_string()),
        }
    }
}
