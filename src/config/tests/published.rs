//! Editors, by the published schema, find the mistakes that the program finds.

use std::{collections::BTreeSet, fs, path::Path};

use jsonschema::{Draft, ValidationError, Validator};
use serde_json::{Number, Value, json};
use toml::de::{DeTable, DeValue};

use super::{
    super::{check::check, document::Document},
    published, schema,
};

/// The draft that the schema names, and the one that Taplo has.
const DRAFTS: [Draft; 2] = [Draft::Draft202012, Draft::Draft7];

/// The files of `folder` that are TOML, as JSON, with the places of the mistakes that `check`
/// finds.
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
fn place(error: &ValidationError<'_>) -> String {
    let path = error.instance_path().to_string();
    let is_name = |part: &&str| !part.is_empty() && part.parse::<usize>().is_err();
    path.split('/')
        .filter(is_name)
        .collect::<Vec<_>>()
        .join(".")
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

/// The mistakes that a schema cannot state, each with its file, its place and the reason.
const UNSTATED: &[(&str, &[&str], &str)] = &[
    (
        "durations",
        &[
            "daemon.exit_when_idle",
            "profile.long.max_age",
            "profile.none.max_age",
            "source.minted.ttl",
            "source.month.ttl",
            "source.s.watch",
            "source.watch.timeout",
            "source.year.timeout",
            "source.year.ttl",
        ],
        "the range of a duration, and which units have a fixed length",
    ),
    ("jwt", &["source.name.leeway"], "the range of a duration"),
    (
        "paths",
        &["source.dots.mount", "source.dots.path"],
        "segments of dots, without lookaround",
    ),
    (
        "addresses",
        &["source.path.address"],
        "the end '/v1', without lookaround",
    ),
    (
        "oauth-values",
        &["source.a.issuer"],
        "the part '/.well-known/', without lookaround",
    ),
    (
        "network",
        &["profile.p.headers.authorization"],
        "reserved names, in any case",
    ),
    (
        "claim-names",
        &["source.name.path"],
        "the characters of a claim's name",
    ),
    (
        "claims",
        &[
            "source.s.claims.born",
            "source.s.claims.many",
            "source.s.claims.much",
        ],
        "dates and numbers of TOML that JSON lacks: an editor converts them",
    ),
];

#[test]
fn an_editor_names_the_keys_that_our_messages_name() {
    for draft in DRAFTS {
        let validator = validator(draft);
        let mut count = 0;
        for (name, document, mut expected) in files("wrong") {
            let errors = validator.iter_errors(&document);
            let found: BTreeSet<_> = errors.map(|error| place(&error)).collect();
            for (_, places, _) in UNSTATED.iter().filter(|(file, ..)| *file == name) {
                for place in *places {
                    assert!(expected.remove(*place), "{name}: {place}");
                }
            }
            // Only later drafts have rules for the first item of a list.
            if (draft, name.as_str()) == (Draft::Draft7, "commands") {
                assert!(expected.remove("source.s.command"));
            }
            assert_eq!(found, expected, "{draft:?} {name}");
            count += found.len();
        }
        assert!(count > 100, "{count} mistakes");
    }
}

/// Applies `test` to every property in the schema.
fn properties(schema: &Value, test: &mut impl FnMut(&str, &Value)) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        test(key, property);
    }
    match schema {
        Value::Object(object) => object.values().for_each(|value| properties(value, test)),
        Value::Array(values) => values.iter().for_each(|value| properties(value, test)),
        _ => {}
    }
}

#[test]
fn defaults_and_examples_are_valid() {
    let schema = published();
    let mut defaults = BTreeSet::new();
    properties(&schema, &mut |key, property| {
        let mut alone = property.clone();
        if let Some(object) = alone.as_object_mut() {
            object.insert("$defs".to_owned(), schema["$defs"].clone());
        }
        let validator = jsonschema::validator_for(&alone).unwrap();
        let examples = property["examples"].as_array().into_iter().flatten();
        for value in property.get("default").into_iter().chain(examples) {
            assert!(validator.is_valid(value), "{key}: {value}");
        }
        if property.get("default").is_some() {
            defaults.insert(key.to_owned());
        }
    });
    let known = include_str!("../defaults.toml").lines();
    for (key, _) in known.filter_map(|line| line.split_once(" = ")) {
        // That of `probe` depends on another key.
        assert_eq!(defaults.contains(key), key != "probe", "{key}");
    }
}

#[test]
fn nothing_is_left_that_an_editor_does_not_know() {
    let schema = published();
    let text = schema.to_string();
    for keyword in ["oneOf", "anyOf", "allOf", "propertyNames", "format"] {
        assert!(!text.contains(&format!("\"{keyword}\":")), "{keyword}");
    }
    assert_eq!(schema["$id"], "urn:claviger:config:1");
    assert!(schema["$schema"].is_string() && schema["title"].is_string());
}
