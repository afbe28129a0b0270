//! Another TOML document than the configuration, checked by the same rules: every mistake of a key
//! at once, each with its place.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize as _, de::DeserializeOwned};
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::{
    check::check,
    document::{Diagnostic, Document},
    error::ConfigError,
    schema,
};

/// A mistake that the rules of single keys do not find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// From the root to the key, or to the table if `is_of_table`.
    pub(crate) path: Vec<String>,
    /// What is wrong: `expected …`.
    pub(crate) problem: String,
    /// Whether the whole table is wrong.
    pub(crate) is_of_table: bool,
}

/// A document, and the same as JSON, in which dates are strings.
#[derive(Debug)]
pub(crate) struct TypedDocument<T> {
    pub(crate) typed: T,
    pub(crate) json: Value,
}

impl<T: DeserializeOwned + JsonSchema> TypedDocument<T> {
    /// Parses a document. `file` is its name in messages; it is not opened.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] with every mistake: those of single keys, or if there are none,
    /// those that `validate` finds.
    pub(crate) fn parse(
        file: &Path,
        text: &str,
        validate: impl FnOnce(&T) -> Vec<Mistake>,
    ) -> Result<Self, ConfigError> {
        let invalid = |problems| ConfigError::invalid(file, problems);
        let mut document = Document::parse(text).map_err(|problem| invalid(vec![problem]))?;
        write_dates(document.root_mut());
        let located = |diagnostics: Vec<Diagnostic>| {
            let problems = diagnostics.into_iter().map(|one| document.locate(one));
            invalid(problems.collect())
        };

        let diagnostics = check(&schema::of::<T>(), document.root());
        if !diagnostics.is_empty() {
            return Err(located(diagnostics));
        }
        // serde fails here only if the check lacks a rule. Its message could quote a value.
        let json = Value::deserialize(toml::Deserializer::from(document.to_spanned()));
        let json = json.map_err(|_| invalid(Vec::new()))?;
        let typed = T::deserialize(&json).map_err(|_| invalid(Vec::new()))?;
        let mistakes = validate(&typed);
        if !mistakes.is_empty() {
            return Err(located(
                mistakes.into_iter().map(Diagnostic::from).collect(),
            ));
        }
        Ok(Self { typed, json })
    }
}

impl From<Mistake> for Diagnostic {
    fn from(mistake: Mistake) -> Self {
        match mistake.is_of_table {
            true => Self::of_table(mistake.path, &mistake.problem),
            false => Self::of_key(mistake.path, &mistake.problem),
        }
    }
}

/// Makes a string of each date: JSON has none.
fn write_dates(table: &mut DeTable<'_>) {
    for (_, value) in table.iter_mut() {
        write_dates_in(value.get_mut());
    }
}

fn write_dates_in(value: &mut DeValue<'_>) {
    match value {
        DeValue::Datetime(date) => *value = DeValue::String(date.to_string().into()),
        DeValue::Array(items) => {
            for item in items.iter_mut() {
                write_dates_in(item.get_mut());
            }
        }
        DeValue::Table(table) => write_dates(table),
        _ => {}
    }
}
