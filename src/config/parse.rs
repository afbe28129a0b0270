//! From text to a configuration.

use std::path::Path;

use serde::Deserialize as _;

use super::{
    check::check,
    document::{Diagnostic, Document},
    error::ConfigError,
    presets,
    schema::schema,
    table::{Config, File},
};
use crate::audit::Hash;

/// The largest configuration, in bytes. A fleet's has a few thousand; a larger file is something
/// else.
pub(super) const MAX_LEN: u64 = 1 << 20;

/// Parses a configuration. `file` is its name in messages and in [`Config::file`]; it is not
/// opened.
///
/// # Errors
///
/// [`ConfigError::Invalid`] with every mistake: those of single keys, or if there are none, those
/// between keys.
pub fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
    let invalid = |problems| ConfigError::invalid(file, problems);
    let mut document = Document::parse(text).map_err(|problem| invalid(vec![problem]))?;
    presets::put_under(&mut document);
    let located = |diagnostics: Vec<Diagnostic>| {
        let problems = diagnostics
            .into_iter()
            .map(|diagnostic| document.locate(diagnostic));
        invalid(problems.collect())
    };

    let diagnostics = check(&schema(), document.root());
    if !diagnostics.is_empty() {
        return Err(located(diagnostics));
    }
    // serde fails here only if the check lacks a rule. Its message could quote a value.
    let deserializer = toml::Deserializer::from(document.to_spanned());
    let parsed = File::deserialize(deserializer).map_err(|_| invalid(Vec::new()))?;
    let mut diagnostics = presets::check(&document);
    match parsed.validate(file.to_owned()) {
        Ok(config) if diagnostics.is_empty() => {
            let sha256 = Hash::of(text.as_bytes());
            return Ok(Config { sha256, ..config });
        }
        Ok(_) => {}
        Err(others) => diagnostics.extend(others),
    }
    Err(located(diagnostics))
}

#[cfg(test)]
#[path = "tests/wrong.rs"]
mod wrong;

#[cfg(test)]
#[path = "tests/accepted.rs"]
mod accepted;

#[cfg(test)]
#[path = "tests/every_key.rs"]
mod every_key;

#[cfg(test)]
#[path = "tests/network.rs"]
mod network;
