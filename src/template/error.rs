//! What is wrong with a template, or with the values of its placeholders.

use super::{MAX_VALUE_LEN, VALUE_PUNCTUATION};

/// A mistake in a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    /// `{…}` that is not a placeholder.
    #[error("unknown placeholder '{{{inner}}}'; expected {expected}")]
    Unknown {
        /// What is between the braces.
        inner: String,
        /// The placeholders that the template may contain.
        expected: &'static str,
    },
    /// `{` without `}`, at this character (from 1).
    #[error("'{{' at character {0} is not closed; write '{{{{' for a literal brace")]
    Unclosed(usize),
    /// `}` without `{`, at this character (from 1).
    #[error("'}}' at character {0} has no matching '{{'; write '}}}}' for a literal brace")]
    Unopened(usize),
}

/// A placeholder whose value is missing or could change what the whole text means.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    /// The variable is not set, or is not Unicode.
    #[error("'{{env:{0}}}' is not set in the client's environment")]
    NotSet(String),
    /// The login has no such claim.
    #[error("'{{claim:{0}}}' is missing; expected a string")]
    NoClaim(String),
    /// The claim is not a string.
    #[error("'{{claim:{0}}}' is {1}; expected a string")]
    NotText(String, &'static str),
    /// `~/` without a home directory.
    #[error("'~' stands for the home directory, which is unknown")]
    NoHome,
    /// The empty string.
    #[error("'{0}' is empty")]
    Empty(String),
    /// `.` or `..`, which point elsewhere in a path.
    #[error("'{0}' is '.' or '..'")]
    Dots(String),
    /// A `-` at the start, which makes an argument an option.
    #[error("'{0}' starts with '-'")]
    LeadingDash(String),
    /// More than 255 characters.
    #[error("'{0}' has {1} characters; expected at most {MAX_VALUE_LEN}")]
    TooLong(String, usize),
    /// A character outside the accepted ones.
    #[error(
        "'{placeholder}' contains {character:?} at character {at}; \
         expected ASCII letters, digits and '{VALUE_PUNCTUATION}'"
    )]
    Character {
        /// As in the template: `{user}`.
        placeholder: String,
        /// The first such character.
        character: char,
        /// Its place, from 1.
        at: usize,
    },
}

impl ResolveError {
    /// The variable of the client's environment that is missing or whose value is invalid; `None`
    /// if another value is.
    #[must_use]
    pub(crate) fn variable(&self) -> Option<&str> {
        match self {
            Self::NotSet(name) => Some(name),
            _ => self.name_in("{env:"),
        }
    }

    /// The claim that is missing or whose value is invalid; `None` if another value is.
    #[must_use]
    pub(crate) fn claim(&self) -> Option<&str> {
        match self {
            Self::NoClaim(name) | Self::NotText(name, _) => Some(name),
            _ => self.name_in("{claim:"),
        }
    }

    /// The name in the placeholder, if that starts with `prefix`.
    fn name_in(&self, prefix: &str) -> Option<&str> {
        match self {
            Self::NotSet(_) | Self::NoClaim(_) | Self::NotText(..) | Self::NoHome => None,
            Self::Empty(placeholder)
            | Self::Dots(placeholder)
            | Self::LeadingDash(placeholder)
            | Self::TooLong(placeholder, _)
            | Self::Character { placeholder, .. } => {
                placeholder.strip_prefix(prefix)?.strip_suffix('}')
            }
        }
    }

    /// The one thing to do now.
    #[must_use]
    pub(crate) fn hint(&self) -> String {
        match (self, self.variable()) {
            (Self::NotSet(name), _) => format!("set '{name}' in the client's environment"),
            (_, Some(name)) => format!("correct '{name}' in the client's environment"),
            (_, None) => "correct the placeholder, or set its value".to_owned(),
        }
    }
}
