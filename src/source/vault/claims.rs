//! The claims of a login, which `{claim:NAME}` in the path of a secret stands for.

use serde_json::{Map, Value};

use crate::{source::SourceError, template::ResolveError};

/// The claims of a login, and where they come from.
#[derive(Debug)]
pub(super) struct LoginClaims {
    pub(super) values: Map<String, Value>,
    /// The identifier of the user, which another user never gets; `None` if the login has none.
    pub(super) user: Option<String>,
    /// Host and port of the server that provides them.
    pub(super) host: String,
    /// What an administrator adds a claim to: "the tokens of 'idp.example.com:443'".
    pub(super) place: String,
}

impl LoginClaims {
    /// The claim `name`, if it is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_str()
    }

    /// Whether `other` is a login of the same user for certain.
    pub(super) fn is_same_user(&self, other: &Self) -> bool {
        self.user.is_some() && self.user == other.user
    }

    /// The error of the claim `name`, which the key `key` of the source `source` contains.
    pub(super) fn error(
        &self,
        source: &str,
        key: &str,
        name: &str,
        error: &ResolveError,
    ) -> SourceError {
        let key = format!("source.{source}.{key}");
        let hint = match error {
            ResolveError::NoClaim(_) => format!(
                "ask the administrator to add the claim '{name}' to {}",
                self.place
            ),
            _ => format!(
                "use another claim in '{key}', or ask the administrator to correct '{name}' in {}",
                self.place
            ),
        };
        SourceError::UnusableClaim {
            host: self.host.clone(),
            key,
            reason: error.to_string(),
            hint,
        }
    }
}

/// The identifier of the user in the claims of a token (RFC 7519, section 4.1.2).
pub(super) fn subject(claims: &Map<String, Value>) -> Option<&str> {
    claims.get("sub")?.as_str()
}
