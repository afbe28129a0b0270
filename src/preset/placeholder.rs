//! Placeholders in the templates of presets: `{name}`.

use std::collections::BTreeMap;

/// Replaces the placeholders of which `value` knows the value. The others become `NAME` in angle
/// brackets, for a person to replace.
pub(crate) fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::new();
    for part in parts(template) {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Name(name) => match value(name) {
                Some(value) => text.push_str(&value),
                None => text.push_str(&format!("<{name}>")),
            },
        }
    }
    text
}

/// The names of the placeholders.
pub(crate) fn names(template: &str) -> impl Iterator<Item = &str> {
    let name = |part| match part {
        Part::Name(name) => Some(name),
        Part::Text(_) => None,
    };
    parts(template).into_iter().filter_map(name)
}

/// The values with which `template` becomes `text`; `None` if there are none. A value ends as soon
/// as the text after it begins.
pub(super) fn capture<'t>(template: &'t str, text: &str) -> Option<BTreeMap<&'t str, String>> {
    let mut values = BTreeMap::new();
    let mut rest = text;
    let mut parts = parts(template).into_iter().peekable();
    while let Some(part) = parts.next() {
        match (part, parts.peek()) {
            (Part::Text(literal), _) => rest = rest.strip_prefix(literal)?,
            (Part::Name(name), Some(Part::Text(literal))) => {
                let (value, _) = rest.split_at(rest.find(literal)?);
                values.insert(name, value.to_owned());
                rest = &rest[value.len()..];
            }
            (Part::Name(name), _) => {
                values.insert(name, rest.to_owned());
                rest = "";
            }
        }
    }
    rest.is_empty().then_some(values)
}

enum Part<'t> {
    Text(&'t str),
    Name(&'t str),
}

/// Braces that surround no name are text.
fn parts(template: &str) -> Vec<Part<'_>> {
    let is_name = |text: &str| {
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        !text.is_empty() && text.chars().all(is_part)
    };
    let (mut parts, mut rest, mut from) = (Vec::new(), template, 0);
    while let Some(start) = rest[from..].find('{').map(|at| from + at) {
        match rest[start + 1..].split_once('}') {
            Some((name, after)) if is_name(name) => {
                parts.push(Part::Text(&rest[..start]));
                parts.push(Part::Name(name));
                (rest, from) = (after, 0);
            }
            _ => from = start + 1,
        }
    }
    parts.push(Part::Text(rest));
    parts.retain(|part| !matches!(part, Part::Text("")));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_placeholders_are_replaced_and_others_are_left_to_a_person() {
        let value = |name: &str| (name == "a").then(|| "{b}".to_owned());
        for (template, expected) in [
            ("x{a}y", "x{b}y"),
            ("{a}{a}", "{b}{b}"),
            ("{b}", "<b>"),
            ("{}{A}{", "{}{A}{"),
            ("{ {a}", "{ {b}"),
        ] {
            assert_eq!(fill(template, value), expected);
        }
        assert_eq!(names("{a} {} {b_1}").collect::<Vec<_>>(), ["a", "b_1"]);
    }

    #[test]
    fn the_values_of_a_text_are_captured() {
        let capture = |text| capture("https://{host}/p/{realm}", text);
        let values = capture("https://x.example/p/a/b").unwrap();
        assert_eq!(values["host"], "x.example");
        assert_eq!(values["realm"], "a/b");
        assert_eq!(capture("https://x.example/q/a"), None);
        assert_eq!(super::capture("a", "ab"), None);
        assert_eq!(super::capture("{a}b", "xb").unwrap()["a"], "x");
    }
}
