//! "Did you mean": the nearest right name, and lists of names, for messages.

use std::fmt::Display;

/// How many of a given value's characters a message repeats.
const MAX_QUOTED: usize = 40;

/// `; did you mean 'NEAREST'?`, or where nothing is near, `; LEAD 'A', 'B' and 'C'`.
pub(super) fn suggest<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    lead: &str,
) -> String {
    let known: Vec<_> = known.into_iter().collect();
    match nearest(name, &known) {
        Some(nearest) => format!("; did you mean '{nearest}'?"),
        None if known.is_empty() => String::new(),
        None => format!("; {lead} {}", list(&known)),
    }
}

/// The one of `known` that differs from `name` by a slip of the finger.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance =
        |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let (distance, nearest) = known.iter().map(|other| (distance(other), *other)).min()?;
    // One slip in a short name, two in a longer one: any more and it is another word.
    let slips = if name.chars().count() < 6 { 1 } else { 2 };
    (distance <= slips).then_some(nearest)
}

/// `'a', 'b' and 'c'`; numbers without the quotes.
pub(super) fn list(items: &[impl Display]) -> String {
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        match at {
            0 => {}
            _ if at + 1 == items.len() => text.push_str(" and "),
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
    fn a_slip_is_recognized_and_another_word_is_not() {
        let known = ["address", "path", "kv"];
        assert_eq!(nearest("adress", &known), Some("address"));
        assert_eq!(nearest("Address", &known), Some("address"));
        assert_eq!(nearest("apth", &known), Some("path"));
        assert_eq!(nearest("kv2", &known), Some("kv"));
        assert_eq!(nearest("url", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn what_is_given_is_quoted_safely() {
        assert_eq!(quote("a\u{1b}[1m"), "'a\\u{1b}[1m'");
        assert_eq!(quote(&"x".repeat(50)), format!("'{}…'", "x".repeat(40)));
    }
}
