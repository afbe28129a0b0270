//! The status of the daemon and its profiles: what `claviger status --json` prints, and what the
//! daemon sends for it. The names are a contract.
//!
//! The daemon sends one JSON object for itself and one for each profile. A client of one release
//! reads the report of another: unknown fields are ignored, missing ones have their default, and an
//! unknown state is kept as text.

mod policy;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use self::policy::{PolicyReport, PolicyStanding};
use crate::{client_variables::VariablesSummary, clock::Timestamp};

/// The whole report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct StatusReport {
    /// The daemon; `None` if none is running.
    pub(crate) daemon: Option<DaemonReport>,
    /// The profiles, by name.
    pub(crate) profiles: Vec<ProfileReport>,
}

/// The daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DaemonReport {
    /// Its process id.
    pub(crate) pid: u32,
    /// Its version.
    pub(crate) version: String,
    /// The time since its start in seconds.
    pub(crate) uptime_s: u64,
    /// The socket's path, or the pipe's name.
    pub(crate) socket: String,
    /// Whether the socket is the one that the system gives the user; `None` if that is not known.
    pub(crate) usual_socket: Option<bool>,
    /// The log file; `None` if the daemon logs to stderr.
    pub(crate) log: Option<String>,
    /// Why the daemon does not log.
    pub(crate) log_error: Option<String>,
    /// The configuration file that is in force; `None` if there is none.
    pub(crate) config: Option<String>,
    /// The error in the current file, if that is not the one in force.
    pub(crate) config_error: Option<String>,
    /// Whether it is locked: no key is given.
    pub(crate) locked: bool,
    /// Since when; `None` if it is not locked, or if that is not known.
    pub(crate) locked_since: Option<Timestamp>,
    /// Why the next daemon may not be locked as this one is: the file of the lock cannot be read or
    /// changed.
    pub(crate) lock_error: Option<String>,
    /// Why the audit log is not written, or not sent elsewhere.
    pub(crate) audit_error: Option<String>,
    /// The records that were written since the daemon's start.
    pub(crate) audit_records: u64,
    /// The records that could not be written since then.
    pub(crate) audit_lost: u64,
    /// The central policy; `None` if the configuration names none.
    pub(crate) policy: Option<PolicyReport>,
}

/// One profile. Times are in whole seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ProfileReport {
    /// Its name.
    pub(crate) name: String,
    /// The name of its source.
    pub(crate) source: String,
    /// The URL of its gateway, if one is configured.
    pub(crate) gateway: Option<String>,
    /// Its state.
    pub(crate) state: ProfileState,
    /// The first 12 hex digits of SHA-256 of the key.
    pub(crate) fingerprint: Option<String>,
    /// When the credential was issued.
    pub(crate) issued_at: Option<Timestamp>,
    /// When the credential expires.
    pub(crate) expires_at: Option<Timestamp>,
    /// When the credential is refreshed or revalidated next.
    pub(crate) next_refresh_at: Option<Timestamp>,
    /// The version of the secret at the source.
    pub(crate) version: Option<u64>,
    /// The error of the last attempt, if it failed.
    pub(crate) last_error: Option<String>,
    /// The exit code of a request for the key now, as far as is known; `None` if one is served.
    pub(crate) error_code: Option<u8>,
    /// When the source was last seen to have this credential.
    pub(crate) seen_current_at: Option<Timestamp>,
    /// When a credential without an expiry is no longer served, unless the source is seen to have
    /// it until then.
    pub(crate) usable_until: Option<Timestamp>,
    /// Since when the gateway rejects the credential.
    pub(crate) rejected_since: Option<Timestamp>,
    /// What shows that it does: [`PROBE`] or [`CLIENT_RETRIES`].
    pub(crate) rejection_evidence: Option<String>,
    /// The last probe of the credential.
    pub(crate) last_probe: Option<LastProbeReport>,
    /// A newer credential of the source that the gateway does not accept yet.
    pub(crate) successor: Option<SuccessorReport>,
    /// Whether the gateway's answer to a probe is reliable: `unknown`, `reliable`,
    /// `accepts-any-key` or `no-route`; `None` if it is not probed.
    pub(crate) calibration: Option<String>,
    /// Why the central policy denies the key, to all clients or to those of one of the gateways.
    pub(crate) policy_denial: Option<String>,
    /// What to do: the remedy for the error, then those for problems of the setup.
    pub(crate) advice: Vec<String>,
    /// The client's variables that the credential is for; `None` if the profile needs none. A
    /// profile that needs some has one report for each set of values.
    pub(crate) variables: Option<VariablesReport>,
    /// The user's login; `None` if the source needs none, or there is none.
    pub(crate) login: Option<UserLoginReport>,
    /// In the answer to a refresh: why there is no new credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<FailureReport>,
}

/// The value of `rejection_evidence` if the gateway has rejected the credential in a probe.
pub(crate) const PROBE: &str = "probe";

/// The value of `rejection_evidence` if a client retries as after one 401 after another, and no
/// probe can tell.
pub(crate) const CLIENT_RETRIES: &str = "client-retries";

/// A probe of the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LastProbeReport {
    /// When it finished.
    pub(crate) at: Option<Timestamp>,
    /// `accepted`, `known` (the key is not allowed on the probed route), `rejected` or
    /// `inconclusive`.
    pub(crate) result: String,
    /// Why it is inconclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// A credential that is not served yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SuccessorReport {
    /// The first 12 hex digits of SHA-256 of the key.
    pub(crate) fingerprint: String,
    /// The version of the secret at the source.
    pub(crate) version: Option<u64>,
    /// When the credential was issued.
    pub(crate) issued_at: Option<Timestamp>,
}

/// A user's login at a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UserLoginReport {
    /// The user's identifier at the server.
    pub(crate) subject: Option<String>,
    /// A name for people.
    pub(crate) name: Option<String>,
    /// The user's groups, if the configuration asks for them.
    pub(crate) groups: Vec<String>,
    /// When the user signed in.
    pub(crate) signed_in_at: Option<Timestamp>,
    /// When the user must sign in again at the latest; `None` if the server does not say.
    pub(crate) expires_at: Option<Timestamp>,
    /// Whether new tokens are obtained without the user until then.
    pub(crate) renewable: bool,
    /// Why the login ends with the daemon, and what to do: the store lacks its last change.
    pub(crate) warning: Option<String>,
}

/// A failure about one of several profiles, as a command prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FailureReport {
    /// The exit code.
    pub(crate) code: u8,
    /// The message, without a full stop.
    pub(crate) message: String,
    /// The one thing to do now.
    pub(crate) hint: Option<String>,
}

/// Variables of a client's environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct VariablesReport {
    /// The names of those that are set.
    pub(crate) names: Vec<String>,
    /// 12 hex digits that are the same for the same names and values, until the daemon ends.
    pub(crate) fingerprint: String,
}

impl From<VariablesSummary> for VariablesReport {
    fn from(variables: VariablesSummary) -> Self {
        Self {
            names: variables.names,
            fingerprint: variables.fingerprint.to_string(),
        }
    }
}

/// The state of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProfileState {
    /// No credential has been requested yet.
    #[default]
    Empty,
    /// There is a valid credential.
    Ready,
    /// The source rejects the login.
    LoginRequired,
    /// The gateway rejects the credential that the source returns.
    Rejected,
    /// The source refuses the credential, or has none, or the central policy denies it.
    Denied,
    /// The configuration, or a file or variable that it names, is missing or invalid.
    Misconfigured,
    /// The source returns a value that is not a key.
    Unusable,
    /// The source does not answer, or the answer is not one of this kind of source.
    Unreachable,
    /// No key is given until `claviger unlock`.
    Locked,
    /// A state of a newer daemon.
    #[serde(untagged)]
    Other(String),
}

impl ProfileState {
    /// Every state of this version.
    pub(crate) const KNOWN: [Self; 9] = [
        Self::Empty,
        Self::Ready,
        Self::LoginRequired,
        Self::Rejected,
        Self::Denied,
        Self::Misconfigured,
        Self::Unusable,
        Self::Unreachable,
        Self::Locked,
    ];
}

impl StatusReport {
    /// Parses the daemon's answer: its own report, then those of the profiles.
    ///
    /// # Errors
    ///
    /// A report that is not a JSON object, or a field of the wrong type.
    pub(crate) fn parse(reports: &[String]) -> serde_json::Result<Self> {
        let mut reports = reports.iter();
        Ok(Self {
            daemon: reports
                .next()
                .map(|report| serde_json::from_str(report))
                .transpose()?,
            profiles: reports
                .map(|report| serde_json::from_str(report))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The name in JSON.
impl fmt::Display for ProfileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Ready => "ready",
            Self::LoginRequired => "login-required",
            Self::Rejected => "rejected",
            Self::Denied => "denied",
            Self::Misconfigured => "misconfigured",
            Self::Unusable => "unusable",
            Self::Unreachable => "unreachable",
            Self::Locked => "locked",
            Self::Other(name) => name,
        })
    }
}

#[cfg(test)]
mod tests;
