//! Makes an event one line of visible text, whatever its fields contain: a path, a lease's id or a
//! server's words could otherwise forge further events or control the terminal that shows them.

use std::fmt::Write as _;

/// Returns `event`, which ends in a newline as formatted, as one line that ends in a newline. Each
/// control character and each one that is invisible or turns the direction of text is written as in
/// a Rust string: `\n`, `\x1b`, `\u{202e}`.
pub(super) fn line(event: &str) -> String {
    let text = event.strip_suffix('\n').unwrap_or(event);
    let mut line = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            // As the log's formatter writes the escape character in a message.
            c if c.is_ascii_control() => {
                // Writing to a string cannot fail.
                let _ = write!(line, "\\x{:02x}", u32::from(c));
            }
            c if c.is_control() || is_invisible(c) => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(c));
            }
            c => line.push(c),
        }
    }
    line.push('\n');
    line
}

/// Returns `event`, which is JSON in one line, with the same characters as JSON writes them:
/// `\\u202e`. Outside of strings JSON has none of them.
pub(super) fn json_line(event: &str) -> String {
    let mut line = visible_json(event.strip_suffix('\n').unwrap_or(event));
    line.push('\n');
    line
}

/// Returns `json`, which is in one line, with the same characters as JSON writes them.
pub(crate) fn visible_json(json: &str) -> String {
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if c.is_control() || is_invisible(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    line
}

/// Unicode's line separators, and its characters for formatting: zero-width ones, marks that turn
/// the direction of text, and tags.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_visible_stays() {
        let event = "INFO listening socket=/run/müller/$(id)/\"日本\"\\n'.sock\n";
        assert_eq!(line(event), event);
    }

    #[test]
    fn what_moves_the_cursor_or_turns_the_text_is_escaped() {
        assert_eq!(
            line("a\nb\rc\td\x1b[31me\u{9b}f\0g\u{7f}h\u{202e}i\u{2028}j\u{200b}k\u{e0041}l\n"),
            "a\\nb\\rc\\td\\x1b[31me\\u{9b}f\\x00g\\x7fh\\u{202e}i\\u{2028}j\\u{200b}k\\u{e0041}l\n"
        );
        assert_eq!(line("a\n\n"), "a\\n\n");
        assert_eq!(line(""), "\n");
    }

    proptest! {
        #[test]
        fn an_event_is_one_visible_line(event in any::<String>()) {
            let line = line(&event);
            let text = line.strip_suffix('\n').unwrap();
            prop_assert!(!text.chars().any(|c| c.is_control() || is_invisible(c)));
        }
    }
}
