//! The JSON Schema as editors need it.
//!
//! A validator reports of a `oneOf` only that no variant matches, at the whole table, and knows
//! none of our formats. Here a table with variants has an `if` for each, so that the wrong key
//! itself is named, and a format is a pattern. It keeps to what Taplo, and so Even Better TOML,
//! supports: draft 7, and completions from `properties`, but from neither `then` nor beside an
//! `allOf`. It marks every key of a table with the error of `additionalProperties: false`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::{check::constants, field::pattern_and_example};

/// The identity of the schema, so that it needs no address: the number is the `version` of the
/// format.
const ID: &str = "urn:claviger:config:1";

/// The properties of a table.
type Properties = Map<String, Value>;

/// Makes what `claviger config schema` prints of `schema`, by which [`super::super::check`] checks.
pub(super) fn publish(mut schema: Value) -> Value {
    adapt(&mut schema);
    schema["$id"] = ID.into();
    schema
}

fn adapt(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(adapt);
            state_format(object);
            close_names(object);
            if object.get("additionalProperties") == Some(&Value::Bool(false)) {
                object.insert("additionalProperties".to_owned(), unknown_key());
            }
            if let Some(Value::Array(variants)) = object.remove("oneOf") {
                match variants.iter().all(|variant| variant["const"].is_string()) {
                    true => enumerate(object, &variants),
                    false => distinguish(object, &variants),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(adapt),
        _ => {}
    }
}

/// What no value is: its error is at the unknown key, and shows the title.
fn unknown_key() -> Value {
    json!({ "not": { "title": "unknown key" } })
}

/// Puts a pattern and an example in place of a format. The size of an integer is in its bounds.
fn state_format(object: &mut Properties) {
    if !object.get("format").is_some_and(Value::is_string) {
        return;
    }
    let format = object.remove("format");
    let format = format.as_ref().and_then(Value::as_str).unwrap_or_default();
    if let Some((pattern, example)) = pattern_and_example(format) {
        object.insert("pattern".to_owned(), pattern.into());
        object.entry("examples").or_insert_with(|| json!([example]));
    }
}

/// Puts the pattern of a map's names beside its values, because an error of `propertyNames` is at
/// the whole table.
fn close_names(object: &mut Properties) {
    let names = object.remove("propertyNames");
    let Some(pattern) = names.as_ref().and_then(|names| names["pattern"].as_str()) else {
        return;
    };
    if let Some(values) = object.insert("additionalProperties".to_owned(), false.into()) {
        object.insert("patternProperties".to_owned(), json!({ pattern: values }));
    }
}

/// Makes strings that are described one by one an enumeration.
fn enumerate(object: &mut Properties, variants: &[Value]) {
    let names = variants.iter().map(|variant| &variant["const"]);
    object.insert("enum".to_owned(), names.cloned().collect());
    describe(object, variants.iter().map(|one| (&one["const"], one)));
}

/// Adds what each value means to the description, which every editor shows.
fn describe<'v>(object: &mut Properties, meanings: impl Iterator<Item = (&'v Value, &'v Value)>) {
    let mut text = object
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    text.push('\n');
    for (value, schema) in meanings {
        let meaning = schema["description"].as_str().unwrap_or_default();
        text.push_str(&format!("\n- {value}: {meaning}"));
    }
    object.insert("description".to_owned(), text.trim_start().into());
}

/// Makes a table with variants of one that `variants`, which differ in a constant, describe: each
/// key with what it is in all variants, and for each variant an `if` with the table as it is then.
fn distinguish(object: &mut Properties, variants: &[Value]) {
    let Some((tag, _)) = variants.first().and_then(|first| constants(first).next()) else {
        return;
    };
    let kinds: Vec<_> = variants
        .iter()
        .map(|variant| (&variant["properties"][tag]["const"], variant))
        .collect();
    let mut properties = common(tag, &kinds);
    let branches = kinds.iter().rev().fold(None, |others, (kind, variant)| {
        let mut branch = json!({
            "if": { "properties": { tag: { "const": kind } }, "required": [tag] },
            "then": {
                "properties": own(variant, &properties),
                "required": variant["required"],
                "additionalProperties": unknown_key(),
            },
        });
        if let Some(others) = others {
            branch["else"] = others;
        }
        Some(branch)
    });
    let mut kind = Properties::new();
    kind.insert("description".to_owned(), "The kind of this table.".into());
    kind.insert(
        "enum".to_owned(),
        kinds.iter().map(|(kind, _)| *kind).cloned().collect(),
    );
    describe(&mut kind, kinds.iter().copied());
    properties.insert(tag.to_owned(), kind.into());
    object.insert("type".to_owned(), "object".into());
    object.insert("required".to_owned(), json!([tag]));
    object.insert("properties".to_owned(), properties.into());
    if let Some(Value::Object(mut branches)) = branches {
        object.append(&mut branches);
    }
}

/// Every key but `tag`: its schema if all variants that have it agree, else only the descriptions.
fn common(tag: &str, kinds: &[(&Value, &Value)]) -> Properties {
    let mut uses: BTreeMap<&String, Vec<(&Value, &Value)>> = BTreeMap::new();
    for (kind, variant) in kinds {
        for (key, schema) in variant["properties"].as_object().into_iter().flatten() {
            if key != tag {
                uses.entry(key).or_default().push((kind, schema));
            }
        }
    }
    let property = |uses: Vec<(&Value, &Value)>| {
        let (_, first) = uses[0];
        if uses.iter().all(|(_, schema)| *schema == first) {
            return first.clone();
        }
        let mut property = Properties::new();
        describe(&mut property, uses.into_iter());
        property.into()
    };
    uses.into_iter()
        .map(|(key, uses)| (key.clone(), property(uses)))
        .collect()
}

/// The keys of `variant`; `true` is one that `common` describes as a whole.
fn own(variant: &Value, common: &Properties) -> Properties {
    let properties = variant["properties"].as_object().into_iter().flatten();
    properties
        .map(|(key, schema)| {
            let is_common = schema.get("const").is_some() || common.get(key) == Some(schema);
            let schema = if is_common {
                true.into()
            } else {
                schema.clone()
            };
            (key.clone(), schema)
        })
        .collect()
}
