//! Patterns in which `*` stands for any text.

/// Whether the whole `text` matches `pattern`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    let mut ends = (0..=text.len()).filter(|at| text.is_char_boundary(*at));
    ends.any(|at| matches(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_the_rest_is_literal() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*/", "https://x/", true),
            ("*/", "https://x", false),
            ("*/common/*", "https://x/common/v2.0", true),
            ("*/common/*", "https://x/commons/v2.0", false),
            ("*a*a", "ba", false),
            ("*a*a", "aüa", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
