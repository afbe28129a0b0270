//! What is said: requests and responses, apart from how they are written.

use std::fmt;

/// What the shim or the command line asks of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The current credential, please.
    Acquire(Acquire),
    /// What is the state of this profile, or of all? Answered with a [`Response::Report`] for the daemon, one for each
    /// profile, and [`Response::Done`].
    Status {
        /// One profile only.
        profile: Option<String>,
    },
    /// Obtain the credential anew. Answered like [`Request::Status`].
    Refresh {
        /// One profile only.
        profile: Option<String>,
    },
    /// Forget the credential and give up the login. Answered with [`Response::Done`].
    Logout {
        /// One profile only.
        profile: Option<String>,
    },
    /// End. Answered with [`Response::Done`] when no new connection is accepted any more.
    Stop,
    /// Something that this side does not know: a newer peer's. Answered with [`Response::Unsupported`].
    Unknown {
        /// The kind's number.
        kind: u8,
    },
}

/// The current credential, please.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acquire {
    /// `--profile` or `CLAVIGER_PROFILE`.
    pub profile: Option<String>,
    /// `ANTHROPIC_BASE_URL`, with which the daemon finds the profile where none is named.
    pub gateway: Option<String>,
    /// How long the client will use the answer, in milliseconds (`CLAUDE_CODE_API_KEY_HELPER_TTL_MS`).
    pub cache_lifetime_ms: u64,
    /// What will be printed.
    pub format: Format,
    /// How much longer the shim will wait for an answer, in milliseconds.
    pub deadline_ms: u64,
    /// Whether a terminal would show the key (`--reveal`).
    pub reveal: bool,
    /// The shim's own process id: a hint, for where the system does not tell the daemon.
    pub pid: Option<u32>,
}

/// What the shim prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The bare key.
    #[default]
    Key,
    /// A JSON object of HTTP headers.
    Headers,
    /// A JSON object with the key, the headers and the expiry.
    Json,
}

/// What the daemon answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The current credential.
    Credential {
        /// The key.
        token: Token,
        /// RFC 3339; `None` for one without an end.
        expires_at: Option<String>,
    },
    /// There is none, and why.
    Failure(Failure),
    /// One JSON object of several that follow one another, in UTF-8.
    Report(String),
    /// That was all; or: it is done.
    Done,
    /// The daemon does not know the request.
    Unsupported {
        /// The newest version that the daemon speaks.
        version: u8,
    },
    /// Something that this side does not know: a newer peer's.
    Unknown {
        /// The kind's number.
        kind: u8,
    },
}

/// Why there is no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code that the shim ends with: 2 to 8, see the shim's documentation.
    pub code: u8,
    /// What went wrong: one line, no `claviger: ` before it, no full stop.
    pub message: String,
    /// What to do now: one line, no `hint: ` before it.
    pub hint: Option<String>,
}

/// A key on its way. It has no `Display`, its `Debug` shows nothing, and its memory is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Vec<u8>);

impl Token {
    /// Takes the key.
    #[must_use]
    pub fn new(key: Vec<u8>) -> Self {
        Self(key)
    }

    /// The key itself.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        crate::wipe(&mut self.0);
    }
}
