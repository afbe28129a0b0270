//! A TOML document in which the place of every key is known.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::Problem,
    layer::{self, Layer, table_at},
    suggest::quote,
};

/// A parsed document, and the values that were put under those of the file.
pub(super) struct Document<'i> {
    text: &'i str,
    root: DeTable<'i>,
    /// The values that are not in the file, each with everything below it.
    added: Vec<(Vec<String>, Layer)>,
}

/// A mistake in the document, by key; [`Document::locate`] finds its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Diagnostic {
    /// From the root to the key; if the key is missing, to the table that lacks it.
    path: Vec<String>,
    /// The whole message.
    message: String,
}

impl<'i> Document<'i> {
    /// Parses TOML.
    ///
    /// # Errors
    ///
    /// The first mistake in the syntax.
    pub(super) fn parse(text: &'i str) -> Result<Self, Problem> {
        match DeTable::parse(text) {
            Ok(root) => Ok(Self {
                text,
                root: root.into_inner(),
                added: Vec::new(),
            }),
            // The error's `Display` would show the line, with whatever secret it contains.
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                let message = format!("invalid TOML: {}", error.message().replace('`', "'"));
                Err(problem(text, offset, message))
            }
        }
    }

    /// The root table.
    pub(super) fn root(&self) -> &DeTable<'i> {
        &self.root
    }

    /// The root table, whose values a caller may replace by others in the same places.
    pub(super) fn root_mut(&mut self) -> &mut DeTable<'i> {
        &mut self.root
    }

    /// The root table with its place, for deserialization.
    pub(super) fn to_spanned(&self) -> Spanned<DeTable<'i>> {
        Spanned::new(0..self.text.len(), self.root.clone())
    }

    /// Puts `below` under the table at `path`: a key that the table has stays, tables are merged
    /// key by key. The place of what is added is that of `key` in this table, or else the table's.
    pub(super) fn put_under(
        &mut self,
        path: &[String],
        key: &str,
        below: &DeTable<'static>,
        layer: Layer,
    ) {
        let mut added = Vec::new();
        if let Some((place, table)) = table_at(&mut self.root, path) {
            let place = table
                .get_key_value(key)
                .map_or(place, |(key, _)| key.span());
            layer::put_under(table, below, &place, &mut path.to_vec(), &mut added);
        }
        self.added
            .extend(added.into_iter().map(|path| (path, layer)));
    }

    /// The layer that the value at `path` is from; `None` if it is in the file.
    pub(super) fn layer(&self, path: &[String]) -> Option<Layer> {
        let mut added = self.added.iter();
        added
            .find(|(added, _)| path.starts_with(added))
            .map(|(_, layer)| *layer)
    }

    /// The line and column of a key's place.
    pub(super) fn place(&self, key: &Spanned<impl Sized>) -> (usize, usize) {
        line_and_column(self.text, key.span().start)
    }

    /// Finds the line and column of the key: of the innermost table on its path if it is missing.
    /// The message about a value that is not in the file says what it is from.
    pub(super) fn locate(&self, diagnostic: Diagnostic) -> Problem {
        let mut offset = 0;
        let mut table = Some(&self.root);
        for name in &diagnostic.path {
            let Some((key, value)) = table.and_then(|table| table.get_key_value(name.as_str()))
            else {
                break;
            };
            offset = key.span().start;
            table = match value.get_ref() {
                DeValue::Table(table) => Some(table),
                _ => None,
            };
        }
        let message = match self.layer(&diagnostic.path) {
            Some(layer) => format!("{} (from {layer})", diagnostic.message),
            None => diagnostic.message,
        };
        problem(self.text, offset, message)
    }
}

impl Diagnostic {
    /// `'KEY' in [TABLE]: PROBLEM`, at the key.
    pub(super) fn of_key(path: Vec<String>, problem: &str) -> Self {
        let message = match path.split_last() {
            Some((key, tables)) => format!("{}{}: {problem}", quote(key), in_table(tables)),
            None => problem.to_owned(),
        };
        Self { path, message }
    }

    /// `[TABLE]: PROBLEM`, at the table.
    pub(super) fn of_table(path: Vec<String>, problem: &str) -> Self {
        let message = match path.as_slice() {
            [] => problem.to_owned(),
            tables => format!("{}: {problem}", header(tables)),
        };
        Self { path, message }
    }

    /// From the root to the key; if the key is missing, to the table that lacks it.
    #[cfg(test)]
    pub(super) fn path(&self) -> &[String] {
        &self.path
    }

    /// `missing WHAT in [TABLE]`, at the table.
    pub(super) fn missing(path: Vec<String>, what: &str, expected: &str) -> Self {
        let message = format!("missing {what}{}{expected}", in_table(&path));
        Self { path, message }
    }

    /// `unknown key 'KEY' in [TABLE]`, at the key.
    pub(super) fn unknown(path: Vec<String>, expected: &str) -> Self {
        let (key, tables) = path
            .split_last()
            .map_or(("", &[][..]), |(key, tables)| (key.as_str(), tables));
        let message = format!("unknown key {}{}{expected}", quote(key), in_table(tables));
        Self { path, message }
    }
}

/// ` in [a.b]`; nothing for the root.
fn in_table(path: &[String]) -> String {
    match path {
        [] => String::new(),
        tables => format!(" in {}", header(tables)),
    }
}

/// `[a.b]`.
fn header(path: &[String]) -> String {
    format!("[{}]", path.join(".").escape_debug())
}

fn problem(text: &str, offset: usize, message: String) -> Problem {
    let (line, column) = line_and_column(text, offset);
    Problem {
        line,
        column,
        message,
    }
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    // The parser counts bytes, and may report the end of an unfinished document.
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[line_start..].chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, path: &[&str]) -> (usize, usize) {
        let document = Document::parse(text).unwrap();
        let path = path.iter().map(|&name| name.to_owned()).collect();
        let problem = document.locate(Diagnostic::of_key(path, ""));
        (problem.line, problem.column)
    }

    #[test]
    fn keys_are_located() {
        let text = "version = 1\n\n[source.a]\n  \"ü\" = 1\n  b = { c = 'ü', \"d\" = 2 }\n";
        assert_eq!(place(text, &["version"]), (1, 1));
        assert_eq!(place(text, &["source"]), (3, 2));
        assert_eq!(place(text, &["source", "a"]), (3, 9));
        assert_eq!(place(text, &["source", "a", "b"]), (5, 3));
        assert_eq!(place(text, &["source", "a", "b", "d"]), (5, 18));
    }

    #[test]
    fn a_missing_key_is_located_at_its_table() {
        let text = "\n[source.a]\nb = 1\n";
        assert_eq!(place(text, &["source", "a", "x"]), (2, 9));
        assert_eq!(place(text, &["source", "a", "b", "x"]), (3, 1));
        assert_eq!(place(text, &["x"]), (1, 1));
    }

    #[test]
    fn a_mistake_in_the_toml_does_not_show_the_line() {
        let Err(problem) = Document::parse("version = 1\ntoken = \"hunter2") else {
            panic!("parsed");
        };
        assert_eq!((problem.line, problem.column), (2, 17));
        assert!(problem.message.starts_with("invalid TOML: "), "{problem}");
        assert!(!problem.message.contains("hunter2"), "{problem}");
    }
}
