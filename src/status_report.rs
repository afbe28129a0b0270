//! The status of the daemon and its profiles: what `claviger status --json` prints, and what the
//! daemon sends for it. The names are a contract.
//!
//! The daemon sends one JSON object for itself and one for each profile. A client of one release
//! reads the report of another: unknown fields are ignored, missing ones have their default, and an
//! unknown state is kept as text.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// Since when the gateway rejects the credential.
    pub(crate) rejected_since: Option<Timestamp>,
    /// Whether the gateway's answer to a probe is reliable; `None` if it is not probed.
    pub(crate) calibration: Option<String>,
    /// What to do: the remedy for the error, then those for problems of the setup.
    pub(crate) advice: Vec<String>,
    /// The client's variables that the credential is for; `None` if the profile needs none. A
    /// profile that needs some has one report for each set of values.
    pub(crate) variables: Option<VariablesReport>,
    /// In the answer to a refresh: why there is no new credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<FailureReport>,
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
    /// The source refuses the credential, or has none.
    Denied,
    /// The configuration, or a file or variable that it names, is missing or invalid.
    Misconfigured,
    /// The source returns a value that is not a key.
    Unusable,
    /// The source does not answer, or the answer is not one of this kind of source.
    Unreachable,
    /// A state of a newer daemon.
    #[serde(untagged)]
    Other(String),
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
            Self::Other(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_round_trips() {
        let time = |second| Some(Timestamp::from_second(second).unwrap());
        let status = StatusReport {
            daemon: Some(DaemonReport {
                pid: 7,
                version: "0.1.0".to_owned(),
                uptime_s: 61,
                socket: "/run/user/7/claviger/agent.sock".to_owned(),
                usual_socket: Some(true),
                log: Some("/home/ada/.local/state/claviger/daemon.log".to_owned()),
                log_error: Some("permission denied".to_owned()),
                config: Some("/etc/claviger/config.toml".to_owned()),
                config_error: Some("expected a string".to_owned()),
            }),
            profiles: vec![
                ProfileReport {
                    name: "work".to_owned(),
                    source: "vault".to_owned(),
                    gateway: Some("https://gateway.test".to_owned()),
                    state: ProfileState::Rejected,
                    fingerprint: Some("ba7816bf8f01".to_owned()),
                    issued_at: time(1),
                    expires_at: time(2),
                    next_refresh_at: time(3),
                    version: Some(4),
                    last_error: Some("timed out".to_owned()),
                    error_code: Some(4),
                    seen_current_at: time(5),
                    rejected_since: time(6),
                    calibration: Some("reliable".to_owned()),
                    advice: vec!["set probe".to_owned()],
                    variables: Some(VariablesReport {
                        names: vec!["TEAM".to_owned()],
                        fingerprint: "0123456789ab".to_owned(),
                    }),
                    failure: Some(FailureReport {
                        code: 5,
                        message: "no key".to_owned(),
                        hint: Some("wait".to_owned()),
                    }),
                },
                ProfileReport::default(),
            ],
        };
        let mut reports = vec![serde_json::to_string(&status.daemon).unwrap()];
        reports.extend(
            status
                .profiles
                .iter()
                .map(|profile| serde_json::to_string(profile).unwrap()),
        );
        assert_eq!(StatusReport::parse(&reports).unwrap(), status);
        let printed = serde_json::to_value(&status).unwrap();
        assert_eq!(printed["profiles"][0]["issued_at"], "1970-01-01T00:00:01Z");
        let none = StatusReport::default();
        assert_eq!(StatusReport::parse(&[]).unwrap(), none);
        assert_eq!(
            serde_json::to_value(none).unwrap(),
            json!({"daemon": null, "profiles": []})
        );
    }

    #[test]
    fn the_report_of_another_release_is_read() {
        let reports = [
            json!({"pid": 7, "later": [1]}).to_string(),
            json!({"name": "a", "state": "locked", "later": {}}).to_string(),
        ];
        let status = StatusReport::parse(&reports).unwrap();
        assert_eq!(status.daemon.unwrap().pid, 7);
        let [profile] = &status.profiles[..] else {
            panic!("one profile");
        };
        assert_eq!(profile.state.to_string(), "locked");
        assert_eq!(profile.last_error, None);
        assert_eq!(serde_json::to_value(profile).unwrap()["state"], "locked");
    }

    #[test]
    fn states_have_one_name() {
        for state in [
            ProfileState::Empty,
            ProfileState::Ready,
            ProfileState::LoginRequired,
            ProfileState::Rejected,
            ProfileState::Denied,
            ProfileState::Misconfigured,
            ProfileState::Unusable,
            ProfileState::Unreachable,
        ] {
            let name = serde_json::to_value(&state).unwrap();
            assert_eq!(name, state.to_string());
            assert_eq!(serde_json::from_value::<ProfileState>(name).unwrap(), state);
        }
    }
}
