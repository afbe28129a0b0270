//! The JSON Schema of the configuration, for editors and for [`super::check`].

mod default;
mod published;

use schemars::JsonSchema;
use serde_json::Value;

use super::table::File;

/// The JSON Schema (2020-12) of a configuration file, as [`super::check`] walks it: as `schemars`
/// makes it of the types, with our formats.
#[must_use]
pub(super) fn schema() -> Value {
    of::<File>()
}

/// The JSON Schema of another document that [`super::check`] walks.
#[must_use]
pub(super) fn of<T: JsonSchema>() -> Value {
    let mut schema = Value::from(schemars::schema_for!(T));
    adapt(&mut schema);
    schema
}

/// The same for other programs, as `claviger config schema` prints it.
#[must_use]
pub(crate) fn published() -> Value {
    let mut schema = schema();
    default::put_defaults(&mut schema);
    published::publish(schema)
}

/// Adapts the schema to TOML: removes every `null`, because a key without a value is left out.
/// Requires every string to have a character.
fn adapt(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_mut_slice() {
                    let only = only.take();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(names)) = object.get_mut("enum") {
                names.retain(|name| !name.is_null());
            }
            if let Some(Value::Array(mut any)) = object.remove("anyOf") {
                any.retain(|schema| schema["type"] != "null");
                match any.as_mut_slice() {
                    [Value::Object(only)] => object.append(only),
                    _ => drop(object.insert("anyOf".to_owned(), any.into())),
                }
            }
            let is_fixed = object.contains_key("enum") || object.contains_key("const");
            if object.get("type").is_some_and(|kind| kind == "string") && !is_fixed {
                object.insert("minLength".to_owned(), Value::from(1));
            }
            object.values_mut().for_each(adapt);
        }
        Value::Array(values) => values.iter_mut().for_each(adapt),
        _ => {}
    }
}

#[cfg(test)]
#[path = "../tests/published.rs"]
mod published_tests;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{super::field::FORMATS, *};
    use crate::policy::PolicyDocument;

    /// Applies `test` to every object in the schema.
    fn walk(schema: &Value, test: &mut impl FnMut(&Value)) {
        match schema {
            Value::Object(object) => {
                test(schema);
                object.values().for_each(|value| walk(value, test));
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, test)),
            _ => {}
        }
    }

    #[test]
    fn every_key_is_described() {
        let mut count = 0;
        walk(&schema(), &mut |schema| {
            for (key, property) in schema["properties"].as_object().into_iter().flatten() {
                let is_described =
                    property.get("description").is_some() || property.get("const").is_some();
                assert!(is_described, "{key}: {property}");
                count += 1;
            }
        });
        assert!(count > 50, "{count} keys");
    }

    /// Code spans of a table; `X_env` is described by `*_env` and `X_file`.
    #[test]
    fn every_key_and_exit_code_is_in_the_readme() {
        let readme = include_str!("../../../README.md");
        let rows = readme.lines().filter(|line| line.starts_with('|'));
        let spans = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words: BTreeSet<_> = spans.flat_map(|span| span.split(|c| !is_part(c))).collect();
        let mut count = 0;
        walk(&schema(), &mut |schema| {
            for (key, _) in schema["properties"].as_object().into_iter().flatten() {
                let file = key.strip_suffix("_env").map(|name| format!("{name}_file"));
                let name = file.as_deref().unwrap_or(key);
                assert!(words.contains(name), "'{name}' is in no table");
                count += 1;
            }
        });
        assert!(count > 50, "{count} keys");
        for code in claviger_wire::ExitCode::ALL {
            let row = format!("\n| {} | ", code.as_byte());
            assert!(readme.contains(&row), "{row}");
        }
    }

    #[test]
    fn tables_are_closed_and_nothing_is_null() {
        let schema = schema();
        walk(&schema, &mut |schema| {
            if schema.get("properties").is_some() && schema["type"] == "object" {
                assert_eq!(schema["additionalProperties"], false, "{schema}");
            }
        });
        assert!(!schema.to_string().contains("null"), "{schema:#}");
        assert!(!schema.to_string().contains("anyOf"), "{schema:#}");
    }

    /// A format that [`super::super::field::check`] does not know would not be checked.
    #[test]
    fn every_format_of_a_string_is_known_and_used() {
        let mut used = Vec::new();
        for schema in [schema(), of::<PolicyDocument>()] {
            walk(&schema, &mut |schema| {
                if schema["type"] == "string" || schema.get("minLength").is_some() {
                    used.extend(schema["format"].as_str().map(str::to_owned));
                }
                let names = &schema["propertyNames"]["format"];
                used.extend(names.as_str().map(str::to_owned));
            });
        }
        used.sort();
        used.dedup();
        // The format of a value that may be a list, with a schema of its own.
        used.retain(|format| format != "no-proxy");
        assert_eq!(used, FORMATS);
    }

    #[test]
    fn variants_differ_in_one_key() {
        let schema = schema();
        for (place, key, kinds) in [
            (
                "/$defs/Source/oneOf",
                "type",
                &["vault", "oauth", "jwt", "exec"][..],
            ),
            (
                "/$defs/Auth/oneOf",
                "method",
                &[
                    "token", "approle", "userpass", "ldap", "jwt", "oidc", "cert",
                ],
            ),
        ] {
            let variants = schema.pointer(place).and_then(Value::as_array).unwrap();
            let have: Vec<_> = variants
                .iter()
                .map(|variant| &variant["properties"][key]["const"])
                .collect();
            assert_eq!(have, kinds);
        }
    }
}
