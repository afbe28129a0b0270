//! From what the bus or the service answers to why the store failed.

use std::{io, path::Path};

use zbus::{Error, fdo};

use super::NAME;
use crate::{
    network::one_line,
    session_bus::BusError,
    store::{StoreError, system::OR_FILE},
    trust::TrustError,
};

/// The error of an object that its user has to unlock first (Secret Service, "Errors").
const IS_LOCKED: &str = "org.freedesktop.Secret.Error.IsLocked";

/// A call failed.
pub(super) fn failure(error: Error) -> StoreError {
    match error {
        Error::FDO(error) => refusal(*error),
        Error::MethodError(name, _, _) if name.as_str() == IS_LOCKED => needs_prompt(),
        Error::MethodError(name, text, _) => {
            let text = text.unwrap_or_default();
            StoreError::failed(NAME, one_line(&format!("{name}: {text}")))
        }
        Error::InputOutput(error) => unavailable(format!(
            "the connection to the session bus failed ({error})"
        )),
        Error::Handshake(reason) => denied(one_line(&reason)),
        error => StoreError::failed(NAME, one_line(&error.to_string())),
    }
}

/// The bus answered in the service's place, or the service with an error of the bus.
fn refusal(error: fdo::Error) -> StoreError {
    use fdo::Error as Bus;

    let reason = one_line(&error.to_string());
    match error {
        Bus::ServiceUnknown(_) | Bus::NameHasNoOwner(_) | Bus::SpawnServiceNotFound(_) => {
            unavailable("no program on the session bus provides it".to_owned())
        }
        Bus::SpawnExecFailed(_)
        | Bus::SpawnForkFailed(_)
        | Bus::SpawnChildExited(_)
        | Bus::SpawnChildSignaled(_)
        | Bus::SpawnFailed(_)
        | Bus::TimedOut(_) => unavailable(format!("it could not be started ({reason})")),
        Bus::NoReply(_) | Bus::Timeout(_) | Bus::Disconnected(_) => StoreError::Unavailable {
            store: NAME.to_owned(),
            reason: format!("it ended before it answered ({reason})"),
            hint: "start your keyring again".to_owned(),
        },
        Bus::AccessDenied(_) | Bus::AuthFailed(_) => denied(reason),
        _ => StoreError::failed(NAME, reason),
    }
}

/// There is no connection to the bus.
pub(super) fn no_connection(bus: &Path, error: BusError) -> StoreError {
    match error {
        BusError::Unsafe(TrustError::Violation(violation)) => StoreError::Denied {
            store: NAME.to_owned(),
            reason: violation.to_string(),
            hint: violation.hint,
        },
        BusError::Unsafe(TrustError::Io(error)) | BusError::Io(error) => no_bus(bus, &error),
        BusError::Refused(error) => failure(error),
    }
}

/// The bus cannot be connected to.
fn no_bus(bus: &Path, error: &io::Error) -> StoreError {
    let bus = bus.display();
    unavailable(match error.kind() {
        io::ErrorKind::NotFound => format!("there is no session bus at '{bus}'"),
        io::ErrorKind::ConnectionRefused => format!("no session bus listens at '{bus}'"),
        _ => format!("cannot connect to the session bus at '{bus}': {error}"),
    })
}

/// Only a password opens what is needed.
pub(super) fn needs_prompt() -> StoreError {
    StoreError::Locked {
        store: NAME.to_owned(),
        reason: "it asks for a password, which the daemon cannot enter".to_owned(),
        hint: "unlock your keyring, with its own program or by logging in to the desktop"
            .to_owned(),
    }
}

/// There is no default collection.
pub(super) fn no_collection() -> StoreError {
    StoreError::Unavailable {
        store: NAME.to_owned(),
        reason: "it has no default keyring".to_owned(),
        hint: "create a default keyring, with Seahorse or KWalletManager for example".to_owned(),
    }
}

/// The reply to this method is not what the specification says.
pub(super) fn unexpected(method: &str) -> StoreError {
    StoreError::failed(NAME, format!("unexpected response to '{method}'"))
}

fn unavailable(reason: String) -> StoreError {
    StoreError::Unavailable {
        store: NAME.to_owned(),
        reason,
        hint: format!("install and start a keyring such as gnome-keyring, {OR_FILE}"),
    }
}

fn denied(reason: String) -> StoreError {
    StoreError::Denied {
        store: NAME.to_owned(),
        reason,
        hint: "check that the session bus and the keyring run as you".to_owned(),
    }
}
