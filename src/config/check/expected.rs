//! What a schema expects, and what a message says about it.

use serde_json::Value;
use toml::de::DeValue;

use super::super::suggest::one_of;

/// The kind of value that a schema expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    String,
    Integer,
    List,
    /// A string, or a list of them.
    StringOrList,
    Boolean,
    Any,
}

impl Kind {
    pub(super) fn of(schema: &Value) -> Self {
        match schema["type"].as_str() {
            Some("object") => Self::Table,
            Some("string") => Self::String,
            Some("integer") => Self::Integer,
            Some("array") => Self::List,
            Some("boolean") => Self::Boolean,
            _ if schema["type"].is_array() => Self::StringOrList,
            _ if !names(schema).is_empty() => Self::String,
            _ if schema.get("oneOf").is_some() => Self::Table,
            _ => Self::Any,
        }
    }
}

/// What `schema` expects, for a message.
pub(super) fn describe(schema: &Value) -> String {
    match Kind::of(schema) {
        Kind::Table => "a table".to_owned(),
        Kind::String => match names(schema).as_slice() {
            [] => "a string".to_owned(),
            names => one_of(names),
        },
        Kind::Integer => match bounds(schema) {
            (i64::MIN, i64::MAX) => "an integer".to_owned(),
            (min, max) => range(min, max),
        },
        Kind::List => match schema["examples"][0].as_array() {
            Some(items) => {
                let items: Vec<_> = items.iter().map(Value::to_string).collect();
                format!("a list such as [{}]", items.join(", "))
            }
            None => "a list".to_owned(),
        },
        Kind::StringOrList => "a string or a list of strings".to_owned(),
        Kind::Boolean => "true or false".to_owned(),
        Kind::Any => "a value".to_owned(),
    }
}

/// The kind of a value, for a message. The value itself may be a secret.
pub(super) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The strings of an enumeration; none if `schema` is something else.
pub(super) fn names(schema: &Value) -> Vec<&str> {
    let plain = schema["enum"].as_array().into_iter().flatten();
    let described = schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|variant| &variant["const"]);
    plain.chain(described).filter_map(Value::as_str).collect()
}

/// The keys of a table that can have one value only, with that value.
pub(in super::super) fn constants(schema: &Value) -> impl Iterator<Item = (&str, &str)> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.filter_map(|(key, schema)| Some((key.as_str(), schema["const"].as_str()?)))
}

/// The smallest and the largest integer.
pub(super) fn bounds(schema: &Value) -> (i64, i64) {
    (
        schema["minimum"].as_i64().unwrap_or(i64::MIN),
        schema["maximum"].as_i64().unwrap_or(i64::MAX),
    )
}

/// `MIN to MAX`.
pub(super) fn range(min: i64, max: i64) -> String {
    match max.checked_sub(min) {
        Some(0) => format!("{min}"),
        Some(1) => format!("{min} or {max}"),
        _ => format!("{min} to {max}"),
    }
}
