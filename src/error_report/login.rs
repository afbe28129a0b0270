//! The failures of a login.

use claviger_wire::{ExitCode, Failure};

use super::of_source;
use crate::{login::LoginError, source::SourceError};

/// Reports that the source of `profile` has no login that a user makes.
#[must_use]
pub(crate) fn of_no_login(profile: &str, source: &str) -> Failure {
    Failure::new(
        ExitCode::Usage,
        format!("source '{source}' of profile '{profile}' needs no login"),
        format!("run claviger status {profile}, which shows if it has a key"),
    )
}

/// Reports that the user is not signed in to `source`, which `profile` needs.
#[must_use]
pub(crate) fn of_login(
    profile: &str,
    source: &str,
    error: &LoginError,
    administrator: Option<String>,
) -> Failure {
    let again = format!("run claviger login {profile}");
    let (code, hint) = match error {
        LoginError::Source(error) => return of_sign_in(profile, source, error, administrator),
        LoginError::PortInUse(port) => (
            ExitCode::Usage,
            format!("end the program that listens on port {port}, then {again}"),
        ),
        LoginError::Listen(_) => (ExitCode::DaemonUnavailable, format!("{again} --device")),
        LoginError::TimedOut(_) | LoginError::Abandoned => (ExitCode::LoginRequired, again),
    };
    Failure::new(code, message(profile, source, error), hint)
}

/// As [`of_login`], for an error of the source.
#[must_use]
pub(crate) fn of_sign_in(
    profile: &str,
    source: &str,
    error: &SourceError,
    administrator: Option<String>,
) -> Failure {
    Failure {
        message: message(profile, source, error),
        ..of_source(profile, source, error, administrator)
    }
}

fn message(profile: &str, source: &str, error: &impl std::fmt::Display) -> String {
    format!("not signed in to source '{source}' for profile '{profile}': {error}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::source::TransportError;

    #[test]
    fn every_failure_of_a_login_names_its_source_and_the_next_step() {
        let host = || "idp.test".to_owned();
        let required = SourceError::LoginRequired {
            host: host(),
            reason: "the login has expired".to_owned(),
            hint: None,
        };
        let unreachable = SourceError::Unreachable {
            host: host(),
            error: TransportError::Refused,
        };
        for (error, code, hint) in [
            (
                LoginError::PortInUse(8400),
                ExitCode::Usage,
                "end the program that listens on port 8400, then run claviger login work",
            ),
            (
                LoginError::Listen("permission denied".to_owned()),
                ExitCode::DaemonUnavailable,
                "run claviger login work --device",
            ),
            (
                LoginError::TimedOut(Duration::from_secs(600)),
                ExitCode::LoginRequired,
                "run claviger login work",
            ),
            (
                LoginError::Source(required),
                ExitCode::LoginRequired,
                "run claviger login work",
            ),
            (
                LoginError::Source(unreachable),
                ExitCode::SourceFailed,
                "ask your administrator",
            ),
        ] {
            let administrator = Some("ask your administrator".to_owned());
            let failure = of_login("work", "sso", &error, administrator);
            assert_eq!(failure.code, code, "{failure:?}");
            assert_eq!(failure.hint.as_deref(), Some(hint));
            let expected = format!("not signed in to source 'sso' for profile 'work': {error}");
            assert_eq!(failure.message, expected);
        }
    }
}
