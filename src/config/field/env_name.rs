//! The name of an environment variable.

use std::str::FromStr;

use super::text_format::TextFormat;
use crate::template::is_env_name;

/// The name of a variable of the daemon's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EnvName(String);

impl FromStr for EnvName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match is_env_name(text) {
            true => Ok(Self(text.to_owned())),
            // Without the text: it may be the secret itself, written in place of its variable's
            // name.
            false => Err(
                "expected the name of a variable: ASCII letters, digits and '_', not starting with a digit",
            ),
        }
    }
}

impl From<EnvName> for String {
    fn from(name: EnvName) -> Self {
        name.0
    }
}

impl TextFormat for EnvName {
    const PATTERN: &'static str = "^[A-Za-z_][A-Za-z0-9_]*$";
    const EXAMPLE: &'static str = "GATEWAY_KEY";
}
