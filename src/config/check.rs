//! Holds a document against the schema: unknown keys, missing keys, wrong types, values out of range, all of them at
//! once. The schema that is published is the one that is checked, so neither can say what the other does not.

use serde_json::{Map, Value};
use toml::de::{DeInteger, DeTable, DeValue};

use super::{
    document::{Issue, header},
    suggest::{list, quote, suggest},
};

/// Values that the interface describes and a later version will take.
const LATER_VALUES: [(&str, &str); 2] = [("type", "oauth"), ("method", "oidc")];

/// Keys in which someone may have put a secret itself.
const LITERAL_SECRETS: [&str; 8] = [
    "token",
    "password",
    "secret_id",
    "key",
    "jwt",
    "secret",
    "client_secret",
    "api_key",
];

/// Everything that is wrong with `root` by `schema`.
///
/// It knows the part of JSON Schema that `schemars` makes of [`super::raw`]: `$ref`, closed tables, maps, variants that
/// one constant tells apart, enumerations, strings, booleans, arrays and integers with bounds.
pub(super) fn check(schema: &Value, root: &DeTable<'_>) -> Vec<Issue> {
    let mut checker = Checker {
        root: schema,
        path: Vec::new(),
        issues: Vec::new(),
    };
    checker.table(schema, root);
    checker.issues
}

struct Checker<'s> {
    root: &'s Value,
    path: Vec<String>,
    issues: Vec<Issue>,
}

impl<'s> Checker<'s> {
    fn value(&mut self, schema: &'s Value, value: &DeValue<'_>) {
        let schema = self.resolve(schema);
        match (expected(schema), value) {
            ("a table", DeValue::Table(table)) => self.table(schema, table),
            ("a string", DeValue::String(text)) => self.string(schema, text),
            ("an integer", DeValue::Integer(integer)) => self.integer(schema, integer),
            ("an array", DeValue::Array(array)) => {
                if array.is_empty() && schema.get("minItems").is_some() {
                    self.wrong("is empty");
                }
                for item in array.iter() {
                    self.value(&schema["items"], item.get_ref());
                }
            }
            ("a boolean", DeValue::Boolean(_)) => {}
            ("anything", _) => self.json(value),
            (expected, _) => self.wrong(&format!("is {}; it takes {expected}", kind(value))),
        }
    }

    fn table(&mut self, schema: &'s Value, table: &DeTable<'_>) {
        let Some(schema) = self.variant(schema, table) else {
            return;
        };
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, value) in table {
            let key = key.get_ref().as_ref();
            let others = &schema["additionalProperties"];
            let known = properties.and_then(|properties| properties.get(key));
            match known.or_else(|| others.is_object().then_some(others)) {
                Some(schema) => self.within(key, |checker| checker.value(schema, value.get_ref())),
                None if others == &Value::Bool(true) => {
                    self.within(key, |checker| checker.json(value.get_ref()));
                }
                None => self.unknown(key, properties.unwrap_or(&none)),
            }
        }
        for key in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !table.contains_key(key) {
                self.missing(key, &schema["properties"][key]);
            }
        }
        if table.is_empty() && schema.get("minProperties").is_some() {
            self.issues.push(Issue::of_table(
                self.path.clone(),
                "is empty; it takes one entry at least",
            ));
        }
    }

    /// The variant of `schema` that `table` is, by the one key that has a constant in each; `schema` where it has none.
    fn variant(&mut self, schema: &'s Value, table: &DeTable<'_>) -> Option<&'s Value> {
        let Some(variants) = schema.get("oneOf").and_then(Value::as_array) else {
            return Some(schema);
        };
        let (tag, _) = constants(variants.first()?).next()?;
        let names: Vec<_> = variants
            .iter()
            .flat_map(constants)
            .map(|(_, name)| name)
            .collect();
        match table.get(tag).map(|value| value.get_ref()) {
            Some(DeValue::String(name)) => {
                let at = names.iter().position(|known| known == name);
                if at.is_none() {
                    self.within(tag, |checker| checker.not_among(name, &names));
                }
                variants.get(at?)
            }
            Some(value) => {
                self.within(tag, |checker| {
                    checker.wrong(&format!("is {}; it takes a string", kind(value)));
                });
                None
            }
            None => {
                let what = format!("has no '{tag}'; it takes {}", list(&names));
                self.issues.push(Issue::of_table(self.path.clone(), &what));
                None
            }
        }
    }

    fn string(&mut self, schema: &Value, text: &str) {
        let names = names(schema);
        if !names.is_empty() && !names.contains(&text) {
            self.not_among(text, &names);
        }
        if text.is_empty() {
            self.wrong("is empty");
        }
    }

    fn integer(&mut self, schema: &Value, integer: &DeInteger<'_>) {
        let (min, max) = bounds(schema);
        let value = i64::from_str_radix(integer.as_str(), integer.radix());
        if !value.is_ok_and(|value| (min..=max).contains(&value)) {
            self.wrong(&format!(
                "is {}; it takes {}",
                integer.as_str(),
                range(min, max)
            ));
        }
    }

    /// What is handed on as JSON, which has neither dates nor infinities.
    fn json(&mut self, value: &DeValue<'_>) {
        match value {
            DeValue::Datetime(_) => {
                self.wrong("is a date; it takes a number (seconds since 1970) or a string");
            }
            DeValue::Float(float) if !float.as_str().parse().is_ok_and(f64::is_finite) => {
                self.wrong("is a number that JSON does not have");
            }
            DeValue::Integer(integer)
                if i64::from_str_radix(integer.as_str(), integer.radix()).is_err() =>
            {
                self.wrong("is a number of more than 64 bits");
            }
            DeValue::Array(array) => array.iter().for_each(|item| self.json(item.get_ref())),
            DeValue::Table(table) => {
                for (key, value) in table {
                    self.within(key.get_ref(), |checker| checker.json(value.get_ref()));
                }
            }
            _ => {}
        }
    }

    fn unknown(&mut self, key: &str, properties: &Map<String, Value>) {
        let named = [format!("{key}_file"), format!("{key}_env")];
        let named: Vec<_> = named
            .iter()
            .filter(|key| properties.contains_key(*key))
            .collect();
        let keychain = key.strip_suffix("_keychain");
        self.within(key, |checker| match keychain {
            Some(key) => checker.wrong(&format!(
                "is a key that this version does not have yet; it takes {}",
                list(&[format!("{key}_file"), format!("{key}_env")])
            )),
            None if !named.is_empty() => checker.wrong(&format!(
                "would hold the secret itself, which does not belong in this file; it takes {}",
                list(&named)
            )),
            None if LITERAL_SECRETS.contains(&key) => {
                checker.wrong(
                    "would hold a secret itself, which does not belong in this file; \
                     a key with '_file' or '_env' at its end names where one is",
                );
            }
            None => {
                let place = match checker.path.split_last() {
                    Some((_, tables)) if !tables.is_empty() => format!(" in {}", header(tables)),
                    _ => String::new(),
                };
                let hint = suggest(key, properties.keys().map(String::as_str), "the keys are");
                checker.issues.push(Issue {
                    path: checker.path.clone(),
                    message: format!("unknown key {}{place}{hint}", quote(key)),
                });
            }
        });
    }

    fn missing(&mut self, key: &str, schema: &Value) {
        let what = if schema.get("minProperties").is_some() {
            format!("has no [{key}.NAME]; it takes one at least")
        } else if schema.get("minimum").is_some() {
            let (min, max) = bounds(schema);
            format!("has no '{key}'; it takes {}", range(min, max))
        } else {
            let names = names(self.resolve(schema));
            let takes = if names.is_empty() {
                String::new()
            } else {
                format!("; it takes {}", list(&names))
            };
            format!("has no '{key}'{takes}")
        };
        self.issues.push(Issue::of_table(self.path.clone(), &what));
    }

    fn not_among(&mut self, value: &str, names: &[&str]) {
        let key = self.path.last().map_or("", String::as_str);
        let later = LATER_VALUES.contains(&(key, value));
        let later = if later {
            ", which this version does not have yet"
        } else {
            ""
        };
        let nearest = super::suggest::nearest(value, names);
        let nearest = nearest.map_or(String::new(), |name| format!("; did you mean '{name}'?"));
        self.wrong(&format!(
            "is {}{later}; it takes {}{nearest}",
            quote(value),
            list(names)
        ));
    }

    fn wrong(&mut self, what: &str) {
        self.issues.push(Issue::of_key(self.path.clone(), what));
    }

    fn within(&mut self, key: &str, check: impl FnOnce(&mut Self)) {
        self.path.push(key.to_owned());
        check(self);
        self.path.pop();
    }

    fn resolve(&self, schema: &'s Value) -> &'s Value {
        let target = schema.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|target| self.root.pointer(target.trim_start_matches('#')));
        target.unwrap_or(schema)
    }
}

/// What a schema takes, as [`kind`] calls it.
fn expected(schema: &Value) -> &'static str {
    match schema["type"].as_str() {
        Some("object") => "a table",
        Some("string") => "a string",
        Some("integer") => "an integer",
        Some("array") => "an array",
        Some("boolean") => "a boolean",
        _ if !names(schema).is_empty() => "a string",
        _ if schema.get("oneOf").is_some() => "a table",
        _ => "anything",
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// The strings that an enumeration takes; none where `schema` is something else.
fn names(schema: &Value) -> Vec<&str> {
    let plain = schema["enum"].as_array().into_iter().flatten();
    let described = schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|variant| &variant["const"]);
    plain.chain(described).filter_map(Value::as_str).collect()
}

/// The keys that can have one value only in a table, with that value.
fn constants(schema: &Value) -> impl Iterator<Item = (&str, &str)> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.filter_map(|(key, schema)| Some((key.as_str(), schema["const"].as_str()?)))
}

fn bounds(schema: &Value) -> (i64, i64) {
    (
        schema["minimum"].as_i64().unwrap_or(i64::MIN),
        schema["maximum"].as_i64().unwrap_or(i64::MAX),
    )
}

fn range(min: i64, max: i64) -> String {
    match max.checked_sub(min) {
        Some(0) => format!("{min}"),
        Some(1) => format!("{min} and {max}"),
        _ => format!("{min} to {max}"),
    }
}
