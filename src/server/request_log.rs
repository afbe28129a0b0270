//! What the log and the audit log say about a request for a key: for which profile, from which
//! source, by which client.

use claviger_wire::{ExitCode, Failure};

use crate::{
    audit::Record,
    broker::{AcquireError, AcquireRequest, Grant, GrantReason},
    client_kind::ClientKind,
    client_process::{self, Client},
    composition::Recorder,
    listener::Peer,
};

/// The fields of the log lines about one request.
pub(super) struct RequestLog<'a> {
    pub(super) profile: &'a str,
    pub(super) source: &'a str,
    /// The process that sent the request.
    pub(super) shim: Option<u32>,
    /// The request as the broker gets it. Of what the client says about itself, only names that
    /// this version knows are logged.
    pub(super) request: &'a AcquireRequest,
    /// The client's process, if it is known.
    pub(super) process: Option<&'a Client>,
    pub(super) recorder: &'a Recorder,
}

impl RequestLog<'_> {
    /// Records that the client was served a key. In the log only at the level debug: a script that
    /// runs the shim in a loop must not fill it.
    pub(super) fn granted(&self, grant: &Grant) {
        let credential = &grant.credential;
        self.recorder.record("grant", SERVED, |record| Record {
            reason: Some(reason(grant.reason).into()),
            fingerprint: Some(credential.fingerprint().to_string()),
            version: credential.version,
            ..self.about(record)
        });
        if !tracing::enabled!(tracing::Level::DEBUG) {
            // The client's name costs a system call.
            return;
        }
        tracing::debug!(
            event = "key-served",
            profile = self.profile,
            source = self.source,
            shim = self.shim,
            client = self.request.session.map(|client| client.pid),
            program = self.program(),
            client_kind = self.request.client.name(),
            context = self.request.context.name(),
            fingerprint = %credential.fingerprint(),
            "served a key",
        );
    }

    /// Records that the client got no key; `outcome` as in the metrics.
    pub(super) fn refused(&self, failure: &Failure, outcome: &'static str) {
        self.recorder.record("refusal", outcome, |record| Record {
            code: Some(failure.code.as_byte()),
            message: Some(failure.message.clone()),
            ..self.about(record)
        });
        let executable = self.process.and_then(|it| it.executable.as_deref());
        tracing::warn!(
            event = "key-refused",
            profile = self.profile,
            source = self.source,
            shim = self.shim,
            client = self.request.session.map(|client| client.pid),
            program = self.program(),
            executable = executable.map(|path| tracing::field::display(path.display())),
            client_kind = self.request.client.name(),
            context = self.request.context.name(),
            code = failure.code.as_byte(),
            reason = failure.message,
            "served no key",
        );
    }

    fn about(&self, record: Record) -> Record {
        Record {
            profile: Some(self.profile.to_owned()),
            source: Some(self.source.to_owned()),
            client: Some(self.request.client.name().into()),
            shim_pid: self.shim,
            ..of_client(record, self.process)
        }
    }

    fn program(&self) -> Option<String> {
        client_process::name(self.request.session?)
    }
}

/// Records that a client got no key because its request selects no profile.
pub(super) fn unselected(
    recorder: &Recorder,
    peer: Peer,
    client: ClientKind,
    profile: Option<&str>,
    failure: &Failure,
) {
    let process = peer.process.and_then(client_process::find);
    recorder.record("refusal", by_code(failure.code), |record| Record {
        profile: profile.map(str::to_owned),
        client: Some(client.name().into()),
        shim_pid: peer.pid,
        code: Some(failure.code.as_byte()),
        message: Some(failure.message.clone()),
        ..of_client(record, process.as_ref())
    });
}

fn of_client(record: Record, client: Option<&Client>) -> Record {
    let executable = client.and_then(|client| client.executable.as_ref());
    Record {
        pid: client.map(|client| client.session.pid),
        started: client.map(|client| client.session.started),
        executable: executable.map(|path| path.display().to_string()),
        ..record
    }
}

/// The reason in the audit log.
const fn reason(reason: GrantReason) -> &'static str {
    match reason {
        GrantReason::Cached => "cached",
        GrantReason::Fetched => "fetched",
        GrantReason::Rotation => "rotation",
        GrantReason::RejectionStated => "401-stated",
        GrantReason::RejectionInferred => "401-inferred",
    }
}

/// The outcome of a request whose client got the key, in the audit log and in the metrics.
pub(super) const SERVED: &str = "served";

/// The outcome of a request that a rule denies.
pub(super) const DENIED: &str = "denied";

/// The outcome of a request that failed: the state of the profile that kept the daemon from serving
/// the key.
pub(super) fn outcome(error: &AcquireError, code: ExitCode) -> &'static str {
    match error {
        AcquireError::Locked(_) => "locked",
        AcquireError::Unavailable(_) | AcquireError::TimedOut { .. } => by_code(code),
    }
}

const fn by_code(code: ExitCode) -> &'static str {
    match code {
        ExitCode::Usage => "misconfigured",
        ExitCode::LoginRequired => "login-required",
        ExitCode::KeyRejected => "rejected",
        ExitCode::SourceFailed => "unreachable",
        ExitCode::KeyUnusable => "unusable",
        ExitCode::Denied => DENIED,
        ExitCode::DaemonUnavailable => "failed",
    }
}
