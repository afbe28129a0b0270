//! The name of a profile or source.

use std::str::FromStr;

use super::text_format::TextFormat;

/// The longest name, in bytes.
const MAX_LEN: usize = 64;

/// The name of a profile or source: it is typed as an argument, printed in tables and written into
/// names of files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(String);

impl Name {
    /// The name.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.len() <= MAX_LEN
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        match fits {
            true => Ok(Self(text.to_owned())),
            false => Err(format!(
                "expected a name of 1 to {MAX_LEN} ASCII letters, digits and '._-', starting with a letter or digit"
            )),
        }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl TextFormat for Name {
    const PATTERN: &'static str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
    const EXAMPLE: &'static str = "default";
}
