//! "Did you mean": the nearest known name, and lists of names, for messages.

use std::fmt::Display;

/// The longest part of a given value that a message repeats, in characters.
const MAX_QUOTED: usize = 40;

/// `; did you mean 'NEAREST'?`, or if none is near, `; expected 'A', 'B' or 'C'`.
pub(super) fn suggest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.into_iter().collect();
    match nearest(name, &known) {
        Some(nearest) => format!("; did you mean '{nearest}'?"),
        None if known.is_empty() => String::new(),
        None => format!("; expected {}", one_of(&known)),
    }
}

/// The one of `known` that differs from `name` by a typing mistake.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance =
        |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let (distance, nearest) = known.iter().map(|other| (distance(other), *other)).min()?;
    // One mistake in a short name, two in a longer one: beyond that it is a different name.
    let mistakes = if name.chars().count() < 6 { 1 } else { 2 };
    (distance <= mistakes).then_some(nearest)
}

/// `'a', 'b' or 'c'`.
pub(super) fn one_of(items: &[impl Display]) -> String {
    join(items, " or ")
}

/// `'a', 'b' and 'c'`.
pub(super) fn all_of(items: &[impl Display]) -> String {
    join(items, " and ")
}

fn join(items: &[impl Display], last: &str) -> String {
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        match at {
            0 => {}
            _ if at + 1 == items.len() => text.push_str(last),
            _ => text.push_str(", "),
        }
        text.push_str(&format!("'{item}'"));
    }
    text
}

/// A given name or value in single quotes, cut short and with control characters escaped.
pub(super) fn quote(text: &str) -> String {
    let mut quoted: String = text
        .chars()
        .take(MAX_QUOTED)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().count() > MAX_QUOTED {
        quoted.push('…');
    }
    format!("'{quoted}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_is_recognized_and_a_different_name_is_not() {
        let known = ["address", "path", "kv"];
        assert_eq!(nearest("adress", &known), Some("address"));
        assert_eq!(nearest("Address", &known), Some("address"));
        assert_eq!(nearest("apth", &known), Some("path"));
        assert_eq!(nearest("kv2", &known), Some("kv"));
        assert_eq!(nearest("url", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn names_are_listed() {
        assert_eq!(one_of(&["a"]), "'a'");
        assert_eq!(one_of(&["a", "b"]), "'a' or 'b'");
        assert_eq!(all_of(&["a", "b", "c"]), "'a', 'b' and 'c'");
    }

    #[test]
    fn a_given_value_is_quoted_safely() {
        assert_eq!(quote("a\u{1b}[1m"), "'a\\u{1b}[1m'");
        assert_eq!(quote(&"x".repeat(50)), format!("'{}…'", "x".repeat(40)));
    }
}
