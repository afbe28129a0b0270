//! What goes wrong, and how it is said: exit codes and stderr.

use std::io::{self, Write as _};
use std::process::ExitCode;

use claviger_wire::Failure;

/// Usage or configuration error.
pub(crate) const USAGE: u8 = 2;
/// The source answered with something that is not a usable credential.
pub(crate) const UNUSABLE: u8 = 6;
/// Denied: policy, terminal, other user.
pub(crate) const DENIED: u8 = 7;
/// The daemon cannot be started or does not answer in time.
pub(crate) const UNAVAILABLE: u8 = 8;

/// How many characters stderr gets at most: Claude Code shows them to the developer.
const MAX_CHARS: usize = 400;
/// How many of them the hint may take. What to do is worth more than what went wrong.
const MAX_HINT_CHARS: usize = 240;

/// A failure with a hint.
pub(crate) fn failure(code: u8, message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure {
        code,
        message: message.into(),
        hint: Some(hint.into()),
    }
}

/// Says it on stderr. Returns its exit code; a code that is none of ours is the daemon's fault.
pub(crate) fn report(failure: &Failure) -> ExitCode {
    // A client that does not listen still gets the code.
    let _ = io::stderr().write_all(text(failure).as_bytes());
    ExitCode::from(match failure.code {
        code @ USAGE..=UNAVAILABLE => code,
        _ => UNAVAILABLE,
    })
}

/// One line, or two with the hint, in at most [`MAX_CHARS`] characters.
fn text(failure: &Failure) -> String {
    let hint = match failure.hint.as_deref().map(clean) {
        Some(hint) if !hint.is_empty() => format!("hint: {}\n", cut(&hint, MAX_HINT_CHARS)),
        _ => String::new(),
    };
    let rest = MAX_CHARS - "claviger: \n".len() - hint.chars().count();
    format!("claviger: {}\n{hint}", cut(&clean(&failure.message), rest))
}

/// Without what moves a terminal's cursor, changes its colours, starts a line or turns the direction of writing.
fn clean(text: &str) -> String {
    let text = text.replace(['\n', '\r', '\t', '\u{2028}', '\u{2029}'], " ");
    let visible = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.trim().chars().filter(visible).collect()
}

fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_or_two() {
        let mut two = failure(3, "profile \"a\" needs a login\n", "run\tclaviger login a");
        assert_eq!(
            text(&two),
            "claviger: profile \"a\" needs a login\nhint: run claviger login a\n"
        );
        two.hint = None;
        assert_eq!(text(&two), "claviger: profile \"a\" needs a login\n");
    }

    #[test]
    fn no_control_character_gets_through() {
        let hostile = failure(5, "a\x1b[31mb\x07\u{9b}c\nd\0\u{202e}e", "f\r\ng\u{200b}h");
        assert_eq!(text(&hostile), "claviger: a[31mbc de\nhint: f  gh\n");
    }

    #[test]
    fn there_are_at_most_400_characters() {
        let long = "ü".repeat(1000);
        for hint in [None, Some(long.clone()), Some("short".to_owned())] {
            let text = text(&Failure {
                code: 5,
                message: long.clone(),
                hint,
            });
            assert_eq!(text.chars().count(), MAX_CHARS, "{text}");
            assert!(text.contains('…'));
        }
    }
}
