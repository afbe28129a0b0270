//! Settings files of other programs: single values are read, set and removed, and everything else
//! in the file stays as it is, byte for byte: comments, order, indentation, line breaks.
//!
//! A [`Document`] is text that was parsed; a [`SettingsFile`] is where it comes from and goes to.

mod file;
mod json;
mod toml;
mod yaml;

use std::fmt;

use serde_json::Value;

pub(crate) use self::file::{SettingsError, SettingsFile};
use self::{json::JsonDocument, toml::TomlDocument, yaml::YamlDocument};

/// The language of a settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// JSON, with comments and trailing commas.
    Json,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

/// A settings file's text. A key's path is that of nested tables, from the root.
pub(crate) enum Document {
    /// JSON.
    Json(JsonDocument),
    /// TOML.
    Toml(TomlDocument),
    /// YAML.
    Yaml(YamlDocument),
}

/// Text that is not in the language of its file. It contains nothing of the text, which may be a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub(crate) struct SyntaxError {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
    /// What is wrong.
    pub(crate) problem: String,
}

/// A value that cannot be set, because the document does not have the expected form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EditError {
    /// A key on the path is not a table.
    #[error("'{}' is not a table of keys", .0.join("."))]
    NotATable(Vec<String>),
    /// The text has a form that is not edited here.
    #[error("'{}' is written in a form that cannot be edited", .0.join("."))]
    Form(Vec<String>),
}

impl Document {
    /// Parses `text`. An empty text is a document without keys.
    ///
    /// # Errors
    ///
    /// [`SyntaxError`] for the first mistake.
    pub(crate) fn parse(syntax: Syntax, text: &str) -> Result<Self, SyntaxError> {
        Ok(match syntax {
            Syntax::Json => Self::Json(JsonDocument::parse(text)?),
            Syntax::Toml => Self::Toml(TomlDocument::parse(text)?),
            Syntax::Yaml => Self::Yaml(YamlDocument::parse(text)?),
        })
    }

    /// The value at `path`, if there is one.
    pub(crate) fn get(&self, path: &[String]) -> Option<Value> {
        match self {
            Self::Json(document) => document.get(path),
            Self::Toml(document) => document.get(path),
            Self::Yaml(document) => document.get(path),
        }
    }

    /// How many of the tables that contain the key at `path` exist.
    pub(crate) fn existing_tables(&self, path: &[String]) -> usize {
        let tables = path.len().saturating_sub(1);
        let missing = (1..=tables).find(|depth| self.get(&path[..*depth]).is_none());
        missing.map_or(tables, |depth| depth - 1)
    }

    /// Sets the value at `path`, and makes the tables that contain it.
    ///
    /// # Errors
    ///
    /// [`EditError`]; the document is unchanged then.
    pub(crate) fn set(&mut self, path: &[String], value: &Value) -> Result<(), EditError> {
        match self {
            Self::Json(document) => document.set(path, value),
            Self::Toml(document) => document.set(path, value),
            Self::Yaml(document) => document.set(path, value),
        }
    }

    /// Removes the value at `path`, and the tables around it that are empty then, except for the
    /// outermost `kept` of them.
    ///
    /// # Errors
    ///
    /// As [`Self::set`].
    pub(crate) fn remove(&mut self, path: &[String], kept: usize) -> Result<(), EditError> {
        self.remove_one(path)?;
        for depth in (kept + 1..path.len()).rev() {
            if self
                .get(&path[..depth])
                .is_some_and(|table| !is_empty(&table))
            {
                break;
            }
            self.remove_one(&path[..depth])?;
        }
        Ok(())
    }

    fn remove_one(&mut self, path: &[String]) -> Result<(), EditError> {
        match self {
            Self::Json(document) => document.remove(path),
            Self::Toml(document) => document.remove(path),
            Self::Yaml(document) => return document.remove(path),
        }
        Ok(())
    }

    /// Whether there is nothing in it but white space: no key and no comment.
    pub(crate) fn is_blank(&self) -> bool {
        let text = self.to_string();
        let text = text.trim();
        text.is_empty() || matches!(self, Self::Json(_)) && is_braces(text)
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(document) => document.fmt(f),
            Self::Toml(document) => document.fmt(f),
            Self::Yaml(document) => document.fmt(f),
        }
    }
}

fn is_empty(table: &Value) -> bool {
    match table {
        Value::Object(keys) => keys.is_empty(),
        // YAML's table without keys.
        Value::Null => true,
        _ => false,
    }
}

fn is_braces(text: &str) -> bool {
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    inner.is_some_and(|inner| inner.trim().is_empty())
}

/// The line and column, from 1, of the byte at `offset`.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[cfg(test)]
mod tests;
