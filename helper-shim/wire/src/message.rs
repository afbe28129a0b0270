//! Requests and responses, apart from how they are encoded.

use std::fmt;

use crate::ExitCode;

/// A request of the shim or the command line to the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Asks for the current credential.
    Acquire(Acquire),
    /// Asks for the state of one profile or all. Answered with a [`Response::Report`] for the
    /// daemon, one for each profile, and [`Response::Done`] or [`Response::Failure`].
    Status {
        /// The profile; all if absent.
        profile: Option<String>,
    },
    /// Obtains the credential anew. Answered like [`Request::Status`], or with
    /// [`Response::Variables`].
    Refresh {
        /// The profile; all if absent.
        profile: Option<String>,
        /// The variables of the client's environment.
        variables: Variables,
    },
    /// Drops the credential and revokes the login. Answered with a [`Response::Report`] for each
    /// profile, and [`Response::Done`] or [`Response::Failure`].
    Logout {
        /// The profile; all if absent.
        profile: Option<String>,
    },
    /// Signs the user in. Answered with a [`Response::Report`] for each step when it happens, and
    /// [`Response::Done`] or [`Response::Failure`], or with [`Response::Variables`].
    Login(Login),
    /// Asks for the counters and the state of all profiles. Answered with a [`Response::Report`]
    /// for the daemon, for each profile's entry and for each profile's counters, and
    /// [`Response::Done`].
    Metrics,
    /// Drops every key and gives none until [`Request::Unlock`], also after a restart. Answered
    /// with a [`Response::Report`] of the lock, and [`Response::Done`].
    Lock,
    /// Ends what [`Request::Lock`] has started. Answered like it.
    Unlock,
    /// Ends the daemon. Answered with [`Response::Done`] when it has stopped listening.
    Stop,
    /// A request of a newer version. Answered with [`Response::Unsupported`].
    Unknown {
        /// The kind's number.
        kind: u8,
    },
}

/// A request for the current credential. Its `Debug` shows neither the gateway, whose URL may
/// contain a password, nor the context, which may be any text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Acquire {
    /// The profile's name: `--profile` or `CLAVIGER_PROFILE`.
    pub profile: Option<String>,
    /// The client's gateway, such as `ANTHROPIC_BASE_URL`: the profile must be for it, and it
    /// selects the profile if none is named.
    pub gateway: Option<String>,
    /// How long the client will use the answer, in milliseconds: `--cache-lifetime`,
    /// `CLAUDE_CODE_API_KEY_HELPER_TTL_MS`, or the client's own.
    pub cache_lifetime_ms: u64,
    /// The form in which the shim prints the key.
    pub format: Format,
    /// How long the shim still waits for the answer, in milliseconds.
    pub deadline_ms: u64,
    /// Whether the key may be shown on a terminal (`--reveal`).
    pub reveal: bool,
    /// The shim's own process id. A client can claim any: the daemon asks the system instead.
    pub pid: Option<u32>,
    /// The client's name: `--client`, or that in the shim's own name. At most
    /// [`MAX_LABEL_LEN`](crate::MAX_LABEL_LEN) bytes.
    pub client: Option<String>,
    /// Why the client runs the shim, as it states it (`CLAUDE_HELPER_CONTEXT`). At most
    /// [`MAX_LABEL_LEN`](crate::MAX_LABEL_LEN) bytes.
    pub context: Option<String>,
    /// The variables of the client's environment.
    pub variables: Variables,
}

impl fmt::Debug for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            profile,
            gateway,
            cache_lifetime_ms,
            format,
            deadline_ms,
            reveal,
            pid,
            client,
            context,
            variables,
        } = self;
        f.debug_struct("Acquire")
            .field("profile", profile)
            .field("gateway", &gateway.as_ref().map(|_| format_args!("…")))
            .field("cache_lifetime_ms", cache_lifetime_ms)
            .field("format", format)
            .field("deadline_ms", deadline_ms)
            .field("reveal", reveal)
            .field("pid", pid)
            .field("client", client)
            .field("context", &context.as_ref().map(|_| format_args!("…")))
            .field("variables", variables)
            .finish()
    }
}

/// A request to sign in. Closing the connection cancels it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// The profile's name; the daemon picks it as for a shim if absent.
    pub profile: Option<String>,
    /// How the user can sign in.
    pub flow: LoginFlow,
    /// Whether the user signs in even if the login is good.
    pub force: bool,
    /// The variables of the client's environment.
    pub variables: Variables,
}

/// How the user can sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoginFlow {
    /// As configured.
    #[default]
    Configured,
    /// On any device (RFC 8628).
    Device,
    /// On any device if the server offers that, because no browser can be opened here.
    NoBrowser,
}

/// The variables of the client's environment that a profile needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Variables {
    /// The client is of a version that cannot send any.
    #[default]
    Unsupported,
    /// The client sends those that the daemon asks for.
    OnRequest,
    /// Those that the daemon has asked for and that are set; the others are not set.
    Sent(Vec<Variable>),
}

/// A variable of the client's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name, without `=`.
    pub name: String,
    /// The value, which may be a secret. Any bytes.
    pub value: Token,
}

/// The form in which the shim prints a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The bare key.
    #[default]
    Key,
    /// A JSON object of HTTP headers.
    Headers,
    /// A JSON object with the key, the headers and the expiry.
    Json,
    /// A token response of OAuth (RFC 6749, section 5.1).
    Oauth,
}

/// A response of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The current credential.
    Credential {
        /// The key.
        token: Token,
        /// The expiry in RFC 3339; `None` if there is none.
        expires_at: Option<String>,
        /// The seconds until then, rounded down; `None` if there is no expiry, or from a daemon
        /// that does not send them.
        expires_in: Option<u64>,
    },
    /// The request failed.
    Failure(Failure),
    /// One JSON object, in UTF-8, of several that follow one another.
    Report(String),
    /// The request is carried out, and all reports are sent.
    Done,
    /// The daemon does not know the request.
    Unsupported {
        /// The newest version that the daemon speaks.
        version: u8,
    },
    /// The request must be sent again, with these variables of the client's environment.
    Variables {
        /// Their names, at most [`MAX_VARIABLES`](crate::MAX_VARIABLES).
        names: Vec<String>,
    },
    /// A response of a newer version.
    Unknown {
        /// The kind's number.
        kind: u8,
    },
}

impl Response {
    /// Whether this response ends the answer to a request: only reports are followed by others.
    #[must_use]
    pub const fn ends_answer(&self) -> bool {
        !matches!(self, Self::Report(_))
    }
}

/// A failure, as it is reported to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code of the program that reports it.
    pub code: ExitCode,
    /// The problem: one line, without `claviger: ` before it and a full stop after it.
    pub message: String,
    /// The one thing to do now: one line, without `hint: ` before it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with a hint.
    #[must_use]
    pub fn new(code: ExitCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

/// A secret on its way: a key between the daemon and the client's stdout, or a variable between the
/// client and the daemon. It has no `Display`, its `Debug` shows
/// nothing, and its memory is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Vec<u8>);

impl Token {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: Vec<u8>) -> Self {
        Self(secret)
    }

    /// The secret itself.
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
