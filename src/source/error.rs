//! Errors of the sources. The variants differ in which side is at fault and in what helps.

use std::time::Duration;

use crate::{
    named_file::FileError,
    network::{SetupError, TransportError},
    status_report::ProfileState,
};

/// Why a source returned no credential.
///
/// A message names the host and the server's reason. It contains no response body and no secret.
///
/// At fault are, and what helps is:
///
/// - the network or the server, for now; retrying: [`Unreachable`](Self::Unreachable),
///   [`Unavailable`](Self::Unavailable), [`Failed`](Self::Failed)
/// - the secret of the login; replacing it: [`LoginRefused`](Self::LoginRefused)
/// - a login that has ended; logging in: [`LoginRequired`](Self::LoginRequired)
/// - the policy or the content of the source; its administrator: [`Denied`](Self::Denied),
///   [`Missing`](Self::Missing), [`Unusable`](Self::Unusable),
///   [`UnusableClaim`](Self::UnusableClaim)
/// - the address; correcting it: [`Redirected`](Self::Redirected), [`WebPage`](Self::WebPage),
///   [`Malformed`](Self::Malformed)
/// - the program; correcting it: [`BadOutput`](Self::BadOutput)
/// - this machine; correcting the configuration or the file that it names:
///   [`Configuration`](Self::Configuration)
/// - the client's environment; setting the variable there: [`ClientVariable`](Self::ClientVariable)
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No response. Temporary: the broker keeps its credential and retries with back-off.
    #[error("'{host}' {error}")]
    Unreachable {
        /// Host and port, or the program.
        host: String,
        /// What kept the response from arriving.
        error: TransportError,
    },

    /// The server is up and refuses all requests for now: sealed, standby, rate limit, internal
    /// error. Temporary.
    #[error("'{host}' {reason}")]
    Unavailable {
        /// Host and port.
        host: String,
        /// The end of a sentence that starts with the host: "is sealed (503)".
        reason: String,
        /// The server's `Retry-After`.
        retry_after: Option<Duration>,
    },

    /// The server reports an error for this path that is neither a denial nor a missing secret: a
    /// storage that it cannot write to, an upgrade, an unknown role of an engine.
    #[error("'{host}' cannot read '{path}' for now: {reason}")]
    Failed {
        /// Host and port.
        host: String,
        /// The requested path.
        path: String,
        /// The server's reason.
        reason: String,
    },

    /// The server rejected the login.
    #[error("'{host}' refused the login: {reason}")]
    LoginRefused {
        /// Host and port.
        host: String,
        /// The server's reason.
        reason: String,
        /// The one thing to do now.
        hint: String,
        /// Whether the secret is certainly wrong: the server's reason names it, or it has never
        /// worked. Otherwise the server may have refused a good one, because a role or a mount
        /// point is missing for now, or because the address that the request came from is not
        /// allowed.
        is_final: bool,
    },

    /// A person must log in before the source can be asked again. A credential that was obtained
    /// before is as good as it was.
    #[error("'{host}' requires a login: {reason}")]
    LoginRequired {
        /// Host and port, or the program.
        host: String,
        /// Why there is no login, or the program's reason.
        reason: String,
        /// The one thing to do now; `None` if it is `claviger login`, with the name of the profile,
        /// which a source does not know.
        hint: Option<String>,
    },

    /// The login is valid and lacks the permission for this path.
    #[error("'{host}' denied access to '{path}': {reason}")]
    Denied {
        /// Host and port.
        host: String,
        /// The requested path.
        path: String,
        /// The server's reason.
        reason: String,
    },

    /// The configured path holds no secret, or no longer holds one.
    #[error("no secret at '{path}' on '{host}' ({reason})")]
    Missing {
        /// Host and port.
        host: String,
        /// The requested path.
        path: String,
        /// The status, or the state of the secret: "404", "version 3, the current version, was
        /// deleted".
        reason: String,
    },

    /// The response holds a value that is not a credential, or one that the client would refuse.
    #[error("field '{field}' from '{host}' {reason}")]
    Unusable {
        /// Host and port, or the program.
        host: String,
        /// The field of the response.
        field: String,
        /// The end of the sentence: "is empty", "is a number, not a string".
        reason: String,
    },

    /// A claim of the login, which the path of the secret contains, is missing or is not a path
    /// segment.
    #[error("the login at '{host}' has no usable claim for '{key}': {reason}")]
    UnusableClaim {
        /// Host and port of the server that provides the claims.
        host: String,
        /// The key of the configuration with the placeholder.
        key: String,
        /// The placeholder, what is wrong with its claim, and what is expected.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },

    /// The server redirects to a host that must not get what was sent to it. Temporary: a standby
    /// redirects until it is the active node.
    #[error("'{host}' redirects to '{to}', {reason}")]
    Redirected {
        /// Host and port.
        host: String,
        /// The other host, with the scheme if that is the problem.
        to: String,
        /// The end of the sentence: "which 'redirect_hosts' does not list".
        reason: String,
    },

    /// A page for people in place of the response: from a captive portal, a proxy or a web server.
    #[error("unexpected response from '{host}': {reason}")]
    WebPage {
        /// Host and port.
        host: String,
        /// What the response is.
        reason: String,
    },

    /// The response does not belong to this kind of source: not JSON, other JSON, too large.
    #[error("unexpected response from '{host}': {reason}")]
    Malformed {
        /// Host and port.
        host: String,
        /// What is wrong with the response.
        reason: String,
    },

    /// The program's output is neither a key nor its JSON object: it is too long, or invalid JSON.
    #[error("unexpected output of '{program}': {reason}")]
    BadOutput {
        /// The program.
        program: String,
        /// What is wrong with the output.
        reason: String,
    },

    /// The configuration, or a secret file or certificate that it names, is missing or invalid.
    #[error("{reason}")]
    Configuration {
        /// The problem, with the key or the file.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },

    /// A variable of the client's environment, which the configuration names, is missing or
    /// invalid. Only the client's user can set it.
    #[error("{reason}")]
    ClientVariable {
        /// The problem, with the variable.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },

    /// Not a failure of the source: a logout discarded the credential while the caller waited.
    #[error("the credential was discarded while it was being fetched")]
    Forgotten,
}

impl SourceError {
    /// Whether a cached credential must be dropped: the source itself has refused it.
    ///
    /// Only these are a no:
    ///
    /// - the login is valid, and the credential is denied or missing
    /// - the secret of the login is certainly wrong
    ///
    /// Everything else leaves a cached credential as good as it was, up to its end: no response,
    /// the response of another program in the source's place, a failure inside of the source, an
    /// error on this machine, a login that a person must renew.
    #[must_use]
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Denied { .. } | Self::Missing { .. } => true,
            Self::LoginRefused { is_final, .. } => *is_final,
            _ => false,
        }
    }

    /// The state of a profile that has no credential because of this error.
    #[must_use]
    pub(crate) fn state(&self) -> ProfileState {
        match self {
            Self::LoginRefused { .. } | Self::LoginRequired { .. } => ProfileState::LoginRequired,
            Self::Denied { .. } | Self::Missing { .. } => ProfileState::Denied,
            Self::Configuration { .. } | Self::ClientVariable { .. } => ProfileState::Misconfigured,
            Self::Unusable { .. } | Self::UnusableClaim { .. } => ProfileState::Unusable,
            Self::Unreachable { .. }
            | Self::Unavailable { .. }
            | Self::Failed { .. }
            | Self::Redirected { .. }
            | Self::WebPage { .. }
            | Self::Malformed { .. }
            | Self::BadOutput { .. }
            | Self::Forgotten => ProfileState::Unreachable,
        }
    }

    /// How long the server asked to wait before the next request.
    #[must_use]
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<FileError> for SourceError {
    fn from(FileError { reason, hint }: FileError) -> Self {
        Self::Configuration { reason, hint }
    }
}

impl From<SetupError> for SourceError {
    fn from(error: SetupError) -> Self {
        let SetupError {
            reason,
            hint,
            is_of_client,
        } = error;
        match is_of_client {
            true => Self::ClientVariable { reason, hint },
            false => Self::Configuration { reason, hint },
        }
    }
}
