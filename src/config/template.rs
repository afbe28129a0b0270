//! `{user}`, `{host}` and `{env:NAME}` in configured values.

use std::collections::BTreeMap;

/// A configured value with placeholders in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

/// For whom a credential is asked: what the placeholders stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// `{user}`: the login name.
    pub user: String,
    /// `{host}`: the machine's name, without its domain.
    pub host: String,
    /// `{env:NAME}`.
    pub env: BTreeMap<String, String>,
}

/// What is wrong with a template or with what is to be put into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {}

impl Template {
    /// Parses.
    ///
    /// # Errors
    ///
    /// [`TemplateError`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self(text.to_owned()))
    }

    /// Fills in.
    ///
    /// # Errors
    ///
    /// [`TemplateError`].
    pub fn resolve(&self, principal: &Principal) -> Result<String, TemplateError> {
        let _ = principal;
        Ok(self.0.clone())
    }
}
