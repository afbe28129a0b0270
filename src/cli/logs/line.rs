//! One line of the log, as `claviger logs` prints it.

use claviger_wire::visible;
use serde_json::{Value, json};

/// The levels, as the log has them.
const LEVELS: [&str; 4] = ["ERROR", "WARN", "INFO", "DEBUG"];

/// Returns `line` as it is printed. A line of a log in JSON is one already; a line of text becomes
/// an object with its time, level and the rest.
pub(super) fn written(line: &str, as_json: bool) -> String {
    // Another program may have written to the file.
    let line = visible(line);
    let is_object = serde_json::from_str::<Value>(&line).is_ok_and(|value| value.is_object());
    if !as_json || is_object {
        return line;
    }
    match parts(&line) {
        Some((timestamp, level, message)) => {
            json!({ "timestamp": timestamp, "level": level, "message": message }).to_string()
        }
        None => json!({ "message": line }).to_string(),
    }
}

fn parts(line: &str) -> Option<(&str, &str, &str)> {
    let (timestamp, rest) = line.split_once(' ')?;
    let (level, message) = rest.trim_start().split_once(' ')?;
    LEVELS
        .contains(&level)
        .then_some((timestamp, level, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_json_only_if_asked_for() {
        let text = "2026-11-30T11:00:00.5Z  INFO profile{a=\"b\"}: obtained a credential";
        assert_eq!(written(text, false), text);
        let value: Value = serde_json::from_str(&written(text, true)).unwrap();
        assert_eq!(value["timestamp"], "2026-11-30T11:00:00.5Z");
        assert_eq!(value["level"], "INFO");
        assert_eq!(value["message"], "profile{a=\"b\"}: obtained a credential");
        for other in ["", "x", "a b c", "7"] {
            let value: Value = serde_json::from_str(&written(other, true)).unwrap();
            assert_eq!(value, json!({ "message": other }), "{other}");
        }
    }

    #[test]
    fn a_line_of_json_stays_and_what_a_terminal_obeys_goes() {
        let line = r#"{"level":"INFO","event":"daemon-started"}"#;
        for as_json in [false, true] {
            assert_eq!(written(line, as_json), line);
        }
        assert_eq!(written("a\u{1b}[2Jb", false), "a[2Jb");
    }
}
