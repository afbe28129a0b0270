//! Frozen at version 1 of the wire: never edit this file.
//!
//! A copy of claviger-wire's messages and codec as they were in the first release, std only and self-contained. Tests
//! include it as a module and stand with it for an old shim or an old daemon. The format is specified in claviger-wire.

use std::fmt;

/// The longest key that Claude Code takes from a helper, in characters.
pub const MAX_KEY_LEN: usize = 16_384;

/// Overwrites `bytes`.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(&*bytes);
}

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
        wipe(&mut self.0);
    }
}

/// The version of the format that this crate writes.
pub const VERSION: u8 = 1;

/// How many bytes of a frame come before its body.
pub const HEADER_LEN: usize = 4;

/// The longest body in bytes: a credential with the longest key and the longest expiry.
pub const MAX_BODY: usize = BODY_START + FIELD_START + MAX_KEY_LEN + FIELD_START + MAX_EXPIRY_LEN;

/// The longest `expires_at` in bytes. RFC 3339 with nanoseconds and an offset takes 35.
pub const MAX_EXPIRY_LEN: usize = 64;

/// The longest profile, gateway, message or hint in bytes: over any that makes sense, and two of them fit a frame.
pub const MAX_TEXT_LEN: usize = 4096;

/// The longest report in bytes: what fits a frame.
pub const MAX_REPORT_LEN: usize = MAX_BODY - BODY_START - FIELD_START;

/// Version and kind.
const BODY_START: usize = 2;
/// Tag and length.
const FIELD_START: usize = 3;
/// Tags below this stand at most once in a message.
const REPEATABLE_TAGS: usize = 16;

const ACQUIRE: u8 = 1;
const STATUS: u8 = 2;
const REFRESH: u8 = 3;
const LOGOUT: u8 = 4;
const STOP: u8 = 5;

const CREDENTIAL: u8 = 129;
const FAILURE: u8 = 130;
const REPORT: u8 = 131;
const DONE: u8 = 132;
const UNSUPPORTED: u8 = 133;

/// The body's length in bytes that a header states.
///
/// # Errors
///
/// A frame that is empty or over [`MAX_BODY`]: the conversation cannot go on.
pub fn body_len(header: [u8; HEADER_LEN]) -> Result<usize, FrameError> {
    match usize::try_from(u32::from_be_bytes(header)) {
        Ok(0) => Err(FrameError::Empty),
        Ok(len) if len <= MAX_BODY => Ok(len),
        _ => Err(FrameError::TooLong),
    }
}

/// Why a frame's header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// It announces no body.
    Empty,
    /// It announces more than [`MAX_BODY`].
    TooLong,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty frame"),
            Self::TooLong => write!(f, "frame over {MAX_BODY} bytes"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Why a body is refused. Says which field, never what was in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// It ends before the kind.
    Short,
    /// Its version is 0.
    Version,
    /// It ends before the field with this tag does, or before the tag's length (tag 0 where there is none).
    Truncated {
        /// The field's tag.
        tag: u8,
    },
    /// A field that stands once stands twice.
    Repeated {
        /// The field's tag.
        tag: u8,
    },
    /// A field that the message cannot do without is not there.
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// A field's value is not what it has to be.
    Invalid {
        /// The field's name.
        field: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("body ends before its kind"),
            Self::Version => f.write_str("version 0"),
            Self::Truncated { tag } => write!(f, "body ends within field {tag}"),
            Self::Repeated { tag } => write!(f, "field {tag} stands twice"),
            Self::Missing { field } => write!(f, "field \"{field}\" is missing"),
            Self::Invalid { field, expected } => write!(f, "field \"{field}\" is not {expected}"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl Request {
    /// The whole frame, header included.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Acquire(acquire) => acquire.encode(),
            Self::Status { profile } => about(STATUS, profile.as_deref()),
            Self::Refresh { profile } => about(REFRESH, profile.as_deref()),
            Self::Logout { profile } => about(LOGOUT, profile.as_deref()),
            Self::Stop => frame(STOP, &[]),
            Self::Unknown { kind } => frame(*kind, &[]),
        }
    }

    /// Reads a frame's body.
    ///
    /// # Errors
    ///
    /// A body that does not follow the format.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let (kind, fields) = Fields::parse(body)?;
        Ok(match kind {
            ACQUIRE => Self::Acquire(Acquire::decode(&fields)?),
            STATUS => Self::Status {
                profile: fields.text(1, "profile")?,
            },
            REFRESH => Self::Refresh {
                profile: fields.text(1, "profile")?,
            },
            LOGOUT => Self::Logout {
                profile: fields.text(1, "profile")?,
            },
            STOP => Self::Stop,
            kind => Self::Unknown { kind },
        })
    }
}

impl Response {
    /// The whole frame, header included. It holds the key, where there is one: [`wipe`](wipe) it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Credential { token, expires_at } => {
                let expires_at = expires_at.as_deref();
                if token.expose().len() > MAX_KEY_LEN {
                    return too_long(6, "the key", MAX_KEY_LEN);
                }
                if expires_at.is_some_and(|time| time.len() > MAX_EXPIRY_LEN) {
                    return too_long(6, "the key's expires_at", MAX_EXPIRY_LEN);
                }
                let mut fields = vec![(1, token.expose())];
                fields.extend(expires_at.map(|time| (2, time.as_bytes())));
                frame(CREDENTIAL, &fields)
            }
            Self::Failure(failure) => failure.encode(),
            Self::Report(json) if json.len() > MAX_REPORT_LEN => {
                too_long(8, "the daemon's report", MAX_REPORT_LEN)
            }
            Self::Report(json) => frame(REPORT, &[(1, json.as_bytes())]),
            Self::Done => frame(DONE, &[]),
            Self::Unsupported { version } => frame(UNSUPPORTED, &[(1, &[*version])]),
            Self::Unknown { kind } => frame(*kind, &[]),
        }
    }

    /// Reads a frame's body. The caller wipes it.
    ///
    /// # Errors
    ///
    /// A body that does not follow the format.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let (kind, fields) = Fields::parse(body)?;
        Ok(match kind {
            CREDENTIAL => Self::Credential {
                token: Token::new(required(fields.get(1), "token")?.to_vec()),
                expires_at: fields.text(2, "expires_at")?,
            },
            FAILURE => Self::Failure(Failure {
                code: required(fields.byte(1, "code")?, "code")?,
                message: required(fields.text(2, "message")?, "message")?,
                hint: fields.text(3, "hint")?,
            }),
            REPORT => Self::Report(required(fields.text(1, "json")?, "json")?),
            DONE => Self::Done,
            UNSUPPORTED => Self::Unsupported {
                version: required(fields.byte(1, "version")?, "version")?,
            },
            kind => Self::Unknown { kind },
        })
    }
}

impl Acquire {
    fn encode(&self) -> Vec<u8> {
        let cache_lifetime_ms = self.cache_lifetime_ms.to_be_bytes();
        let deadline_ms = self.deadline_ms.to_be_bytes();
        let format = [match self.format {
            Format::Key => 0,
            Format::Headers => 1,
            Format::Json => 2,
        }];
        let reveal = [u8::from(self.reveal)];
        let pid = self.pid.map(u32::to_be_bytes);

        let mut fields: Vec<(u8, &[u8])> = Vec::new();
        fields.extend(self.profile.as_deref().map(|profile| (1, cut(profile))));
        fields.extend(self.gateway.as_deref().map(|gateway| (2, cut(gateway))));
        fields.push((3, &cache_lifetime_ms));
        fields.push((4, &format));
        fields.push((5, &deadline_ms));
        fields.push((6, &reveal));
        fields.extend(pid.as_ref().map(|pid| (7, pid.as_slice())));
        frame(ACQUIRE, &fields)
    }

    fn decode(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            profile: fields.text(1, "profile")?,
            gateway: fields.text(2, "gateway")?,
            cache_lifetime_ms: required(
                fields.milliseconds(3, "cache_lifetime_ms")?,
                "cache_lifetime_ms",
            )?,
            format: match fields.byte(4, "format")? {
                Some(1) => Format::Headers,
                Some(2) => Format::Json,
                // The shim does the printing: to the daemon an unknown format is as good as any.
                _ => Format::Key,
            },
            deadline_ms: required(fields.milliseconds(5, "deadline_ms")?, "deadline_ms")?,
            reveal: fields.byte(6, "reveal")?.is_some_and(|reveal| reveal != 0),
            pid: fields.array(7, "pid", "4 bytes")?.map(u32::from_be_bytes),
        })
    }
}

impl Failure {
    fn encode(&self) -> Vec<u8> {
        let code = [self.code];
        let mut fields = vec![(1, code.as_slice()), (2, cut(&self.message))];
        fields.extend(self.hint.as_deref().map(|hint| (3, cut(hint))));
        frame(FAILURE, &fields)
    }
}

/// A request that is about one profile or all.
fn about(kind: u8, profile: Option<&str>) -> Vec<u8> {
    match profile {
        Some(profile) => frame(kind, &[(1, cut(profile))]),
        None => frame(kind, &[]),
    }
}

/// What is written in place of something that does not fit.
fn too_long(code: u8, what: &str, limit: usize) -> Vec<u8> {
    let message = format!("{what} is longer than {limit} bytes");
    Failure {
        code,
        message,
        hint: None,
    }
    .encode()
}

/// At most [`MAX_TEXT_LEN`] bytes of `text`, cut between characters.
fn cut(text: &str) -> &[u8] {
    &text.as_bytes()[..text.floor_char_boundary(MAX_TEXT_LEN)]
}

/// Writes a frame into memory that is taken once, at its full size: growing would leave copies of a key behind.
///
/// The callers keep the values within their limits, of which no message's exceed [`MAX_BODY`].
fn frame(kind: u8, fields: &[(u8, &[u8])]) -> Vec<u8> {
    let body = BODY_START
        + fields
            .iter()
            .map(|(_, value)| FIELD_START + value.len())
            .sum::<usize>();
    debug_assert!(
        body <= MAX_BODY,
        "a message of kind {kind} is over its limit"
    );
    let mut frame = Vec::with_capacity(HEADER_LEN + body);
    frame.extend_from_slice(&(body as u32).to_be_bytes());
    frame.extend_from_slice(&[VERSION, kind]);
    for (tag, value) in fields {
        frame.push(*tag);
        frame.extend_from_slice(&(value.len() as u16).to_be_bytes());
        frame.extend_from_slice(value);
    }
    frame
}

// Two texts and the small fields must fit, and every value's length 16 bits.
const _: () =
    assert!(2 * (MAX_TEXT_LEN + FIELD_START) + 64 < MAX_BODY && MAX_BODY <= u16::MAX as usize);

/// The values of the fields that a version 1 message may have, by tag.
struct Fields<'a>([Option<&'a [u8]>; REPEATABLE_TAGS]);

impl<'a> Fields<'a> {
    /// The kind, and the fields.
    fn parse(body: &'a [u8]) -> Result<(u8, Self), DecodeError> {
        let [version, kind, rest @ ..] = body else {
            return Err(DecodeError::Short);
        };
        if *version == 0 {
            return Err(DecodeError::Version);
        }
        let mut rest = rest;
        let mut values = [None; REPEATABLE_TAGS];
        while let [tag, after_tag @ ..] = rest {
            let truncated = DecodeError::Truncated { tag: *tag };
            let (len, after_len) = after_tag.split_first_chunk().ok_or(truncated)?;
            let len = usize::from(u16::from_be_bytes(*len));
            let (value, after_value) = after_len.split_at_checked(len).ok_or(truncated)?;
            if let Some(slot) = values.get_mut(usize::from(*tag))
                && slot.replace(value).is_some()
            {
                return Err(DecodeError::Repeated { tag: *tag });
            }
            rest = after_value;
        }
        Ok((*kind, Self(values)))
    }

    fn get(&self, tag: usize) -> Option<&'a [u8]> {
        self.0[tag]
    }

    fn text(&self, tag: usize, field: &'static str) -> Result<Option<String>, DecodeError> {
        self.get(tag)
            .map(|value| str::from_utf8(value).map(str::to_owned))
            .transpose()
            .map_err(|_| DecodeError::Invalid {
                field,
                expected: "UTF-8",
            })
    }

    fn array<const N: usize>(
        &self,
        tag: usize,
        field: &'static str,
        expected: &'static str,
    ) -> Result<Option<[u8; N]>, DecodeError> {
        self.get(tag)
            .map(<[u8; N]>::try_from)
            .transpose()
            .map_err(|_| DecodeError::Invalid { field, expected })
    }

    fn byte(&self, tag: usize, field: &'static str) -> Result<Option<u8>, DecodeError> {
        Ok(self.array(tag, field, "1 byte")?.map(u8::from_be_bytes))
    }

    fn milliseconds(&self, tag: usize, field: &'static str) -> Result<Option<u64>, DecodeError> {
        Ok(self.array(tag, field, "8 bytes")?.map(u64::from_be_bytes))
    }
}

fn required<T>(value: Option<T>, field: &'static str) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Missing { field })
}
