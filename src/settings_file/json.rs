//! JSON with comments and trailing commas, which the clients that write JSON permit.

use std::fmt;

use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstObject, CstObjectProp, CstRootNode},
};
use serde_json::Value;

use super::{EditError, SyntaxError, line_and_column};

/// What is permitted beside RFC 8259: no more than the clients' own parsers.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// A JSON document, as a tree that contains every byte.
pub(crate) struct JsonDocument(CstRootNode);

impl JsonDocument {
    pub(super) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let root = CstRootNode::parse(text, &OPTIONS).map_err(|error| {
            let (line, column) = line_and_column(text, error.range().start);
            let problem = error.kind().to_string();
            SyntaxError {
                line,
                column,
                problem: problem.to_lowercase(),
            }
        })?;
        match root.value() {
            None => {
                root.object_value_or_set();
            }
            Some(value) if value.as_object().is_some() => {}
            Some(_) => {
                return Err(SyntaxError {
                    line: 1,
                    column: 1,
                    problem: "expected an object".to_owned(),
                });
            }
        }
        Ok(Self(root))
    }

    pub(super) fn get(&self, path: &[String]) -> Option<Value> {
        self.property(path)?.to_serde_value()
    }

    pub(super) fn set(&mut self, path: &[String], value: &Value) -> Result<(), EditError> {
        let Some((key, tables)) = path.split_last() else {
            return Err(EditError::NotATable(Vec::new()));
        };
        for depth in 1..=tables.len() {
            let found = self.property(&tables[..depth]);
            if found.is_some_and(|table| table.object_value().is_none()) {
                return Err(EditError::NotATable(tables[..depth].to_vec()));
            }
        }
        let object = tables
            .iter()
            .fold(self.0.object_value_or_set(), |object, name| {
                object.object_value_or_set(name)
            });
        match object.get(key) {
            Some(property) => property.set_value(input(value)),
            None => {
                object.append(key, input(value));
            }
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &[String]) {
        if let Some(property) = self.property(path) {
            property.remove();
        }
    }

    fn property(&self, path: &[String]) -> Option<CstObjectProp> {
        let (key, tables) = path.split_last()?;
        let object = tables
            .iter()
            .try_fold(self.0.object_value()?, |object: CstObject, name| {
                object.object_value(name)
            });
        object?.get(key)
    }
}

impl fmt::Display for JsonDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        // A new file ends as a text file does.
        let end = if text.ends_with('\n') || self.0.children().len() > 1 {
            ""
        } else {
            "\n"
        };
        write!(f, "{text}{end}")
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(values) => CstInputValue::Array(values.iter().map(input).collect()),
        Value::Object(keys) => {
            let keys = keys.iter().map(|(key, value)| (key.clone(), input(value)));
            CstInputValue::Object(keys.collect())
        }
    }
}
