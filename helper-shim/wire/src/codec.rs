//! How it is written: messages to frames and back. The format is specified in the crate's documentation.

use std::fmt;

use crate::{Acquire, Failure, Format, MAX_KEY_LEN, Request, Response, Token};

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
    /// The whole frame, header included. It holds the key, where there is one: [`wipe`](crate::wipe) it.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn body(frame: &[u8]) -> &[u8] {
        let (header, body) = frame.split_first_chunk().unwrap();
        assert_eq!(body_len(*header).unwrap(), body.len());
        body
    }

    #[test]
    fn a_frame_is_not_empty_and_not_too_long() {
        assert_eq!(body_len([0, 0, 0, 0]), Err(FrameError::Empty));
        assert_eq!(body_len((MAX_BODY as u32).to_be_bytes()), Ok(MAX_BODY));
        assert_eq!(
            body_len((MAX_BODY as u32 + 1).to_be_bytes()),
            Err(FrameError::TooLong)
        );
        assert_eq!(body_len([255; 4]), Err(FrameError::TooLong));
    }

    #[test]
    fn the_longest_credential_fills_a_frame_that_never_grew() {
        let token = Token::new(vec![b'k'; MAX_KEY_LEN]);
        let longest = Response::Credential {
            token,
            expires_at: Some("9".repeat(MAX_EXPIRY_LEN)),
        };
        let frame = longest.encode();
        assert_eq!(frame.len(), HEADER_LEN + MAX_BODY);
        assert_eq!(frame.capacity(), frame.len());
        assert_eq!(Response::decode(body(&frame)), Ok(longest));
    }

    #[test]
    fn what_does_not_fit_becomes_a_failure() {
        let token = Token::new(vec![b'k'; MAX_KEY_LEN + 1]);
        let key = Response::Credential {
            token,
            expires_at: None,
        };
        let expiry = Response::Credential {
            token: Token::new(vec![b'k']),
            expires_at: Some("9".repeat(65)),
        };
        let report = Response::Report("x".repeat(MAX_REPORT_LEN + 1));
        for (message, expected) in [(key, 6), (expiry, 6), (report, 8)] {
            let Ok(Response::Failure(failure)) = Response::decode(body(&message.encode())) else {
                panic!()
            };
            assert_eq!(failure.code, expected);
            assert!(!failure.message.contains("kk"));
        }
        let longest = Response::Report("x".repeat(MAX_REPORT_LEN));
        assert_eq!(Response::decode(body(&longest.encode())), Ok(longest));
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let long = format!("x{}", "é".repeat(MAX_TEXT_LEN));
        let cut = format!("x{}", "é".repeat(MAX_TEXT_LEN / 2 - 1));
        let failure = |text: &str| {
            Response::Failure(Failure {
                code: 5,
                message: text.to_owned(),
                hint: Some(text.to_owned()),
            })
        };
        assert_eq!(
            Response::decode(body(&failure(&long).encode())),
            Ok(failure(&cut))
        );
        let acquire = |text: &str| {
            Request::Acquire(Acquire {
                profile: Some(text.to_owned()),
                gateway: Some(text.to_owned()),
                ..Acquire::default()
            })
        };
        assert_eq!(
            Request::decode(body(&acquire(&long).encode())),
            Ok(acquire(&cut))
        );
    }

    #[test]
    fn unknown_tags_may_repeat_and_known_ones_may_not() {
        let done = [1, DONE, 16, 0, 1, 7, 16, 0, 0, 255, 0, 2, 1, 2];
        assert_eq!(Response::decode(&done), Ok(Response::Done));
        let twice = [1, STATUS, 1, 0, 1, b'a', 1, 0, 1, b'b'];
        assert_eq!(
            Request::decode(&twice),
            Err(DecodeError::Repeated { tag: 1 })
        );
    }

    #[test]
    fn errors_name_the_field_and_never_the_value() {
        let cases: [(&[u8], &str); 9] = [
            (&[], "body ends before its kind"),
            (&[1], "body ends before its kind"),
            (&[0, DONE], "version 0"),
            (&[1, CREDENTIAL, 2, 0, 0], "field \"token\" is missing"),
            (&[1, CREDENTIAL, 1, 0, 3, b'k'], "body ends within field 1"),
            (&[1, CREDENTIAL, 1, 0], "body ends within field 1"),
            (
                &[1, REPORT, 1, 0, 2, b'k', 255],
                "field \"json\" is not UTF-8",
            ),
            (
                &[1, FAILURE, 1, 0, 2, 5, 5, 2, 0, 0],
                "field \"code\" is not 1 byte",
            ),
            (&[1, UNSUPPORTED], "field \"version\" is missing"),
        ];
        for (body, expected) in cases {
            assert_eq!(Response::decode(body).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_understood() {
        assert_eq!(Request::decode(&[9, STOP, 200, 0, 1, 0]), Ok(Request::Stop));
        assert_eq!(
            Request::decode(&[9, 77, 1, 0, 1, 255]),
            Ok(Request::Unknown { kind: 77 })
        );
        assert_eq!(
            Response::decode(&[9, 77]),
            Ok(Response::Unknown { kind: 77 })
        );
    }
}
