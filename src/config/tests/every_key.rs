//! Together the accepted configurations, the files of `accepted/`, use every key.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use super::{parse, schema};

/// `TABLE.KEY` of every key in the schema; a table with variants is `TABLE[VARIANT]`.
fn keys_of_schema(root: &Value, schema: &Value, table: &str, keys: &mut BTreeSet<String>) {
    let target = schema["$ref"].as_str();
    let schema = target.map_or(schema, |target| {
        root.pointer(target.trim_start_matches('#')).unwrap()
    });
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    for variant in variants.filter(|variant| variant.get("properties").is_some()) {
        let properties = variant["properties"].as_object().unwrap();
        let tag = properties
            .values()
            .find_map(|property| property["const"].as_str());
        keys_of_schema(root, variant, &format!("{table}[{}]", tag.unwrap()), keys);
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let key = format!("{table}.{key}");
        keys_of_schema(root, property, &key, keys);
        let entries = &property["additionalProperties"];
        if entries.is_object() {
            keys_of_schema(root, entries, &key, keys);
        }
        keys.insert(key);
    }
}

/// The same of every key in a document.
fn keys_of_document(value: &toml::Value, table: &str, keys: &mut BTreeSet<String>) {
    let Some(entries) = value.as_table() else {
        return;
    };
    let tag = ["type", "method"]
        .iter()
        .find_map(|tag| entries.get(*tag)?.as_str());
    let table = tag.map_or(table.to_owned(), |tag| format!("{table}[{tag}]"));
    for (key, value) in entries {
        let key = format!("{table}.{key}");
        match key.as_str() {
            ".profile" | ".source" => {
                for entry in value.as_table().unwrap().values() {
                    keys_of_document(entry, &key, keys);
                }
            }
            _ if [".claims", ".headers", ".parameters", ".required_claims"]
                .iter()
                .any(|map| key.ends_with(map)) => {}
            _ => keys_of_document(value, &key, keys),
        }
        keys.insert(key);
    }
}

#[test]
fn every_key_of_the_schema_is_accepted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/tests/accepted");
    let mut used = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        parse(&path, &text).unwrap();
        keys_of_document(&toml::from_str(&text).unwrap(), "", &mut used);
    }
    let schema = schema();
    let mut known = BTreeSet::new();
    keys_of_schema(&schema, &schema, "", &mut known);
    assert_eq!(used, known);
    assert!(known.contains(".source[vault].auth[approle].role_id"));
}
