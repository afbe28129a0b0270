//! Editors, by the published schema, find the mistakes that the program finds.

use std::{collections::BTreeSet, fs, path::Path};

use jsonschema::{Draft, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Number, Value, json};
use toml::de::{DeTable, DeValue};

use super::{
    super::{check::check, document::Document},
    published, schema,
};

/// The draft that the schema names, and the one that Taplo has.
const DRAFTS: [Draft; 2] = [Draft::Draft202012, Draft::Draft7];

/// The files of `folder` that are TOML, as JSON, with the places of the mistakes that `check` finds.
fn files(folder: &str) -> Vec<(String, Value, BTreeSet<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/config/tests")
        .join(folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        if let Ok(document) = Document::parse(&text) {
            let mistakes = check(&schema(), document.root());
            let places = mistakes.iter().map(|mistake| mistake.path().join("."));
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            files.push((name, table(document.root()), places.collect()));
        }
    }
    files
}

fn table(table: &DeTable<'_>) -> Value {
    let entries = table.iter();
    entries
        .map(|(key, entry)| (key.get_ref().to_string(), value(entry.get_ref())))
        .collect()
}

/// What an editor makes of a value: a date is a string.
fn value(toml: &DeValue<'_>) -> Value {
    match toml {
        DeValue::String(text) => json!(text),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => integer.into(),
            Err(_) => Number::from_f64(integer.as_str().parse().unwrap()).into(),
        },
        DeValue::Float(float) => Number::from_f64(float.as_str().parse().unwrap()).into(),
        DeValue::Boolean(boolean) => json!(boolean),
        DeValue::Datetime(date) => json!(date.to_string()),
        DeValue::Array(items) => items.iter().map(|item| value(item.get_ref())).collect(),
        DeValue::Table(entries) => table(entries),
    }
}

fn validator(draft: Draft) -> Validator {
    jsonschema::options()
        .with_draft(draft)
        .build(&published())
        .unwrap()
}

/// Where an editor shows `error`: at a key, or at the table that lacks one.
fn places(error: &ValidationError<'_>) -> Vec<String> {
    let path = error.instance_path().to_string();
    let is_name = |part: &&str| !part.is_empty() && part.parse::<usize>().is_err();
    let path: Vec<_> = path.split('/').filter(is_name).map(str::to_owned).collect();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|key| [&path[..], &[key.clone()]].concat().join("."))
            .collect(),
        _ => vec![path.join(".")],
    }
}

#[test]
fn accepted_files_are_valid() {
    for draft in DRAFTS {
        let validator = validator(draft);
        for (name, document, _) in files("accepted") {
            let errors: Vec<_> = validator.iter_errors(&document).collect();
            assert!(errors.is_empty(), "{draft:?} {name}: {errors:?}");
        }
    }
}

/// What no pattern tells apart, with the reason.
const UNSTATED: [(&str, &str, &str); 0] = [];

#[test]
fn an_editor_names_the_keys_that_our_messages_name() {
    for draft in DRAFTS {
        let validator = validator(draft);
        for (name, document, mut expected) in files("wrong") {
            let errors = validator.iter_errors(&document);
            let found: BTreeSet<_> = errors.flat_map(|error| places(&error)).collect();
            for (_, place, _) in UNSTATED.iter().filter(|(file, ..)| *file == name) {
                assert!(expected.remove(*place), "{name}: {place}");
            }
            if found != expected {
                eprintln!(
                    "{draft:?} {name}:\n  missed {:?}\n  extra {:?}",
                    expected.difference(&found),
                    found.difference(&expected)
                );
            }
        }
    }
    panic!();
}
