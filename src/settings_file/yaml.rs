//! YAML: block mappings are edited line by line, and the parser checks the result: an edit that
//! changes anything but its own key is refused.

use std::{fmt, ops::Range};

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value};

use super::{EditError, SyntaxError};

/// The indentation of a table's keys, if the table has none yet.
const INDENT: usize = 2;

/// A YAML document: its text, and what it means.
pub(crate) struct YamlDocument {
    text: String,
    value: Value,
}

/// The lines of one key: its own, and those of its value.
struct Block {
    lines: Range<usize>,
    indent: usize,
}

impl YamlDocument {
    pub(super) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let documents = Yaml::load_from_str(text).map_err(|error| SyntaxError {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            problem: error.info().to_owned(),
        })?;
        let value = match documents.as_slice() {
            [] => Value::Null,
            [document] => value_of(document),
            _ => return Err(at_start("expected one document")),
        };
        if !matches!(value, Value::Null | Value::Object(_)) {
            return Err(at_start("expected a mapping"));
        }
        let text = text.to_owned();
        Ok(Self { text, value })
    }

    pub(super) fn get(&self, path: &[String]) -> Option<Value> {
        let found = path
            .iter()
            .try_fold(&self.value, |value, name| value.get(name));
        found.cloned()
    }

    pub(super) fn set(&mut self, path: &[String], value: &Value) -> Result<(), EditError> {
        let mut expected = self.value.clone();
        if !insert(&mut expected, path, value.clone()) {
            return Err(EditError::NotATable(path[..path.len() - 1].to_vec()));
        }
        let form = || EditError::Form(path.to_vec());
        let mut lines: Vec<String> = self.text.split_inclusive('\n').map(str::to_owned).collect();
        let end = if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
            last.push_str(end);
        }
        if let Some(found) = find(&lines, path) {
            let (key, _) = path.split_last().ok_or_else(form)?;
            let line = format!("{}{key}: {value}{end}", " ".repeat(found.indent));
            lines.splice(found.lines, [line]);
        } else {
            let known = (1..path.len()).rev().find_map(|depth| {
                let block = find(&lines, &path[..depth])?;
                Some((depth, block))
            });
            let (depth, at, mut indent) = match known {
                Some((depth, block)) => {
                    open(&mut lines[block.lines.start]);
                    let indent = child_indent(&lines, &block).unwrap_or(block.indent + INDENT);
                    (depth, block.lines.end, indent)
                }
                None => (0, lines.len(), 0),
            };
            let mut new = Vec::new();
            for (name, is_last) in path[depth..].iter().zip(depth + 1..) {
                let value = match is_last == path.len() {
                    true => format!(" {value}"),
                    false => String::new(),
                };
                new.push(format!("{}{name}:{value}{end}", " ".repeat(indent)));
                indent += INDENT;
            }
            lines.splice(at..at, new);
        }
        self.replace(lines.concat(), expected).ok_or_else(form)
    }

    pub(super) fn remove(&mut self, path: &[String]) -> Result<(), EditError> {
        if self.get(path).is_none() {
            return Ok(());
        }
        let form = || EditError::Form(path.to_vec());
        let (key, tables) = path.split_last().ok_or_else(form)?;
        let mut expected = self.value.clone();
        let table = tables
            .iter()
            .try_fold(&mut expected, |value, name| value.get_mut(name));
        let keys = table.and_then(Value::as_object_mut).ok_or_else(form)?;
        keys.remove(key);
        let is_emptied = keys.is_empty();
        let mut lines: Vec<String> = self.text.split_inclusive('\n').map(str::to_owned).collect();
        let found = find(&lines, path).ok_or_else(form)?;
        lines.drain(found.lines);
        if is_emptied && let Some(table) = find(&lines, tables) {
            close(&mut lines[table.lines.start]);
        }
        self.replace(lines.concat(), expected).ok_or_else(form)
    }

    /// Replaces the text, if it means what is expected.
    fn replace(&mut self, text: String, expected: Value) -> Option<()> {
        let new = Self::parse(&text).ok()?;
        let is_expected = match &expected {
            // Nothing is left of a document but comments.
            Value::Object(keys) if keys.is_empty() => matches!(new.value, Value::Null),
            _ => new.value == expected,
        };
        is_expected.then(|| *self = new)
    }
}

impl fmt::Display for YamlDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn at_start(problem: &str) -> SyntaxError {
    SyntaxError {
        line: 1,
        column: 1,
        problem: problem.to_owned(),
    }
}

/// Sets the value at `path`. Returns whether everything on the way is a table.
fn insert(value: &mut Value, path: &[String], new: Value) -> bool {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    let Some(keys) = value.as_object_mut() else {
        return false;
    };
    match path {
        [] => false,
        [key] => {
            keys.insert(key.clone(), new);
            true
        }
        [name, rest @ ..] => insert(keys.entry(name).or_insert(Value::Null), rest, new),
    }
}

/// The block of the key at `path`.
fn find(lines: &[String], path: &[String]) -> Option<Block> {
    let mut within = 0..lines.len();
    let mut found = None;
    for name in path {
        let indent = within.clone().find_map(|at| indent(&lines[at]))?;
        let start = within.clone().find(|at| {
            let line = &lines[*at];
            self::indent(line) == Some(indent) && key(line) == Some(name)
        })?;
        let next = (start + 1..within.end)
            .find(|at| self::indent(&lines[*at]).is_some_and(|other| other <= indent));
        // Blank lines and comments before the next key are that key's.
        let mut end = next.unwrap_or(within.end);
        while end > start + 1 && self::indent(&lines[end - 1]).is_none() {
            end -= 1;
        }
        within = start + 1..end;
        found = Some(Block {
            lines: start..end,
            indent,
        });
    }
    found
}

/// The indentation of a line; `None` for a blank one, a comment, or the mark of a document.
fn indent(line: &str) -> Option<usize> {
    let text = line.trim_start_matches(' ');
    let is_content = !text.trim().is_empty() && !text.starts_with('#') && !text.starts_with("---");
    is_content.then(|| line.len() - text.len())
}

/// The key that a line starts with, without quotes.
fn key(line: &str) -> Option<&str> {
    let (key, value) = line.trim_start().split_once(':')?;
    let is_key = value.is_empty() || value.starts_with([' ', '\r', '\n']);
    is_key.then(|| key.trim_end().trim_matches(['"', '\'']))
}

fn child_indent(lines: &[String], block: &Block) -> Option<usize> {
    let mut children = block.lines.start + 1..block.lines.end;
    children.find_map(|at| indent(&lines[at]))
}

/// Makes the line of a table without keys, `name: {}`, one that keys may follow.
fn open(line: &mut String) {
    if let Some((start, end)) = line.split_once(": {}") {
        *line = format!("{start}:{end}");
    }
}

/// The reverse of [`open`], for a table whose last key was removed.
fn close(line: &mut String) {
    if let Some((start, end)) = line.split_once(':')
        && end.trim().is_empty()
    {
        *line = format!("{start}: {{}}{end}");
    }
}

/// A value as JSON has it. Keys that are not texts are left out: no setting needs one.
fn value_of(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
        Yaml::Value(Scalar::Integer(number)) => (*number).into(),
        Yaml::Value(Scalar::FloatingPoint(number)) => number.into_inner().into(),
        Yaml::Value(Scalar::String(text)) => text.as_ref().into(),
        Yaml::Sequence(values) => values.iter().map(value_of).collect(),
        Yaml::Mapping(keys) => {
            let keys = keys.iter();
            let keys =
                keys.filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value_of(value))));
            Value::Object(keys.collect())
        }
        Yaml::Tagged(_, value) => value_of(value),
        _ => Value::Null,
    }
}
