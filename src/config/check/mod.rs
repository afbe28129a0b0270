//! Checks a document against the schema: unknown keys, missing keys, wrong types and values that
//! break the rule of their field, all of them at once. The schema that is published is made of the
//! one that is checked, so the two cannot differ.

mod expected;

use serde_json::{Map, Value};
use toml::de::{DeInteger, DeTable, DeValue};

pub(super) use self::expected::constants;
use self::expected::{Kind, bounds, describe, kind_of, names};
use super::{
    document::Diagnostic,
    field,
    suggest::{nearest, one_of, quote, suggest},
};

/// Values of the interface that a later version supports.
const LATER_VALUES: [(&str, &str); 1] = [("type", "exchange")];

/// The longest number that is shown as it is, in bytes: one that fits is shorter.
const MAX_NUMBER: usize = 40;

/// Keys that suggest that their value is a secret itself.
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

/// Every mistake in `root` by `schema`.
///
/// It knows the part of JSON Schema that `schemars` makes of [`super::table`]: `$ref`, closed
/// tables, maps, variants that differ in one constant, enumerations, strings with a format,
/// booleans, arrays and integers with bounds.
pub(super) fn check(schema: &Value, root: &DeTable<'_>) -> Vec<Diagnostic> {
    let mut checker = Checker {
        root: schema,
        path: Vec::new(),
        diagnostics: Vec::new(),
    };
    checker.table(schema, root);
    checker.diagnostics
}

struct Checker<'s> {
    root: &'s Value,
    path: Vec<String>,
    diagnostics: Vec<Diagnostic>,
}

impl<'s> Checker<'s> {
    fn value(&mut self, schema: &'s Value, value: &DeValue<'_>) {
        let schema = self.resolve(schema);
        match (Kind::of(schema), value) {
            (Kind::Table, DeValue::Table(table)) => self.table(schema, table),
            (Kind::String | Kind::StringOrList, DeValue::String(text)) => {
                self.string(schema, text);
            }
            (Kind::Integer, DeValue::Integer(integer)) => self.integer(schema, integer),
            (Kind::List | Kind::StringOrList, DeValue::Array(array)) => {
                if array.is_empty() && schema.get("minItems").is_some() {
                    self.error("must not be empty");
                }
                for (at, item) in array.iter().enumerate() {
                    let item_schema = schema["prefixItems"].get(at).unwrap_or(&schema["items"]);
                    self.value(item_schema, item.get_ref());
                }
            }
            (Kind::Boolean, DeValue::Boolean(_)) => {}
            (Kind::Any, _) => self.json(value),
            _ => {
                let expected = describe(schema);
                self.error(&format!("expected {expected}, got {}", kind_of(value)));
            }
        }
    }

    fn table(&mut self, schema: &'s Value, table: &DeTable<'_>) {
        let Some(schema) = self.variant(schema, table) else {
            return;
        };
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        let name_format = schema["propertyNames"]["format"].as_str();
        for (key, value) in table {
            let key = key.get_ref().as_ref();
            if let Some(Err(problem)) = name_format.map(|format| field::check(format, key)) {
                self.within(key, |checker| checker.error(&problem));
            }
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
            self.error_of_table("expected at least one entry, got none");
        }
    }

    /// The variant of `schema` that `table` is, by the one key that has a constant in each variant;
    /// `schema` itself if it has no variants.
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
                let (expected, got) = (one_of(&names), kind_of(value));
                self.within(tag, |checker| {
                    checker.error(&format!("expected {expected}, got {got}"));
                });
                None
            }
            None => {
                let expected = format!("; expected {}", one_of(&names));
                self.missing_key(&format!("'{tag}'"), &expected);
                None
            }
        }
    }

    fn string(&mut self, schema: &Value, text: &str) {
        let names = names(schema);
        if !names.is_empty() {
            if !names.contains(&text) {
                self.not_among(text, &names);
            }
            return;
        }
        if text.is_empty() && schema.get("minLength").is_some() {
            self.error("must not be empty");
        } else if let Some(format) = schema["format"].as_str()
            && let Err(problem) = field::check(format, text)
        {
            self.error(&problem);
        }
    }

    fn integer(&mut self, schema: &Value, integer: &DeInteger<'_>) {
        let (min, max) = bounds(schema);
        let value = i64::from_str_radix(integer.as_str(), integer.radix());
        if !value.is_ok_and(|value| (min..=max).contains(&value)) {
            let expected = expected::range(min, max);
            self.error(&format!(
                "expected {expected}, got {}",
                shown(integer.as_str())
            ));
        }
    }

    /// Checks a value that is passed on as JSON, which has neither dates nor infinities.
    fn json(&mut self, value: &DeValue<'_>) {
        match value {
            DeValue::Datetime(_) => {
                self.error("expected a number (seconds since 1970) or a string, got a date");
            }
            DeValue::Float(float) if !float.as_str().parse().is_ok_and(f64::is_finite) => {
                self.error("expected a finite number");
            }
            DeValue::Integer(integer)
                if i64::from_str_radix(integer.as_str(), integer.radix()).is_err() =>
            {
                self.error("expected a number of at most 64 bits");
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
        let references = [format!("{key}_file"), format!("{key}_env")];
        let references: Vec<_> = references
            .iter()
            .filter(|key| properties.contains_key(*key))
            .collect();
        let keychain = key.strip_suffix("_keychain");
        self.within(key, |checker| match keychain {
            Some(key) => {
                let references = one_of(&[format!("{key}_file"), format!("{key}_env")]);
                checker.error(&format!("not supported by this version; use {references}"));
            }
            None if !references.is_empty() => checker.error(&format!(
                "a secret does not belong in this file; use {}",
                one_of(&references)
            )),
            None if LITERAL_SECRETS.contains(&key) => checker.error(
                "a secret does not belong in this file; use a key that ends in '_file' or '_env'",
            ),
            None => {
                let hint = suggest(key, properties.keys().map(String::as_str));
                let diagnostic = Diagnostic::unknown(checker.path.clone(), &hint);
                checker.diagnostics.push(diagnostic);
            }
        });
    }

    fn missing(&mut self, key: &str, schema: &'s Value) {
        let schema = self.resolve(schema);
        if schema.get("minProperties").is_some() {
            self.missing_key(&format!("[{key}.NAME]"), "; expected at least one");
        } else if schema.get("minimum").is_some() || !names(schema).is_empty() {
            let expected = format!("; expected {}", describe(schema));
            self.missing_key(&format!("'{key}'"), &expected);
        } else {
            self.missing_key(&format!("'{key}'"), "");
        }
    }

    fn missing_key(&mut self, what: &str, expected: &str) {
        let diagnostic = Diagnostic::missing(self.path.clone(), what, expected);
        self.diagnostics.push(diagnostic);
    }

    fn not_among(&mut self, value: &str, names: &[&str]) {
        let key = self.path.last().map_or("", String::as_str);
        let expected = one_of(names);
        if LATER_VALUES.contains(&(key, value)) {
            self.error(&format!(
                "{} is not supported by this version; expected {expected}",
                quote(value)
            ));
            return;
        }
        let hint = match nearest(value, names) {
            // The source of tokens has a key 'token' with two values, and a reader may take it for
            // the place of the token.
            None if LITERAL_SECRETS.contains(&key) => {
                self.error(&format!(
                    "expected {expected}, got another value; a secret does not belong in this file"
                ));
                return;
            }
            hint => hint.map_or(String::new(), |name| format!("; did you mean '{name}'?")),
        };
        self.error(&format!("expected {expected}, got {}{hint}", quote(value)));
    }

    fn error(&mut self, problem: &str) {
        let diagnostic = Diagnostic::of_key(self.path.clone(), problem);
        self.diagnostics.push(diagnostic);
    }

    fn error_of_table(&mut self, problem: &str) {
        let diagnostic = Diagnostic::of_table(self.path.clone(), problem);
        self.diagnostics.push(diagnostic);
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

/// A number as it is written. The parser goes on after a wrong one, so that it can be any text.
fn shown(number: &str) -> String {
    let is_number = number
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "+-_".contains(c));
    match is_number && number.len() <= MAX_NUMBER {
        true => number.to_owned(),
        false => quote(number),
    }
}
