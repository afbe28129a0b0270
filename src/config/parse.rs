//! From text to a configuration.

use std::path::Path;

use super::{
    check::check,
    document::{Document, Issue},
    error::ConfigError,
    model::Config,
    raw,
    schema::schema,
    validate,
};

/// The largest configuration, in bytes. A fleet's has a few thousand; whatever is larger is another file.
pub(super) const MAX_LEN: u64 = 1 << 20;

/// Parses a configuration. `file` is its name in messages and in [`Config::file`]; it is not opened.
///
/// # Errors
///
/// [`ConfigError::Invalid`] with everything that is wrong: all mistakes of form, or where there is none, all of content.
pub fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
    parse_managed(file, text).map(|(config, _)| config)
}

/// [`parse`], and whether the file says `allow_user_config = true`.
pub(super) fn parse_managed(file: &Path, text: &str) -> Result<(Config, bool), ConfigError> {
    let invalid = |problems| ConfigError::invalid(file, problems);
    let document = Document::parse(text).map_err(|problem| invalid(vec![problem]))?;
    let located = |issues: Vec<Issue>| {
        invalid(
            issues
                .into_iter()
                .map(|issue| document.locate(issue))
                .collect(),
        )
    };

    let issues = check(&schema(), document.root());
    if !issues.is_empty() {
        return Err(located(issues));
    }
    // What the check has passed and serde does not take is a mistake of ours; serde's message could quote a value.
    let raw: raw::File = toml::from_str(text).map_err(|_| invalid(Vec::new()))?;
    let allow_user_config = raw.allow_user_config;
    let config = validate::config(raw, file.to_owned()).map_err(located)?;
    Ok((config, allow_user_config))
}

#[cfg(test)]
#[path = "tests/mistakes.rs"]
mod mistakes;

#[cfg(test)]
#[path = "tests/accepted.rs"]
mod accepted;
