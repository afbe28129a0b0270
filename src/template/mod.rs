//! Placeholders in configured values: `{user}`, `{host}` and `{env:NAME}`.

use std::str::FromStr;

use crate::principal::Principal;

/// The longest value of a placeholder, in characters: the longest name of a file.
const MAX_VALUE_LEN: usize = 255;

/// What a placeholder's value may contain beside ASCII letters and digits. Each of these stands for
/// itself in a URL's path, in a file's name and in an argument; none of them ends a segment, starts
/// an escape or resembles a letter.
const VALUE_PUNCTUATION: &str = "._@+=-";

/// A configured value with placeholders.
///
/// [`Template::resolve`] replaces `{user}`, `{host}` and `{env:NAME}`; `{{` and `}}` stand for a
/// literal brace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    User,
    Host,
    Env(String),
}

/// A mistake in a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    /// `{…}` that is not a placeholder.
    #[error("unknown placeholder '{{{0}}}'; expected '{{user}}', '{{host}}' or '{{env:NAME}}'")]
    Unknown(String),
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
            Self::NoHome => None,
            Self::Empty(placeholder)
            | Self::Dots(placeholder)
            | Self::LeadingDash(placeholder)
            | Self::TooLong(placeholder, _)
            | Self::Character { placeholder, .. } => {
                placeholder.strip_prefix("{env:")?.strip_suffix('}')
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

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// [`TemplateError`].
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let character = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if rest.starts_with('}') {
                return Err(TemplateError::Unopened(character(rest)));
            } else {
                let inner = &rest[1..];
                let end = inner.find(['{', '}']).unwrap_or(inner.len());
                if !inner[end..].starts_with('}') {
                    return Err(TemplateError::Unclosed(character(rest)));
                }
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::placeholder(&inner[..end])?);
                rest = &inner[end + 1..];
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self {
            text: text.to_owned(),
            pieces,
        })
    }

    /// `{user}`.
    #[must_use]
    pub(crate) fn user() -> Self {
        Self {
            text: "{user}".to_owned(),
            pieces: vec![Piece::User],
        }
    }

    /// Replaces the placeholders by what they stand for.
    ///
    /// A value is 1 to 255 ASCII letters, digits and `. _ @ + = -`, not `.`, not `..` and without a
    /// leading `-`. It is never escaped, so it adds no segment to a path, no query to a URL and no
    /// option to a command: a login name that does not fit (one with a space, say) is an error, not
    /// another name.
    ///
    /// # Errors
    ///
    /// [`ResolveError`].
    pub(crate) fn resolve(&self, principal: &Principal) -> Result<String, ResolveError> {
        let mut text = String::with_capacity(self.text.len());
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::User => text.push_str(check("{user}", &principal.user)?),
                Piece::Host => text.push_str(check("{host}", &principal.host)?),
                Piece::Env(name) => {
                    let value = principal.variables.get(name);
                    let value = value.ok_or_else(|| ResolveError::NotSet(name.clone()))?;
                    text.push_str(check(&format!("{{env:{name}}}"), value.expose())?);
                }
            }
        }
        Ok(text)
    }

    /// The template as the file has it.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a value depends on the principal.
    #[must_use]
    pub(crate) fn has_placeholders(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| !matches!(piece, Piece::Literal(_)))
    }

    /// The variables that its placeholders name.
    pub(crate) fn env_names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Env(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Self::parse(text)
    }
}

impl Piece {
    fn placeholder(inner: &str) -> Result<Self, TemplateError> {
        match inner {
            "user" => Ok(Self::User),
            "host" => Ok(Self::Host),
            _ => match inner.strip_prefix("env:") {
                Some(name) if is_env_name(name) => Ok(Self::Env(name.to_owned())),
                _ => Err(TemplateError::Unknown(inner.escape_debug().to_string())),
            },
        }
    }
}

/// Whether `name` is a valid name of an environment variable (IEEE Std 1003.1, 8.1), in either
/// case.
pub(crate) fn is_env_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn check<'a>(placeholder: &str, value: &'a str) -> Result<&'a str, ResolveError> {
    let placeholder = || placeholder.to_owned();
    let fits = |c: char| c.is_ascii_alphanumeric() || VALUE_PUNCTUATION.contains(c);
    if value.is_empty() {
        return Err(ResolveError::Empty(placeholder()));
    }
    if let Some((at, character)) = value.chars().enumerate().find(|(_, c)| !fits(*c)) {
        return Err(ResolveError::Character {
            placeholder: placeholder(),
            character,
            at: at + 1,
        });
    }
    if value.len() > MAX_VALUE_LEN {
        return Err(ResolveError::TooLong(placeholder(), value.len()));
    }
    if value == "." || value == ".." {
        return Err(ResolveError::Dots(placeholder()));
    }
    if value.starts_with('-') {
        return Err(ResolveError::LeadingDash(placeholder()));
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
