//! From an error to the exit code, message and hint that the user gets: no other file maps them.
//!
//! A message names the profile and the source. A hint is the one thing to do now; it follows from
//! the error's own data if the error contains any. Both are without a full stop.

mod denied;
mod login;
mod unavailable;

use claviger_wire::{ExitCode, Failure};

pub(crate) use self::{
    denied::{no_policy_hint, of_caller, of_no_policy, of_policy, of_policy_caller, of_reveal},
    login::{of_login, of_no_login, of_sign_in},
    unavailable::of_acquire,
};
use crate::{
    client_variables::VariablesError,
    config::{ConfigError, SelectError},
    credential::MAX_KEY_LEN,
    lock::Locked,
    managed_settings::ProfileError,
    source::{SourceError, TlsError, TransportError},
};

/// What to do while the lock is on.
pub(crate) const UNLOCK: &str = "run claviger unlock";

/// Reports a configuration that is missing or invalid.
#[must_use]
pub(crate) fn of_config(error: &ConfigError) -> Failure {
    Failure {
        code: ExitCode::Usage,
        message: error.to_string(),
        hint: Some(error.hint()),
    }
}

/// Reports that a request matches no profile, or more than one, or one of another gateway.
#[must_use]
pub(crate) fn of_select(error: &SelectError) -> Failure {
    let code = match error {
        SelectError::Unknown { .. } | SelectError::Ambiguous { .. } => ExitCode::Usage,
        SelectError::OtherGateway(_) => ExitCode::Denied,
    };
    Failure {
        code,
        message: error.to_string(),
        hint: Some(error.hint()),
    }
}

/// Reports that no key is given while the lock is on.
#[must_use]
pub(crate) fn of_locked(locked: &Locked) -> Failure {
    let message = format!("{locked}; no key is given");
    Failure::new(ExitCode::Denied, message, UNLOCK)
}

/// Reports that no settings can be made for a profile.
#[must_use]
pub(crate) fn of_settings(error: &ProfileError) -> Failure {
    Failure::new(ExitCode::Usage, error.to_string(), error.hint())
}

/// Reports that `profile` needs variables that the client cannot send.
#[must_use]
pub(crate) fn of_variables(profile: &str, error: &VariablesError) -> Failure {
    let hint = match error {
        VariablesError::Unsupported(_) => "update claviger-helper".to_owned(),
        VariablesError::NotText(name) => format!("correct '{name}', or unset it"),
        VariablesError::TooMany(_) => "name one profile".to_owned(),
    };
    Failure {
        code: ExitCode::Usage,
        message: format!("profile '{profile}' needs {error}"),
        hint: Some(hint),
    }
}

/// What to do about a key that the gateway rejects and `source` still returns.
#[must_use]
pub(crate) fn rejected_hint(source: &str, administrator: Option<String>) -> String {
    administrator.unwrap_or_else(|| {
        format!(
            "ask the administrator of source '{source}' for a new key; Claviger finds it on its own"
        )
    })
}

/// Reports that the credential of `profile` is dropped here but not revoked at `source`.
#[must_use]
pub(crate) fn of_revoke(
    profile: &str,
    source: &str,
    error: &SourceError,
    administrator: Option<String>,
) -> Failure {
    Failure {
        message: format!(
            "dropped the key of profile '{profile}', but source '{source}' has not revoked it: {error}"
        ),
        ..of_source(profile, source, error, administrator)
    }
}

/// What to do about a server that did not answer.
#[must_use]
pub(crate) fn transport_hint(error: &TransportError, administrator: Option<String>) -> String {
    administrator
        .filter(|_| transport_is_for_administrator(error))
        .unwrap_or_else(|| error.hint())
}

/// The code and the hint of an error of `source`, with the error as the message, for a client of
/// `profile`.
#[must_use]
pub(crate) fn of_source(
    profile: &str,
    source: &str,
    error: &SourceError,
    administrator: Option<String>,
) -> Failure {
    let (code, hint) = match error {
        SourceError::Unreachable { error, .. } => (ExitCode::SourceFailed, error.hint()),
        SourceError::Unavailable { .. } => (
            ExitCode::SourceFailed,
            "nothing to do on this machine: Claviger retries on its own".to_owned(),
        ),
        SourceError::Failed { host, .. } => (
            ExitCode::SourceFailed,
            format!(
                "wait: Claviger retries on its own; if it stays, ask the administrator of '{host}'"
            ),
        ),
        SourceError::LoginRefused { hint, .. } => (ExitCode::LoginRequired, hint.clone()),
        SourceError::LoginRequired { hint, .. } => (
            ExitCode::LoginRequired,
            hint.clone()
                .unwrap_or_else(|| format!("run claviger login {profile}")),
        ),
        SourceError::Denied { host, path, .. } => (
            ExitCode::SourceFailed,
            format!(
                "ask the administrator of '{host}' for a policy that allows access to '{path}'"
            ),
        ),
        SourceError::Missing { host, .. } => (
            ExitCode::SourceFailed,
            format!(
                "ask the administrator of '{host}' for the key, or correct the path of source '{source}'"
            ),
        ),
        SourceError::Unusable { .. } => (
            ExitCode::KeyUnusable,
            format!(
                "ask the administrator of source '{source}' for a key of 1 to {MAX_KEY_LEN} printable \
                 ASCII characters without whitespace"
            ),
        ),
        SourceError::UnusableClaim { hint, .. } => (ExitCode::KeyUnusable, hint.clone()),
        SourceError::Redirected { to, .. } => (
            ExitCode::SourceFailed,
            format!(
                "if '{to}' is a node of the same Vault, list it in 'redirect_hosts' of source '{source}'; \
                 otherwise correct its address"
            ),
        ),
        SourceError::WebPage { host, .. } => (
            ExitCode::SourceFailed,
            format!(
                "open '{host}' in a browser: a captive portal or a proxy may have answered; or correct \
                 the address of source '{source}'"
            ),
        ),
        SourceError::Malformed { host, .. } => (
            ExitCode::SourceFailed,
            format!("check that '{host}' is the right server for source '{source}'"),
        ),
        SourceError::BadOutput { program, .. } => (
            ExitCode::SourceFailed,
            format!("run '{program}' by hand, and correct what it prints"),
        ),
        SourceError::Configuration { hint, .. } | SourceError::ClientVariable { hint, .. } => {
            (ExitCode::Usage, hint.clone())
        }
        SourceError::Forgotten => (ExitCode::SourceFailed, "try again".to_owned()),
    };
    let administrator = administrator.filter(|_| is_for_administrator(error));
    Failure {
        code,
        message: error.to_string(),
        hint: Some(administrator.unwrap_or(hint)),
    }
}

/// Whether only the administrator of a managed configuration can do what the hint advises. What
/// depends on this machine's network or clock, or ends by itself, is the user's.
fn is_for_administrator(error: &SourceError) -> bool {
    match error {
        SourceError::Unreachable { error, .. } => transport_is_for_administrator(error),
        SourceError::LoginRefused { .. }
        | SourceError::Denied { .. }
        | SourceError::Missing { .. }
        | SourceError::Unusable { .. }
        | SourceError::UnusableClaim { .. }
        | SourceError::Redirected { .. }
        | SourceError::Malformed { .. }
        | SourceError::BadOutput { .. }
        | SourceError::Configuration { .. } => true,
        // Only the developer can set it, and the configuration wants it from there.
        SourceError::ClientVariable { .. }
        // The developer is the person who must log in.
        | SourceError::LoginRequired { .. }
        // Only at this machine can the page be looked at.
        | SourceError::WebPage { .. }
        | SourceError::Unavailable { .. }
        | SourceError::Failed { .. }
        | SourceError::Forgotten => false,
    }
}

/// The same for a server that did not answer.
fn transport_is_for_administrator(error: &TransportError) -> bool {
    match error {
        TransportError::Refused => true,
        TransportError::Tls(error) => !matches!(error, TlsError::NotYetValid | TlsError::Expired),
        other => other.is_of_configuration(),
    }
}

#[cfg(test)]
mod messages;
#[cfg(test)]
mod tests;
