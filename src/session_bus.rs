//! The connection to the user's session bus.

use std::{io, path::Path};

use tokio::net::UnixStream;
use zbus::{Connection, connection::Builder};

use crate::trust::{self, TrustError};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BusError {
    /// The socket is missing, or of another user.
    #[error(transparent)]
    Unsafe(TrustError),
    /// Nothing listens.
    #[error(transparent)]
    Io(io::Error),
    /// The bus refuses this program.
    #[error(transparent)]
    Refused(zbus::Error),
}

/// Connects to the bus with this socket, without a look at DBUS_SESSION_BUS_ADDRESS.
///
/// # Errors
///
/// [`BusError`].
pub(crate) async fn connect(bus: &Path) -> Result<Connection, BusError> {
    trust::socket(bus).map_err(BusError::Unsafe)?;
    let connected = UnixStream::connect(bus).await;
    let stream = connected.and_then(UnixStream::into_std);
    let builder = Builder::unix_stream(stream.map_err(BusError::Io)?);
    builder.build().await.map_err(BusError::Refused)
}
