//! The state of a profile, and what a request for its key would come to now.

use claviger_wire::ExitCode;

use crate::{broker::slot::Snapshot, error_report, status_report::ProfileState};

/// The state of a profile.
pub(super) fn of(snapshot: &Snapshot) -> ProfileState {
    let error = match (&snapshot.credential, &snapshot.last_error) {
        (Some(_), _) if snapshot.rejected_since.is_some() => return ProfileState::Rejected,
        (Some(_), _) => return ProfileState::Ready,
        (None, None) => return ProfileState::Empty,
        (None, Some(error)) => error,
    };
    error.state()
}

/// The exit code of a request for the key now, if it is known to fail, and what to do about the
/// last error, whether or not a key is served.
pub(super) fn trouble(
    profile: &str,
    source: &str,
    snapshot: &Snapshot,
    administrator: Option<String>,
) -> (Option<ExitCode>, Option<String>) {
    if snapshot.credential.is_some() && snapshot.rejected_since.is_some() {
        let hint = error_report::rejected_hint(source, administrator);
        return (Some(ExitCode::KeyRejected), Some(hint));
    }
    let Some(error) = &snapshot.last_error else {
        return (None, None);
    };
    let failure = error_report::of_source(profile, source, error, administrator);
    let is_served = snapshot.credential.is_some();
    ((!is_served).then_some(failure.code), failure.hint)
}
