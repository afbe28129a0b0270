//! Frames and fields, which all messages consist of. The format is specified in the crate's
//! documentation.

use std::fmt;

use crate::MAX_KEY_LEN;

/// The version of the format that this crate writes.
pub const VERSION: u8 = 1;

/// The length of a frame's header in bytes.
pub const HEADER_LEN: usize = 4;

/// The longest body in bytes: a credential with the longest key and the longest expiry.
pub const MAX_BODY: usize = BODY_START + FIELD_START + MAX_KEY_LEN + FIELD_START + MAX_EXPIRY_LEN;

/// The longest `expires_at` in bytes. RFC 3339 with nanoseconds and an offset has 35.
pub const MAX_EXPIRY_LEN: usize = 64;

/// The longest profile, gateway, message or hint in bytes: longer than any sensible one, and two of
/// them fit a frame.
pub const MAX_TEXT_LEN: usize = 4096;

/// The longest label in bytes: the name of a client, or why it asks.
pub const MAX_LABEL_LEN: usize = 64;

/// The most variables that the daemon asks a client for.
pub const MAX_VARIABLES: usize = 32;

/// The longest name of such a variable in bytes.
pub const MAX_VARIABLE_NAME_LEN: usize = 255;

/// The longest report in bytes that fits a frame.
pub const MAX_REPORT_LEN: usize = MAX_BODY - BODY_START - FIELD_START;

/// Returns the body's length in bytes that a header announces.
///
/// # Errors
///
/// [`FrameError`] if it is 0 or over [`MAX_BODY`]: the connection cannot be used any more.
pub fn body_len(header: [u8; HEADER_LEN]) -> Result<usize, FrameError> {
    match usize::try_from(u32::from_be_bytes(header)) {
        Ok(0) => Err(FrameError::Empty),
        Ok(len) if len <= MAX_BODY => Ok(len),
        _ => Err(FrameError::TooLong),
    }
}

/// An invalid header of a frame.
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

/// A body that does not follow the format. Names the field, never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The body ends before the kind.
    Short,
    /// The version is 0.
    Version,
    /// The body ends within the field with this tag.
    Truncated {
        /// The field's tag.
        tag: u8,
    },
    /// A field that may occur once is repeated.
    Repeated {
        /// The field's tag.
        tag: u8,
    },
    /// A required field is missing.
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// A field's value has the wrong form.
    Invalid {
        /// The field's name.
        field: &'static str,
        /// The form that it must have.
        expected: &'static str,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("body ends before its kind"),
            Self::Version => f.write_str("invalid version 0"),
            Self::Truncated { tag } => write!(f, "body ends within field {tag}"),
            Self::Repeated { tag } => write!(f, "field {tag} is repeated"),
            Self::Missing { field } => write!(f, "field '{field}' is missing"),
            Self::Invalid { field, expected } => {
                write!(f, "invalid field '{field}': expected {expected}")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

/// The length of version and kind in bytes.
const BODY_START: usize = 2;
/// The length of a tag and a value's length in bytes.
pub(crate) const FIELD_START: usize = 3;
/// Tags below this may occur at most once in a message.
const REPEATABLE_TAGS: usize = 16;

/// Encodes a frame in memory that is allocated once, at its full size: growing would leave copies
/// of a key behind.
///
/// The callers keep the values within their limits, so that no message exceeds [`MAX_BODY`].
pub(crate) fn frame(kind: u8, fields: &[(u8, &[u8])]) -> Vec<u8> {
    let body = body_len_of(fields);
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

/// Whether a message with these fields is within [`MAX_BODY`].
pub(crate) fn fits(fields: &[(u8, &[u8])]) -> bool {
    body_len_of(fields) <= MAX_BODY
}

fn body_len_of(fields: &[(u8, &[u8])]) -> usize {
    let values = fields.iter().map(|(_, value)| FIELD_START + value.len());
    BODY_START + values.sum::<usize>()
}

// The names of all variables must fit a frame.
const _: () = assert!(MAX_VARIABLES * (MAX_VARIABLE_NAME_LEN + FIELD_START) + 64 < MAX_BODY);

// Two texts, two labels and the small fields must fit a frame, and the length of every value 16
// bits.
const _: () = assert!(
    2 * (MAX_TEXT_LEN + FIELD_START) + 2 * (MAX_LABEL_LEN + FIELD_START) + 64 < MAX_BODY
        && MAX_BODY <= u16::MAX as usize
);

/// The values of the fields that a version 1 message may contain, by tag.
pub(crate) struct Fields<'a> {
    single: [Option<&'a [u8]>; REPEATABLE_TAGS],
    /// Those of the tag [`REPEATED`], in their order.
    repeated: Vec<&'a [u8]>,
}

/// The only tag that version 1 repeats.
pub(crate) const REPEATED: u8 = 16;

impl<'a> Fields<'a> {
    /// Splits a body into its kind and its fields.
    pub(crate) fn parse(body: &'a [u8]) -> Result<(u8, Self), DecodeError> {
        let [version, kind, rest @ ..] = body else {
            return Err(DecodeError::Short);
        };
        if *version == 0 {
            return Err(DecodeError::Version);
        }
        let mut rest = rest;
        let mut single = [None; REPEATABLE_TAGS];
        let mut repeated = Vec::new();
        while let [tag, after_tag @ ..] = rest {
            let truncated = DecodeError::Truncated { tag: *tag };
            let (len, after_len) = after_tag.split_first_chunk().ok_or(truncated)?;
            let len = usize::from(u16::from_be_bytes(*len));
            let (value, after_value) = after_len.split_at_checked(len).ok_or(truncated)?;
            if *tag == REPEATED {
                repeated.push(value);
            } else if let Some(slot) = single.get_mut(usize::from(*tag))
                && slot.replace(value).is_some()
            {
                return Err(DecodeError::Repeated { tag: *tag });
            }
            rest = after_value;
        }
        Ok((*kind, Self { single, repeated }))
    }

    pub(crate) fn get(&self, tag: usize) -> Option<&'a [u8]> {
        self.single[tag]
    }

    /// The values of the tag [`REPEATED`].
    pub(crate) fn repeated(&self) -> &[&'a [u8]] {
        &self.repeated
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

    /// A label: absent if it is too long or not UTF-8, because a request without it is as good.
    pub(crate) fn label(&self, tag: usize) -> Option<String> {
        let value = self.get(tag)?;
        let label = str::from_utf8(value).ok()?;
        (label.len() <= MAX_LABEL_LEN).then(|| label.to_owned())
    }

    /// [`Self::repeated`] as texts.
    pub(crate) fn repeated_texts(&self, field: &'static str) -> Result<Vec<String>, DecodeError> {
        let texts = self.repeated.iter().map(|value| str::from_utf8(value));
        let texts: Result<_, _> = texts.map(|text| text.map(str::to_owned)).collect();
        texts.map_err(|_| DecodeError::Invalid {
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

    /// A 64-bit number.
    pub(crate) fn number(
        &self,
        tag: usize,
        field: &'static str,
    ) -> Result<Option<u64>, DecodeError> {
        Ok(self.array(tag, field, "8 bytes")?.map(u64::from_be_bytes))
    }
}

/// The value of a required field.
pub(crate) fn required<T>(value: Option<T>, field: &'static str) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Missing { field })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_oversized_frame_is_an_error() {
        assert_eq!(body_len([0, 0, 0, 0]), Err(FrameError::Empty));
        assert_eq!(body_len((MAX_BODY as u32).to_be_bytes()), Ok(MAX_BODY));
        assert_eq!(
            body_len((MAX_BODY as u32 + 1).to_be_bytes()),
            Err(FrameError::TooLong)
        );
        assert_eq!(body_len([255; 4]), Err(FrameError::TooLong));
    }
}
