//! What the daemon and its credentials do, as records of the audit log.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::{
    audit::{Audit, AuditStatus, Names, Record, Settings, read::last_policy},
    broker::{Change, DropCause, FetchCause, Observer},
    clock::Clock,
    config::Config,
    credential::Credential,
    policy_watch::{self, PolicyEvent},
    principal::Principal,
    source::{Revocation, Revoked},
};

/// Bytes in a MiB.
const MIB: u64 = 1 << 20;

/// Writes records of what happens.
pub(crate) struct Recorder {
    audit: Audit,
    clock: Arc<dyn Clock>,
    state_dir: PathBuf,
    names: Names,
    /// The counter of the last good central policy; 0 without one.
    policy: AtomicU64,
}

impl Recorder {
    /// A recorder whose records wait for the first configuration. `socket` is the daemon's, unless
    /// that is the user's usual one.
    #[must_use]
    pub(crate) fn new(clock: Arc<dyn Clock>, state_dir: PathBuf, socket: Option<&Path>) -> Self {
        let user = Principal::of_this_machine().user;
        Self {
            audit: Audit::start(Some(user).filter(|user| !user.is_empty())),
            clock,
            state_dir,
            names: Names::new(socket),
            policy: AtomicU64::new(0),
        }
    }

    /// A recorder that records nothing.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn off() -> Self {
        Self {
            audit: Audit::off(),
            clock: Arc::new(crate::clock::SystemClock),
            state_dir: PathBuf::new(),
            names: Names::new(None),
            policy: AtomicU64::new(0),
        }
    }

    /// Records `event` with `outcome` now; `fill` adds what else is known.
    pub(crate) fn record(
        &self,
        event: &'static str,
        outcome: &'static str,
        fill: impl FnOnce(Record) -> Record,
    ) {
        let now = self.clock.now().wall;
        let policy = self.policy.load(Relaxed);
        let record = Record {
            policy: (policy > 0).then_some(policy),
            ..Record::new(now, event, outcome)
        };
        self.audit.record(fill(record));
    }

    /// Records what the daemon itself does.
    pub(crate) fn on_daemon(&self, outcome: &'static str) {
        let executable = std::env::current_exe().ok();
        self.record("daemon", outcome, |record| Record {
            pid: Some(std::process::id()),
            executable: executable.map(|path| path.display().to_string()),
            message: Some(format!("claviger {}", env!("CARGO_PKG_VERSION"))),
            ..record
        });
    }

    /// Records that `config` was loaded, at the place of the log before and at the new one.
    pub(super) fn on_config(&self, config: &Config) {
        let settings = self.settings(config);
        let record = || {
            self.record("config", "loaded", |record| Record {
                file: Some(config.file.display().to_string()),
                sha256: Some(config.sha256),
                ..record
            });
        };
        if self.audit.is_configured_as(settings.as_ref()) {
            record();
            return;
        }
        if self.audit.is_configured() {
            record();
        }
        self.audit.configure(settings);
        record();
    }

    /// The counter of a central policy that was in force by the log that `config` describes.
    pub(super) fn last_policy(&self, config: &Config) -> Option<u64> {
        let settings = settings(config, &self.state_dir, self.names.clone());
        let settings = settings.ok()??;
        last_policy(&settings.directory, &settings.names)
    }

    /// How the log does.
    #[must_use]
    pub(crate) fn status(&self) -> AuditStatus {
        self.audit.status()
    }

    /// Writes what waits, for a bounded time.
    pub(crate) fn finish(&self) {
        self.audit.finish();
    }

    /// What `config` says of the log; `None` if there is none.
    fn settings(&self, config: &Config) -> Option<Settings> {
        let settings = settings(config, &self.state_dir, self.names.clone());
        settings.unwrap_or_else(|error| {
            self.audit.fail(&error);
            None
        })
    }
}

/// What `config` says of the log with these names; `None` if there is none.
///
/// # Errors
///
/// The directory is not known.
pub(crate) fn settings(
    config: &Config,
    state_dir: &Path,
    names: Names,
) -> Result<Option<Settings>, String> {
    let audit = &config.audit;
    if !audit.enabled {
        return Ok(None);
    }
    let directory = match &audit.directory {
        None => state_dir.to_owned(),
        Some(path) => path
            .resolve(&Principal::of_this_machine())
            .map_err(|error| format!("'audit.directory': {error}"))?,
    };
    Ok(Some(Settings {
        directory,
        names,
        group: audit.group.clone(),
        max_len: u64::from(audit.max_size_mib) * MIB,
        keep: audit.keep,
        journal: audit.journal,
        syslog: audit.syslog,
    }))
}

impl policy_watch::Observer for Recorder {
    fn on_counter(&self, counter: Option<u64>) {
        self.policy.store(counter.unwrap_or(0), Relaxed);
    }

    fn on_policy(&self, event: &PolicyEvent) {
        let (outcome, message) = match event {
            PolicyEvent::Accepted { key_id, .. } => ("accepted", format!("signed by {key_id}")),
            PolicyEvent::Refused { reason } => ("refused", reason.clone()),
            PolicyEvent::Failed { reason } => ("failed", reason.clone()),
            PolicyEvent::Resumed { .. } => ("available", String::new()),
            // The next daemon may refuse it, which it records.
            PolicyEvent::FileFailed { .. } => return,
        };
        self.record("policy", outcome, |record| Record {
            message: Some(message).filter(|message| !message.is_empty()),
            ..record
        });
    }
}

impl Observer for Recorder {
    fn on_change(&self, profile: &str, source: &str, change: Change<'_>) {
        let (event, outcome) = match &change {
            Change::Obtained { .. } => ("change", "obtained"),
            Change::FetchFailed { .. } => ("change", "failed"),
            Change::NotAccepted(_) => ("change", "not-accepted"),
            Change::Promoted(_) => ("change", "promoted"),
            Change::Rejected(_) => ("change", "rejected"),
            Change::Dropped { .. } => ("change", "dropped"),
            Change::LoggedOut { revocation, .. } => {
                ("logout", logged_out(revocation.as_ref().ok()))
            }
        };
        self.record(event, outcome, |record| {
            let record = Record {
                profile: Some(profile.to_owned()),
                source: Some(source.to_owned()),
                ..record
            };
            match change {
                Change::Obtained { credential, cause } => Record {
                    reason: Some(cause_name(cause).into()),
                    ..about(record, credential)
                },
                Change::FetchFailed { cause, error } => Record {
                    reason: Some(cause_name(cause).into()),
                    message: Some(error.to_string()),
                    ..record
                },
                Change::NotAccepted(credential)
                | Change::Promoted(credential)
                | Change::Rejected(credential) => about(record, credential),
                Change::Dropped { credential, cause } => Record {
                    reason: Some(drop_name(cause).into()),
                    ..about(record, credential)
                },
                Change::LoggedOut {
                    fingerprint,
                    revocation,
                } => Record {
                    fingerprint: fingerprint.map(ToString::to_string),
                    message: revocation.as_ref().err().map(ToString::to_string),
                    ..record
                },
            }
        });
    }
}

fn about(record: Record, credential: &Credential) -> Record {
    Record {
        fingerprint: Some(credential.fingerprint().to_string()),
        version: credential.version,
        ..record
    }
}

const fn cause_name(cause: FetchCause) -> &'static str {
    match cause {
        FetchCause::First => "first",
        FetchCause::Expired => "expired",
        FetchCause::AheadOfNeed => "ahead-of-need",
        FetchCause::Rotation => "rotation",
        FetchCause::RejectionStated => "401-stated",
        FetchCause::RejectionInferred => "401-inferred",
        FetchCause::GatewayRejected => "gateway-rejected",
        FetchCause::Policy => "policy",
        FetchCause::Forced => "forced",
    }
}

const fn drop_name(cause: DropCause) -> &'static str {
    match cause {
        DropCause::Denied => "denied",
        DropCause::Revoked => "revoked",
        DropCause::OtherUser => "other-user",
        DropCause::Reconfigured => "reconfigured",
        DropCause::Locked => "locked",
        DropCause::Unused => "unused",
        DropCause::Policy => "policy",
    }
}

fn logged_out(revocation: Option<&Revocation>) -> &'static str {
    match revocation {
        None => "not-revoked",
        Some(revocation) => match (revocation.lease, revocation.login) {
            (Revoked::StaysValid, _) | (_, Revoked::StaysValid) => "stays-valid",
            (Revoked::Done, _) | (_, Revoked::Done) => "revoked",
            (Revoked::Nothing, Revoked::Nothing) => "forgotten",
        },
    }
}
