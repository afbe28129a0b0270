//! What the commands print on stdout: text without control characters, and JSON.

use std::{
    io::{self, Write},
    time::Duration,
};

use claviger_wire::visible;
use serde::Serialize;

use crate::{clock::Timestamp, config::ChecklistEntry};

/// The width that a terminal has at least.
pub(super) const WIDTH: usize = 80;

/// The indentation of the lines that belong to the one above.
const INDENT: &str = "  ";

/// Prints `text` in lines of at most [`WIDTH`] columns, all but the first indented. A word that is
/// longer, such as a path, has a line of its own.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn paragraph(out: &mut impl Write, text: &str) -> io::Result<()> {
    wrapped(out, "", text)
}

/// As [`paragraph`], with the first line indented, too.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn indented(out: &mut impl Write, text: &str) -> io::Result<()> {
    wrapped(out, INDENT, text)
}

/// Prints what administrators must enter, each entry after an empty line.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn checklist(out: &mut impl Write, entries: &[ChecklistEntry]) -> io::Result<()> {
    for entry in entries {
        writeln!(out)?;
        let title = format!("For the administrator of {}:", entry.administrator_of);
        paragraph(out, &title)?;
        for item in &entry.items {
            paragraph(out, &format!("- {item}"))?;
        }
    }
    Ok(())
}

fn wrapped(out: &mut impl Write, first: &str, text: &str) -> io::Result<()> {
    let text = visible(text);
    let mut line = first.to_owned();
    let mut has_words = false;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let len = line.chars().count() + usize::from(has_words) + word.chars().count();
        if has_words && len > WIDTH {
            writeln!(out, "{line}")?;
            INDENT.clone_into(&mut line);
            has_words = false;
        }
        if has_words {
            line.push(' ');
        }
        line.push_str(word);
        has_words = true;
    }
    writeln!(out, "{line}")
}

/// Prints `value` as JSON over several lines.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string_pretty(value)?;
    writeln!(out, "{}", escaped(&json))
}

/// Prints `value` as JSON in one line.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn json_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string(value)?;
    writeln!(out, "{}", escaped(&json))
}

/// Escapes what JSON permits in a string and a terminal obeys, such as U+009B, which starts a
/// control sequence. Outside strings JSON has no such characters but its own line breaks.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || c == ' ' || !visible(c.encode_utf8(&mut [0; 4])).is_empty() {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// `at` relative to `now`, in at most ten columns: "in 43 min", "12 s ago".
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    let difference = at.duration_since(now);
    let length = rounded(difference.unsigned_abs());
    match difference.as_secs() {
        0 => "now".to_owned(),
        1.. => format!("in {length}"),
        _ => format!("{length} ago"),
    }
}

/// A time in the largest unit that says enough of it, rounded down.
pub(super) fn rounded(time: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    const YEAR: u64 = 365 * DAY;
    let seconds = time.as_secs();
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6_000 => format!("{} min", seconds / MINUTE),
        6_000..172_800 => format!("{} h", seconds / HOUR),
        172_800..86_400_000 => format!("{} d", seconds / DAY),
        86_400_000.. => format!("{} y", seconds / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(print: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_paragraph_is_wrapped_between_words() {
        let words = "word ".repeat(40);
        let text = printed(|out| paragraph(out, &words));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert!(lines[1].starts_with("  word"), "{text}");
        assert_eq!(text.split_whitespace().count(), 40);

        let path = "/x".repeat(60);
        let text = printed(|out| indented(out, &format!("see '{path}' now")));
        assert_eq!(text, format!("  see\n  '{path}'\n  now\n"));
        assert_eq!(printed(|out| paragraph(out, "")), "\n");
    }

    #[test]
    fn what_a_terminal_obeys_is_not_printed() {
        let hostile = "a\u{1b}[31m\nb\u{9b}c\u{202e}d\u{7f}";
        assert_eq!(printed(|out| paragraph(out, hostile)), "a[31m bcd\n");
        let text = printed(|out| json(out, &[hostile, "é 𝄞"]));
        assert!(
            !text.trim_end().chars().any(|c| c.is_control() && c != '\n'),
            "{text:?}"
        );
        assert!(
            text.contains("\\u009b") && text.contains("\\u202e"),
            "{text}"
        );
        let read: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, [hostile, "é 𝄞"]);
        assert_eq!(printed(|out| json_line(out, &[hostile])).lines().count(), 1);
    }

    #[test]
    fn times_are_short_and_never_too_long() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        for (seconds, expected) in [
            (0, "now"),
            (43, "in 43 s"),
            (-12, "12 s ago"),
            (2580, "in 43 min"),
            (-5999, "99 min ago"),
            (6000, "in 1 h"),
            (-172_799, "47 h ago"),
            (172_800, "in 2 d"),
            (86_400_000, "in 2 y"),
            (250_000_000_000, "in 7927 y"),
        ] {
            let at = Timestamp::from_second(now.as_second() + seconds).unwrap();
            let text = relative(at, now);
            assert_eq!(text, expected);
            assert!(text.len() <= 10, "{text}");
        }
    }
}
