//! Placeholders in configured values: `{user}`, `{host}`, `{env:NAME}`, and `{claim:NAME}` if the
//! value is used after a login.

mod error;

use std::str::FromStr;

use serde_json::{Map, Value};

pub(crate) use self::error::{ResolveError, TemplateError};
use crate::principal::Principal;

/// The longest value of a placeholder, in characters: the longest name of a file.
const MAX_VALUE_LEN: usize = 255;

/// What a placeholder's value may contain beside ASCII letters and digits. Each of these stands for
/// itself in a URL's path, in a file's name and in an argument; none of them ends a segment, starts
/// an escape or resembles a letter.
const VALUE_PUNCTUATION: &str = "._@+=-";

/// The placeholders of every template, for messages.
const PLACEHOLDERS: &str = "'{user}', '{host}' or '{env:NAME}'";

/// The placeholders of a template with claims, for messages.
const PLACEHOLDERS_WITH_CLAIMS: &str = "'{user}', '{host}', '{env:NAME}' or '{claim:NAME}'";

/// A configured value with placeholders.
///
/// [`Template::resolve`] replaces `{user}`, `{host}` and `{env:NAME}`,
/// [`Template::resolve_with_claims`] also `{claim:NAME}`; `{{` and `}}` stand for a literal brace.
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
    Claim(String),
}

impl Template {
    /// Parses a template without `{claim:NAME}`.
    ///
    /// # Errors
    ///
    /// [`TemplateError`].
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_if(text, false)
    }

    /// Parses a template that may contain `{claim:NAME}`.
    ///
    /// # Errors
    ///
    /// [`TemplateError`].
    pub(crate) fn parse_with_claims(text: &str) -> Result<Self, TemplateError> {
        Self::parse_if(text, true)
    }

    fn parse_if(text: &str, may_have_claims: bool) -> Result<Self, TemplateError> {
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
                pieces.push(Piece::placeholder(&inner[..end], may_have_claims)?);
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

    /// [`Self::resolve_with_claims`] for a template without claims.
    ///
    /// # Errors
    ///
    /// [`ResolveError`].
    pub(crate) fn resolve(&self, principal: &Principal) -> Result<String, ResolveError> {
        self.resolve_with_claims(principal, &Map::new())
    }

    /// Replaces the placeholders by what they stand for; `claims` are those of a login.
    ///
    /// A value is 1 to 255 ASCII letters, digits and `. _ @ + = -`, not `.`, not `..` and without a
    /// leading `-`. It is never escaped, so it adds no segment to a path, no query to a URL and no
    /// option to a command: a login name that does not fit (one with a space, say) is an error, not
    /// another name.
    ///
    /// # Errors
    ///
    /// [`ResolveError`].
    pub(crate) fn resolve_with_claims(
        &self,
        principal: &Principal,
        claims: &Map<String, Value>,
    ) -> Result<String, ResolveError> {
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
                Piece::Claim(name) => {
                    let value = claim(name, claims.get(name))?;
                    text.push_str(check(&format!("{{claim:{name}}}"), value)?);
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

    /// The claims that its placeholders name.
    pub(crate) fn claim_names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Claim(name) => Some(name.as_str()),
            _ => None,
        })
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
    fn placeholder(inner: &str, may_be_claim: bool) -> Result<Self, TemplateError> {
        match inner {
            "user" => Ok(Self::User),
            "host" => Ok(Self::Host),
            _ => match inner.split_once(':') {
                Some(("env", name)) if is_env_name(name) => Ok(Self::Env(name.to_owned())),
                Some(("claim", name)) if may_be_claim && is_claim_name(name) => {
                    Ok(Self::Claim(name.to_owned()))
                }
                _ => Err(TemplateError::Unknown {
                    inner: inner.escape_debug().to_string(),
                    expected: match may_be_claim {
                        true => PLACEHOLDERS_WITH_CLAIMS,
                        false => PLACEHOLDERS,
                    },
                }),
            },
        }
    }
}

/// Whether `name` is the name of a claim at the top level of a token: ASCII letters, digits and
/// `_ - .`, which those of OpenID Connect Core 1.0 (section 5.1) and of the providers' own are.
fn is_claim_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// Whether `name` is a valid name of an environment variable (IEEE Std 1003.1, 8.1), in either
/// case.
pub(crate) fn is_env_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The text of the claim `name`.
fn claim<'a>(name: &str, value: Option<&'a Value>) -> Result<&'a str, ResolveError> {
    let kind = match value {
        None | Some(Value::Null) => return Err(ResolveError::NoClaim(name.to_owned())),
        Some(Value::String(text)) => return Ok(text),
        Some(Value::Bool(_)) => "a boolean",
        Some(Value::Number(_)) => "a number",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
    };
    Err(ResolveError::NotText(name.to_owned(), kind))
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
