//! What the log says about a request for a key: for which profile, from which source, by which
//! client.

use std::path::Path;

use claviger_wire::{ExitCode, Failure};

use crate::{
    broker::{AcquireError, AcquireRequest},
    client_process,
    credential::Credential,
};

/// The fields of the log lines about one request.
pub(super) struct RequestLog<'a> {
    pub(super) profile: &'a str,
    pub(super) source: &'a str,
    /// The process that sent the request.
    pub(super) shim: Option<u32>,
    /// The path of the client's program.
    pub(super) executable: Option<&'a Path>,
    /// The request as the broker gets it. Of what the client says about itself, only names that
    /// this version knows are logged.
    pub(super) request: &'a AcquireRequest,
}

impl RequestLog<'_> {
    /// Logs that the client was served `credential`. Only at the level debug: a script that runs
    /// the shim in a loop must not fill the log.
    pub(super) fn granted(&self, credential: &Credential) {
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

    /// Logs that the client got no key.
    pub(super) fn refused(&self, failure: &Failure) {
        tracing::warn!(
            event = "key-refused",
            profile = self.profile,
            source = self.source,
            shim = self.shim,
            client = self.request.session.map(|client| client.pid),
            program = self.program(),
            executable = self
                .executable
                .map(|path| tracing::field::display(path.display())),
            client_kind = self.request.client.name(),
            context = self.request.context.name(),
            code = failure.code.as_byte(),
            reason = failure.message,
            "served no key",
        );
    }

    fn program(&self) -> Option<String> {
        client_process::name(self.request.session?)
    }
}

/// The outcome in the metrics of a request whose client got the key.
pub(super) const SERVED: &str = "served";

/// The outcome in the metrics of a request that a rule denies.
pub(super) const DENIED: &str = "denied";

/// The outcome in the metrics of a request that failed: the state of the profile that kept the
/// daemon from serving the key.
pub(super) fn outcome(error: &AcquireError, code: ExitCode) -> &'static str {
    match (error, code) {
        (AcquireError::Locked(_), _) => "locked",
        (_, ExitCode::Usage) => "misconfigured",
        (_, ExitCode::LoginRequired) => "login-required",
        (_, ExitCode::KeyRejected) => "rejected",
        (_, ExitCode::SourceFailed) => "unreachable",
        (_, ExitCode::KeyUnusable) => "unusable",
        (_, ExitCode::Denied) => DENIED,
        (_, ExitCode::DaemonUnavailable) => "failed",
    }
}
