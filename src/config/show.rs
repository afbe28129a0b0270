//! The values that are in force, and what each of them is from.

use serde::Deserialize as _;
use toml::{
    Value,
    de::{DeTable, DeValue},
};

use super::{
    defaults::DEFAULTS,
    document::Document,
    error::ConfigError,
    layer::Layer,
    presets::{self, DEFAULT_FLOW, tables, text},
    table::Config,
};

/// A value that is in force.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ShownValue {
    /// From the root to the key.
    pub(crate) path: Vec<String>,
    /// Not a table.
    pub(crate) value: Value,
    pub(crate) origin: ValueOrigin,
}

/// What a value is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueOrigin {
    /// This place in the file.
    File { line: usize, column: usize },
    /// A layer under the file.
    Layer(Layer),
}

/// The values of `config`, in the order of its file, whose text is `source`.
///
/// # Errors
///
/// [`ConfigError::Invalid`]: the text is another one by now.
pub(crate) fn show(config: &Config, source: &str) -> Result<Vec<ShownValue>, ConfigError> {
    let mut document = Document::parse(source)
        .map_err(|problem| ConfigError::invalid(&config.file, vec![problem]))?;
    presets::put_under(&mut document);
    put_defaults_under(&mut document);
    let mut values = Vec::new();
    collect(&document, document.root(), &mut Vec::new(), &mut values);
    Ok(values)
}

/// Puts the program's defaults under every table that they belong to.
fn put_defaults_under(document: &mut Document<'_>) {
    let Ok(defaults) = DeTable::parse(DEFAULTS) else {
        return;
    };
    let named = |names: &[&str]| {
        let mut table = Some(defaults.get_ref());
        for name in names {
            table = table.and_then(|table| table.get(*name)?.get_ref().as_table());
        }
        table
    };
    let mut layers = Vec::new();
    let mut add = |path: &[String], names: &[&str]| {
        layers.extend(named(names).map(|table| (path.to_vec(), table)));
    };
    add(&[], &["root"]);
    for (path, profile) in tables(document.root(), "profile") {
        add(&path, &["profile", "all"]);
        let has_gateway = profile.contains_key("gateway");
        add(
            &path,
            &["profile", if has_gateway { "gateway" } else { "none" }],
        );
    }
    for (path, source) in tables(document.root(), "source") {
        let kind = text(source, "type").unwrap_or_default();
        add(&path, &["source", kind, "all"]);
        add(&path, &["source", kind, variant(kind, source)]);
    }
    for (path, table) in layers {
        document.put_under(&path, "", table, Layer::Default);
    }
}

/// What decides about defaults within a type of source.
fn variant<'t>(kind: &str, source: &'t DeTable<'_>) -> &'t str {
    let is = |key: &str, expected: &str| {
        let value = source.get(key).map(|value| value.get_ref());
        match value {
            Some(DeValue::Boolean(value)) => value.to_string() == expected,
            Some(DeValue::Integer(value)) => value.as_str() == expected,
            _ => false,
        }
    };
    match kind {
        "oauth" => text(source, "flow").unwrap_or(DEFAULT_FLOW),
        "vault" if is("lease", "true") => "lease",
        "vault" if is("kv", "1") => "kv1",
        "vault" => "kv2",
        _ => "all",
    }
}

fn collect(
    document: &Document<'_>,
    table: &DeTable<'_>,
    path: &mut Vec<String>,
    values: &mut Vec<ShownValue>,
) {
    let layer = |path: &[String], name: &str| document.layer(&[path, &[name.to_owned()]].concat());
    let mut keys: Vec<_> = table.iter().collect();
    // What was added is at the place of another key, and comes after it.
    keys.sort_by_key(|(key, _)| {
        let is_default = layer(path, key.get_ref()) == Some(Layer::Default);
        let is_added = layer(path, key.get_ref()).is_some();
        (is_default, key.span().start, is_added)
    });
    for (key, value) in keys {
        path.push(key.get_ref().to_string());
        if let DeValue::Table(table) = value.get_ref() {
            collect(document, table, path, values);
        } else if let Ok(plain) =
            Value::deserialize(toml::de::ValueDeserializer::from(value.clone()))
        {
            let origin = match document.layer(path) {
                Some(layer) => ValueOrigin::Layer(layer),
                None => {
                    let (line, column) = document.place(key);
                    ValueOrigin::File { line, column }
                }
            };
            values.push(ShownValue {
                path: path.clone(),
                value: plain,
                origin,
            });
        }
        path.pop();
    }
}

#[cfg(test)]
#[path = "tests/show.rs"]
mod tests;
