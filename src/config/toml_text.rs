//! Writes values as TOML, one table after the other.

use toml::Value;

/// A key, from the root, its value and perhaps a comment about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// At least the key itself.
    pub(crate) path: Vec<String>,
    /// Not a table.
    pub(crate) value: Value,
    /// Follows the value.
    pub(crate) comment: Option<String>,
}

/// The document that consists of `entries`. Tables, and the keys of each, are in the order of their
/// first entries.
pub(crate) fn to_toml(entries: &[Entry]) -> String {
    let mut tables: Vec<(&[String], Vec<&Entry>)> = Vec::new();
    for entry in entries {
        let table = &entry.path[..entry.path.len().saturating_sub(1)];
        match tables.iter_mut().find(|(known, _)| *known == table) {
            Some((_, entries)) => entries.push(entry),
            None => tables.push((table, vec![entry])),
        }
    }
    // The keys of the root must be written before the first header.
    tables.sort_by_key(|(table, _)| !table.is_empty());
    let mut text = String::new();
    for (table, entries) in tables {
        if !table.is_empty() {
            let header: Vec<_> = table.iter().map(|name| key(name)).collect();
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}[{}]\n", header.join(".")));
        }
        for Entry {
            path,
            value,
            comment,
        } in entries
        {
            let name = path.last().map_or_else(String::new, |name| key(name));
            text.push_str(&format!("{name} = {value}"));
            if let Some(comment) = comment {
                text.push_str(&format!("  # {comment}"));
            }
            text.push('\n');
        }
    }
    text
}

/// A key as it is, or quoted if it must be.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => Value::from(name).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_become_the_document_that_contains_them() {
        let entry = |path: &[&str], value: Value| Entry {
            path: path.iter().map(|&name| name.to_owned()).collect(),
            value,
            comment: (path.len() == 1).then(|| "first".to_owned()),
        };
        let list = vec![Value::from("a\"\n"), Value::from(true)];
        let entries = [
            entry(&["t", "x.y", "a"], Value::from("ü'\u{1}")),
            entry(&["v"], Value::from(1)),
            entry(&["t", "b"], Value::from(list)),
            entry(&["t", "x.y", "c d"], Value::from(1.5)),
        ];
        let text = to_toml(&entries);
        assert!(
            text.starts_with("v = 1  # first\n\n[t.\"x.y\"]\n"),
            "{text}"
        );
        let parsed: toml::Table = text.parse().unwrap();
        for entry in &entries {
            let mut value = &Value::Table(parsed.clone());
            for name in &entry.path {
                value = &value[name.as_str()];
            }
            assert_eq!(value, &entry.value, "{text}");
        }
    }
}
