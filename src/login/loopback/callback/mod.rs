//! Which callback belongs to this sign-in, and what it contains.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::{
    network::{ForeignText, RequestSecrets, one_line},
    secret::Secret,
};

/// The most characters of an OAuth error code that are kept. The longest registered one has 31.
const MAX_ERROR_CODE_CHARS: usize = 64;

/// What distinguishes the callback of this sign-in from all others.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedCallback {
    /// The `state` of the authorization request: unguessable, and new for each sign-in.
    pub(crate) state: Secret,
    /// The issuer that was asked, as its metadata has it: `iss` is compared as a string. Without
    /// one, `iss` is ignored.
    pub(crate) issuer: Option<String>,
    /// Whether the issuer's metadata has `authorization_response_iss_parameter_supported`: a
    /// callback without `iss` is then from another server.
    pub(crate) iss_required: bool,
}

/// The authorization server's answer to this sign-in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    /// The authorization code.
    Code(Secret),
    /// The server refused. Both texts are fit for a message.
    Error {
        /// The OAuth error code, such as `access_denied`.
        code: String,
        /// `error_description`.
        description: Option<String>,
    },
}

/// Why a callback is not part of this sign-in. `Display` is a sentence for the page; it contains
/// neither the code nor the state.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    /// No `state`, or that of another sign-in.
    #[error("This address does not belong to the sign-in that is under way; it may be an old one.")]
    State,
    /// RFC 9207: the answer of another server, or of one that pretends to be it.
    #[error(
        "The answer is from another identity provider: expected issuer '{expected}', got {got}."
    )]
    Issuer {
        /// See [`ExpectedCallback::issuer`].
        expected: String,
        /// The one in the callback, in quotes.
        got: String,
    },
    /// RFC 6749 section 3.1 forbids it, and two readers could use different ones.
    #[error("The identity provider's answer is invalid: it contains '{0}' more than once.")]
    Repeated(&'static str),
    /// Neither an answer of RFC 6749 section 4.1.2 nor one of section 4.1.2.1.
    #[error("The identity provider's answer is invalid: expected either a code or an error.")]
    Incomplete,
}

impl ExpectedCallback {
    /// Reads the callback in `query`.
    ///
    /// # Errors
    ///
    /// [`Foreign`]: it does not belong to this sign-in.
    pub(super) fn read(&self, query: &str) -> Result<Callback, Foreign> {
        let state = parameter(query, "state")?.map(secret);
        // First of all: the rest of a callback is believed only if its state is right. The
        // comparison takes the same time wherever they differ.
        if state.is_none_or(|state| state != self.state) {
            return Err(Foreign::State);
        }
        self.check_issuer(query)?;
        let code = parameter(query, "code")?.map(secret);
        let error = parameter(query, "error")?;
        let description = parameter(query, "error_description")?;
        match (code, error) {
            (Some(code), None) => Ok(Callback::Code(code)),
            (None, Some(error)) => Ok(Callback::Error {
                code: self
                    .message(&error)
                    .chars()
                    .take(MAX_ERROR_CODE_CHARS)
                    .collect(),
                description: description
                    .map(|text| self.message(&text))
                    .filter(|text| !text.is_empty()),
            }),
            _ => Err(Foreign::Incomplete),
        }
    }

    fn check_issuer(&self, query: &str) -> Result<(), Foreign> {
        let got = parameter(query, "iss")?;
        let Some(expected) = &self.issuer else {
            return Ok(());
        };
        let is_right = match &got {
            Some(got) => **got == **expected,
            None => !self.iss_required,
        };
        if is_right {
            return Ok(());
        }
        Err(Foreign::Issuer {
            expected: one_line(expected),
            got: match got {
                Some(got) => format!("'{}'", self.without_state(&got)),
                None => "none".to_owned(),
            },
        })
    }

    /// Only the characters that RFC 6749 section 4.1.2.1 allows in an error; those of other
    /// languages are lost.
    fn message(&self, text: &str) -> String {
        let mut text = self.without_state(text);
        text.retain(|c| matches!(c, ' '..='!' | '#'..='[' | ']'..='~'));
        text
    }

    fn without_state(&self, text: &str) -> String {
        let secrets = RequestSecrets::from_iter([self.state.clone()]);
        ForeignText::new(text).clean(&secrets)
    }
}

/// The value of the only parameter with this name; `None` if it is empty, which means the same as
/// omitted (RFC 6749 section 3.1).
fn parameter<'a>(query: &'a str, name: &'static str) -> Result<Option<Cow<'a, str>>, Foreign> {
    let mut values = form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value);
    let value = values.next();
    match values.next() {
        Some(_) => Err(Foreign::Repeated(name)),
        None => Ok(value.filter(|value| !value.is_empty())),
    }
}

fn secret(text: Cow<'_, str>) -> Secret {
    Secret::new(text.into_owned())
}

#[cfg(test)]
mod tests;
