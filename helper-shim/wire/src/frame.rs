//! Frames and fields: what all messages have in common. The format is specified in the crate's documentation.

use std::fmt;

use crate::MAX_KEY_LEN;

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

/// Version and kind.
const BODY_START: usize = 2;
/// Tag and length.
const FIELD_START: usize = 3;
/// Tags below this stand at most once in a message.
const REPEATABLE_TAGS: usize = 16;

/// Writes a frame into memory that is taken once, at its full size: growing would leave copies of a key behind.
///
/// The callers keep the values within their limits, of which no message's exceed [`MAX_BODY`].
pub(crate) fn frame(kind: u8, fields: &[(u8, &[u8])]) -> Vec<u8> {
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
pub(crate) struct Fields<'a>([Option<&'a [u8]>; REPEATABLE_TAGS]);

impl<'a> Fields<'a> {
    /// The kind, and the fields.
    pub(crate) fn parse(body: &'a [u8]) -> Result<(u8, Self), DecodeError> {
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

    pub(crate) fn get(&self, tag: usize) -> Option<&'a [u8]> {
        self.0[tag]
    }

    pub(crate) fn text(
        &self,
        tag: usize,
        field: &'static str,
    ) -> Result<Option<String>, DecodeError> {
        self.get(tag)
            .map(|value| str::from_utf8(value).map(str::to_owned))
            .transpose()
            .map_err(|_| DecodeError::Invalid {
                field,
                expected: "UTF-8",
            })
    }

    pub(crate) fn array<const N: usize>(
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

    pub(crate) fn byte(&self, tag: usize, field: &'static str) -> Result<Option<u8>, DecodeError> {
        Ok(self.array(tag, field, "1 byte")?.map(u8::from_be_bytes))
    }

    pub(crate) fn milliseconds(
        &self,
        tag: usize,
        field: &'static str,
    ) -> Result<Option<u64>, DecodeError> {
        Ok(self.array(tag, field, "8 bytes")?.map(u64::from_be_bytes))
    }
}

/// The value of a field that the message cannot do without.
pub(crate) fn required<T>(value: Option<T>, field: &'static str) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Missing { field })
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
