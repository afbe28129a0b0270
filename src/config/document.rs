//! A TOML document in which every key's place is known.

use toml::de::{DeTable, DeValue};

use super::{error::Problem, suggest::quote};

/// A parsed document.
pub(super) struct Document<'i> {
    text: &'i str,
    root: DeTable<'i>,
}

/// Something wrong with a key, before its place in the text is looked up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Issue {
    /// From the root to the key; where the key is missing, to the table that lacks it.
    pub(super) path: Vec<String>,
    /// The whole message.
    pub(super) message: String,
}

impl<'i> Document<'i> {
    /// Parses.
    ///
    /// # Errors
    ///
    /// The first mistake in the TOML.
    pub(super) fn parse(text: &'i str) -> Result<Self, Problem> {
        match DeTable::parse(text) {
            Ok(root) => Ok(Self {
                text,
                root: root.into_inner(),
            }),
            // The error's `Display` would show the line, with whatever secret is in it.
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                let message = format!("is not TOML: {}", error.message().replace('`', "'"));
                Err(problem(text, offset, message))
            }
        }
    }

    /// The root table.
    pub(super) fn root(&self) -> &DeTable<'i> {
        &self.root
    }

    /// Finds the place of what is wrong.
    pub(super) fn locate(&self, issue: Issue) -> Problem {
        let mut offset = 0;
        let mut table = Some(&self.root);
        for name in &issue.path {
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
        problem(self.text, offset, issue.message)
    }
}

impl Issue {
    /// `'KEY' in [TABLE] WHAT`.
    pub(super) fn of_key(path: Vec<String>, what: &str) -> Self {
        let message = match path.split_last() {
            Some((key, [])) => format!("{} {what}", quote(key)),
            Some((key, tables)) => format!("{} in {} {what}", quote(key), header(tables)),
            None => format!("the file {what}"),
        };
        Self { path, message }
    }

    /// `[TABLE] WHAT`.
    pub(super) fn of_table(path: Vec<String>, what: &str) -> Self {
        let message = match path.as_slice() {
            [] => format!("the file {what}"),
            tables => format!("{} {what}", header(tables)),
        };
        Self { path, message }
    }
}

/// `[a.b]`.
pub(super) fn header(path: &[String]) -> String {
    format!("[{}]", path.join(".").escape_debug())
}

fn problem(text: &str, offset: usize, message: String) -> Problem {
    // The end of an unfinished document is a place too, and so is the middle of a character to a parser of bytes.
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Problem {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, path: &[&str]) -> (usize, usize) {
        let document = Document::parse(text).unwrap();
        let path = path.iter().map(|&name| name.to_owned()).collect();
        let problem = document.locate(Issue::of_key(path, ""));
        (problem.line, problem.column)
    }

    #[test]
    fn keys_are_found() {
        let text = "version = 1\n\n[source.a]\n  \"ü\" = 1\n  b = { c = 'ü', \"d\" = 2 }\n";
        assert_eq!(place(text, &["version"]), (1, 1));
        assert_eq!(place(text, &["source"]), (3, 2));
        assert_eq!(place(text, &["source", "a"]), (3, 9));
        assert_eq!(place(text, &["source", "a", "b"]), (5, 3));
        assert_eq!(place(text, &["source", "a", "b", "d"]), (5, 18));
    }

    #[test]
    fn what_is_missing_is_where_it_should_be() {
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
        assert!(problem.message.starts_with("is not TOML: "), "{problem}");
        assert!(!problem.message.contains("hunter2"), "{problem}");
    }
}
