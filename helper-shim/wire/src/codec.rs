//! Conversion of messages to frames and back: kinds and tags. The format is specified in the
//! crate's documentation.

use crate::{
    Acquire, DecodeError, ExitCode, Failure, Login, MAX_EXPIRY_LEN, MAX_KEY_LEN, MAX_REPORT_LEN,
    MAX_TEXT_LEN, MAX_VARIABLE_NAME_LEN, MAX_VARIABLES, Request, Response, Token, Variables,
    frame::{Fields, REPEATED, fits, frame, required},
    variables::VariableFields,
};

pub(crate) const ACQUIRE: u8 = 1;
const STATUS: u8 = 2;
const REFRESH: u8 = 3;
const LOGOUT: u8 = 4;
const STOP: u8 = 5;
pub(crate) const LOGIN: u8 = 6;
const METRICS: u8 = 7;
const LOCK: u8 = 8;
const UNLOCK: u8 = 9;

const CREDENTIAL: u8 = 129;
const FAILURE: u8 = 130;
const REPORT: u8 = 131;
const DONE: u8 = 132;
const UNSUPPORTED: u8 = 133;
const VARIABLES: u8 = 134;

impl Request {
    /// Encodes the request as a frame, header included. The frame of a request with variables
    /// contains secrets: the caller [wipes](crate::wipe) it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Acquire(acquire) => acquire.encode(),
            Self::Status { profile } => about_profile(STATUS, profile.as_deref()),
            Self::Refresh { profile, variables } => {
                let profile = profile.as_deref().map(|profile| (1, truncated(profile)));
                VariableFields::new(variables).frame(REFRESH, profile.into_iter().collect())
            }
            Self::Logout { profile } => about_profile(LOGOUT, profile.as_deref()),
            Self::Stop => frame(STOP, &[]),
            Self::Login(login) => login.encode(),
            Self::Metrics => frame(METRICS, &[]),
            Self::Lock => frame(LOCK, &[]),
            Self::Unlock => frame(UNLOCK, &[]),
            Self::Unknown { kind } => frame(*kind, &[]),
        }
    }

    /// Decodes a frame's body. The caller wipes the body if it contains variables.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the body does not follow the format.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let (kind, fields) = Fields::parse(body)?;
        Ok(match kind {
            ACQUIRE => Self::Acquire(Acquire::decode(&fields)?),
            STATUS => Self::Status {
                profile: fields.text(1, "profile")?,
            },
            REFRESH => Self::Refresh {
                profile: fields.text(1, "profile")?,
                variables: Variables::decode(&fields)?,
            },
            LOGOUT => Self::Logout {
                profile: fields.text(1, "profile")?,
            },
            STOP => Self::Stop,
            METRICS => Self::Metrics,
            LOCK => Self::Lock,
            UNLOCK => Self::Unlock,
            LOGIN => Self::Login(Login::decode(&fields)?),
            kind => Self::Unknown { kind },
        })
    }
}

impl Response {
    /// Encodes the response as a frame, header included. The frame of a credential contains the
    /// key: the caller [wipes](crate::wipe) it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Credential {
                token,
                expires_at,
                expires_in,
            } => credential(token, expires_at.as_deref(), *expires_in),
            Self::Failure(failure) => failure.encode(),
            Self::Report(json) if json.len() > MAX_REPORT_LEN => too_long(
                ExitCode::DaemonUnavailable,
                "the daemon's report",
                MAX_REPORT_LEN,
            ),
            Self::Report(json) => frame(REPORT, &[(1, json.as_bytes())]),
            Self::Done => frame(DONE, &[]),
            Self::Unsupported { version } => frame(UNSUPPORTED, &[(1, &[*version])]),
            Self::Variables { names } => {
                let names = names.iter().take(MAX_VARIABLES);
                let names = names.filter(|name| name.len() <= MAX_VARIABLE_NAME_LEN);
                let fields: Vec<_> = names.map(|name| (REPEATED, name.as_bytes())).collect();
                frame(VARIABLES, &fields)
            }
            Self::Unknown { kind } => frame(*kind, &[]),
        }
    }

    /// Decodes a frame's body. The caller wipes the body if it contains a key.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the body does not follow the format.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let (kind, fields) = Fields::parse(body)?;
        Ok(match kind {
            CREDENTIAL => Self::Credential {
                token: Token::new(required(fields.get(1), "token")?.to_vec()),
                expires_at: fields.text(2, "expires_at")?,
                expires_in: fields.number(3, "expires_in")?,
            },
            FAILURE => Self::Failure(Failure {
                code: ExitCode::from_byte(required(fields.byte(1, "code")?, "code")?),
                message: required(fields.text(2, "message")?, "message")?,
                hint: fields.text(3, "hint")?,
            }),
            REPORT => Self::Report(required(fields.text(1, "json")?, "json")?),
            DONE => Self::Done,
            UNSUPPORTED => Self::Unsupported {
                version: required(fields.byte(1, "version")?, "version")?,
            },
            VARIABLES => Self::Variables {
                names: fields.repeated_texts("name")?,
            },
            kind => Self::Unknown { kind },
        })
    }
}

impl Failure {
    fn encode(&self) -> Vec<u8> {
        let code = [self.code.as_byte()];
        let mut fields = vec![(1, code.as_slice()), (2, truncated(&self.message))];
        fields.extend(self.hint.as_deref().map(|hint| (3, truncated(hint))));
        frame(FAILURE, &fields)
    }
}

/// Encodes a credential. `expires_in` is left out if the frame would be too long with it: the
/// longest key and the longest `expires_at` fill a frame that the first release reads.
fn credential(token: &Token, expires_at: Option<&str>, expires_in: Option<u64>) -> Vec<u8> {
    if token.expose().len() > MAX_KEY_LEN {
        return too_long(ExitCode::KeyUnusable, "the key", MAX_KEY_LEN);
    }
    if expires_at.is_some_and(|time| time.len() > MAX_EXPIRY_LEN) {
        return too_long(
            ExitCode::KeyUnusable,
            "the key's expires_at",
            MAX_EXPIRY_LEN,
        );
    }
    let expires_in = expires_in.map(u64::to_be_bytes);
    let mut fields = vec![(1, token.expose())];
    fields.extend(expires_at.map(|time| (2, time.as_bytes())));
    fields.extend(expires_in.as_ref().map(|seconds| (3, seconds.as_slice())));
    if !fits(&fields) {
        fields.pop();
    }
    frame(CREDENTIAL, &fields)
}

/// Encodes a request about one profile or all.
fn about_profile(kind: u8, profile: Option<&str>) -> Vec<u8> {
    match profile {
        Some(profile) => frame(kind, &[(1, truncated(profile))]),
        None => frame(kind, &[]),
    }
}

/// Encodes the failure that replaces a value longer than `limit` bytes.
fn too_long(code: ExitCode, value: &str, limit: usize) -> Vec<u8> {
    let message = format!("{value} is longer than {limit} bytes");
    Failure {
        code,
        message,
        hint: None,
    }
    .encode()
}

/// The first [`MAX_TEXT_LEN`] bytes of `text`, cut between characters.
pub(crate) fn truncated(text: &str) -> &[u8] {
    &text.as_bytes()[..text.floor_char_boundary(MAX_TEXT_LEN)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HEADER_LEN, MAX_BODY, body_len};

    fn body(frame: &[u8]) -> &[u8] {
        let (header, body) = frame.split_first_chunk().unwrap();
        assert_eq!(body_len(*header).unwrap(), body.len());
        body
    }

    #[test]
    fn the_longest_credential_fills_a_frame_that_never_grows() {
        let token = Token::new(vec![b'k'; MAX_KEY_LEN]);
        let longest = Response::Credential {
            token,
            expires_at: Some("9".repeat(MAX_EXPIRY_LEN)),
            expires_in: None,
        };
        let frame = longest.encode();
        assert_eq!(frame.len(), HEADER_LEN + MAX_BODY);
        assert_eq!(frame.capacity(), frame.len());
        assert_eq!(Response::decode(body(&frame)), Ok(longest));
    }

    #[test]
    fn the_seconds_are_left_out_if_they_do_not_fit() {
        let credential = |expiry_len: usize, expires_in| Response::Credential {
            token: Token::new(vec![b'k'; MAX_KEY_LEN]),
            expires_at: Some("9".repeat(expiry_len)),
            expires_in,
        };
        let fits = credential(MAX_EXPIRY_LEN - 11, Some(60));
        assert_eq!(fits.encode().len(), HEADER_LEN + MAX_BODY);
        assert_eq!(Response::decode(body(&fits.encode())), Ok(fits));
        let longer = credential(MAX_EXPIRY_LEN - 10, Some(60)).encode();
        let without = credential(MAX_EXPIRY_LEN - 10, None);
        assert_eq!(Response::decode(body(&longer)), Ok(without));
    }

    #[test]
    fn a_value_over_its_limit_becomes_a_failure() {
        let token = Token::new(vec![b'k'; MAX_KEY_LEN + 1]);
        let key = Response::Credential {
            token,
            expires_at: None,
            expires_in: None,
        };
        let expiry = Response::Credential {
            token: Token::new(vec![b'k']),
            expires_at: Some("9".repeat(65)),
            expires_in: None,
        };
        let report = Response::Report("x".repeat(MAX_REPORT_LEN + 1));
        for (message, expected) in [
            (key, ExitCode::KeyUnusable),
            (expiry, ExitCode::KeyUnusable),
            (report, ExitCode::DaemonUnavailable),
        ] {
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
    fn texts_are_truncated_between_characters() {
        let long = format!("x{}", "é".repeat(MAX_TEXT_LEN));
        let short = format!("x{}", "é".repeat(MAX_TEXT_LEN / 2 - 1));
        let failure = |text: &str| {
            Response::Failure(Failure {
                code: ExitCode::SourceFailed,
                message: text.to_owned(),
                hint: Some(text.to_owned()),
            })
        };
        assert_eq!(
            Response::decode(body(&failure(&long).encode())),
            Ok(failure(&short))
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
            Ok(acquire(&short))
        );
    }

    #[test]
    fn only_unknown_tags_may_be_repeated() {
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
            (&[0, DONE], "invalid version 0"),
            (&[1, CREDENTIAL, 2, 0, 0], "field 'token' is missing"),
            (&[1, CREDENTIAL, 1, 0, 3, b'k'], "body ends within field 1"),
            (&[1, CREDENTIAL, 1, 0], "body ends within field 1"),
            (
                &[1, REPORT, 1, 0, 2, b'k', 255],
                "invalid field 'json': expected UTF-8",
            ),
            (
                &[1, FAILURE, 1, 0, 2, 5, 5, 2, 0, 0],
                "invalid field 'code': expected 1 byte",
            ),
            (&[1, UNSUPPORTED], "field 'version' is missing"),
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
