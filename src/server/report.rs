//! What `status` shows, as the JSON that `status --json` prints. Its names are a contract.

use claviger_wire::Response;
use serde::Serialize;

use crate::{broker::slot::Snapshot, clock::Now, secret::Fingerprint, source::SourceError};

/// `daemon`.
#[derive(Debug, Serialize)]
pub(super) struct Daemon {
    pub(super) pid: u32,
    pub(super) version: &'static str,
    pub(super) uptime_s: u64,
    pub(super) socket: String,
    /// The configuration file that is in force.
    pub(super) config: Option<String>,
    /// What is wrong with the file as it is now, where it is not the one in force.
    pub(super) config_error: Option<String>,
}

/// One of `profiles`. Times are RFC 3339.
#[derive(Debug, Serialize)]
pub(super) struct Profile<'a> {
    name: &'a str,
    source: &'a str,
    state: State,
    fingerprint: Option<Fingerprint>,
    issued_at: Option<String>,
    expires_at: Option<String>,
    next_refresh_at: Option<String>,
    version: Option<u64>,
    last_error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// There is a credential to hand out.
    Ready,
    /// The source wants a login that only a person, or whoever put the login's secret there, can mend.
    LoginRequired,
    /// The source gave none.
    Unreachable,
    /// Nobody has asked yet.
    Empty,
}

impl<'a> Profile<'a> {
    pub(super) fn new(name: &'a str, source: &'a str, snapshot: &Snapshot, now: Now) -> Self {
        let credential = snapshot.credential.as_deref();
        let next_refresh_at = snapshot.due.map(|due| {
            let wait = due.since(now.tick);
            now.wall
                .saturating_add(wait)
                .unwrap_or(now.wall)
                .to_string()
        });
        Self {
            name,
            source,
            state: state(snapshot),
            fingerprint: credential.map(|credential| credential.fingerprint()),
            issued_at: credential.map(|credential| credential.issued_at().to_string()),
            expires_at: credential
                .and_then(|c| c.expires_at())
                .map(|at| at.to_string()),
            next_refresh_at,
            version: credential.and_then(|credential| credential.version),
            last_error: snapshot.trouble.as_ref().map(ToString::to_string),
        }
    }
}

/// As a response. One that does not fit a frame would be a bug: its texts are short.
pub(super) fn response(report: &impl Serialize) -> Response {
    Response::Report(serde_json::to_string(report).unwrap_or_default())
}

fn state(snapshot: &Snapshot) -> State {
    match (&snapshot.credential, &snapshot.trouble) {
        (Some(_), _) => State::Ready,
        (None, Some(SourceError::LoginRefused { .. } | SourceError::LoginRequired { .. })) => {
            State::LoginRequired
        }
        (None, Some(_)) => State::Unreachable,
        (None, None) => State::Empty,
    }
}
