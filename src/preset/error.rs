//! Errors that a provider is known for.

use serde::Deserialize;

/// An error of a provider, and what to do about it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KnownError {
    /// The OAuth code (`error`); any by default.
    pub(super) code: Option<String>,
    /// A part of the description (`error_description`); any by default.
    pub(super) description: Option<String>,
    /// A template of what to do, to follow "hint: ".
    pub(super) remedy: String,
}

impl KnownError {
    /// Whether it is this one.
    pub(super) fn matches(&self, code: &str, description: Option<&str>) -> bool {
        let is_code = self.code.as_deref().is_none_or(|known| known == code);
        let is_described = self
            .description
            .as_deref()
            .is_none_or(|part| description.is_some_and(|text| contains(text, part)));
        is_code && is_described
    }
}

/// Whether `part` is in `text` as a whole: `AADSTS50011` is no part of `AADSTS500113`.
fn contains(text: &str, part: &str) -> bool {
    text.match_indices(part)
        .any(|(at, _)| !text[at + part.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()))
}
