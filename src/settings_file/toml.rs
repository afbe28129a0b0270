//! TOML.

use std::fmt;

use serde_json::Value;
use toml_edit::{Array, DocumentMut, Item, Table, TableLike};

use super::{EditError, SyntaxError, line_and_column};

/// A TOML document with its comments and white space.
pub(crate) struct TomlDocument {
    document: DocumentMut,
    /// Whether its lines end as on Windows, which the parser forgets.
    has_crlf: bool,
}

impl TomlDocument {
    pub(super) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let document = text.parse().map_err(|error: toml_edit::TomlError| {
            let offset = error.span().map_or(0, |span| span.start);
            let (line, column) = line_and_column(text, offset);
            // The parser's first line; others may quote the text.
            let problem = error.message().lines().next().unwrap_or_default();
            SyntaxError {
                line,
                column,
                problem: problem.to_owned(),
            }
        })?;
        Ok(Self {
            document,
            has_crlf: text.contains("\r\n"),
        })
    }

    pub(super) fn get(&self, path: &[String]) -> Option<Value> {
        let found = path.iter().try_fold(self.document.as_item(), |item, name| {
            item.as_table_like()?.get(name)
        });
        value_of(found?)
    }

    pub(super) fn set(&mut self, path: &[String], value: &Value) -> Result<(), EditError> {
        let Some((key, tables)) = path.split_last() else {
            return Err(EditError::NotATable(Vec::new()));
        };
        for depth in 1..=tables.len() {
            let found = tables[..depth]
                .iter()
                .try_fold(self.document.as_item(), |item, name| {
                    item.as_table_like()?.get(name)
                });
            if found.is_some_and(|table| !table.is_none() && !table.is_table_like()) {
                return Err(EditError::NotATable(tables[..depth].to_vec()));
            }
        }
        let mut table: &mut dyn TableLike = self.document.as_table_mut();
        for (depth, name) in tables.iter().enumerate() {
            let is_last = depth + 1 == tables.len();
            let item = table.entry(name).or_insert_with(|| {
                let mut new = Table::new();
                // A table that contains nothing but tables needs no header of its own.
                new.set_implicit(!is_last);
                Item::Table(new)
            });
            table = item
                .as_table_like_mut()
                .ok_or_else(|| EditError::NotATable(tables[..=depth].to_vec()))?;
        }
        let new = edited(value).ok_or_else(|| EditError::Form(path.to_vec()))?;
        match table.get_mut(key) {
            Some(Item::Value(old)) => {
                // A comment behind the value stays.
                let decor = old.decor().clone();
                *old = new;
                *old.decor_mut() = decor;
            }
            Some(_) => return Err(EditError::Form(path.to_vec())),
            None => {
                table.insert(key, Item::Value(new));
            }
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &[String]) {
        let Some((key, tables)) = path.split_last() else {
            return;
        };
        let table = tables.iter().try_fold(
            self.document.as_table_mut() as &mut dyn TableLike,
            |table, name| table.get_mut(name)?.as_table_like_mut(),
        );
        if let Some(table) = table {
            table.remove(key);
        }
    }
}

impl fmt::Display for TomlDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.has_crlf {
            true => f.write_str(&self.document.to_string().replace('\n', "\r\n")),
            false => self.document.fmt(f),
        }
    }
}

/// A value as JSON has it; dates become texts.
fn value_of(item: &Item) -> Option<Value> {
    if let Some(table) = item.as_table_like() {
        let keys = table.iter();
        let keys = keys.filter_map(|(key, item)| Some((key.to_owned(), value_of(item)?)));
        return Some(Value::Object(keys.collect()));
    }
    if let Some(tables) = item.as_array_of_tables() {
        let tables = tables.iter().map(|table| Item::Table(table.clone()));
        return tables.map(|table| value_of(&table)).collect();
    }
    plain(item.as_value()?)
}

fn plain(value: &toml_edit::Value) -> Option<Value> {
    Some(match value {
        toml_edit::Value::String(text) => text.value().as_str().into(),
        toml_edit::Value::Integer(number) => (*number.value()).into(),
        toml_edit::Value::Float(number) => (*number.value()).into(),
        toml_edit::Value::Boolean(value) => (*value.value()).into(),
        toml_edit::Value::Datetime(date) => date.value().to_string().into(),
        toml_edit::Value::Array(values) => values.iter().map(plain).collect::<Option<_>>()?,
        toml_edit::Value::InlineTable(_) => return value_of(&Item::Value(value.clone())),
    })
}

/// A value as TOML has it; `None` if TOML has none such.
fn edited(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null | Value::Object(_) => return None,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => values.iter().map(edited).collect::<Option<Array>>()?.into(),
    })
}
