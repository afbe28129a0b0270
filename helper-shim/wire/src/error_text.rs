//! Failures as text for stderr: one place for claviger-helper and claviger, so that one fault has
//! one text.

use crate::Failure;

/// The longest text in characters, newlines included: Claude Code shows it to the developer.
const MAX_CHARS: usize = 400;
/// The longest hint in characters. It is cut last: what to do is worth more than what failed.
const MAX_HINT_CHARS: usize = 240;

impl Failure {
    /// Renders `claviger: <problem>.` and, if there is a hint, a second line
    /// `hint: <what to do now>`.
    ///
    /// Each line ends in a newline. The text has at most 400 characters, of which the hint has at
    /// most 240, and contains no control characters. The first line ends in a full stop, because
    /// clients join the two lines with a blank.
    #[must_use]
    pub fn to_text(&self) -> String {
        let hint = match self.hint.as_deref().map(visible) {
            Some(hint) if !hint.is_empty() => {
                format!("hint: {}\n", truncated(&hint, MAX_HINT_CHARS))
            }
            _ => String::new(),
        };
        let limit = MAX_CHARS - hint.chars().count();
        format!("{}{hint}", problem_line(&self.message, limit))
    }

    /// Whether [`to_text`](Self::to_text) renders all of the message and of the hint.
    #[must_use]
    pub fn fits(&self) -> bool {
        let length = |text: &str| visible(text).chars().count();
        let hint = self.hint.as_deref().map_or(0, length);
        let frame = "claviger: .\nhint: \n".len();
        hint <= MAX_HINT_CHARS && frame + length(&self.message) + hint <= MAX_CHARS
    }
}

/// Renders one problem of several as a line of its own, in the form of a failure's first line.
#[must_use]
pub fn problem(message: &str) -> String {
    problem_line(message, MAX_CHARS)
}

/// Renders `warning: <message>.` as a line of its own: a problem with which a command succeeds.
#[must_use]
pub fn warning(message: &str) -> String {
    line("warning: ", message, MAX_CHARS)
}

/// `claviger: <message>.` and a newline, at most `limit` characters together.
fn problem_line(message: &str, limit: usize) -> String {
    line("claviger: ", message, limit)
}

fn line(start: &str, message: &str, limit: usize) -> String {
    let mut message = visible(message);
    if !message.ends_with(['.', '?', '!', '…']) {
        message.push('.');
    }
    let message = truncated(&message, limit - start.len() - "\n".len());
    format!("{start}{message}\n")
}

/// `text` on one line, without characters that move a terminal's cursor, change its colours or turn
/// the direction of writing: what a program prints of a file's name or a server's words.
#[must_use]
pub fn visible(text: &str) -> String {
    let text = text.replace(['\n', '\r', '\t', '\u{2028}', '\u{2029}'], " ");
    let is_visible = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.trim().chars().filter(is_visible).collect()
}

/// The first `limit` characters of `text`; an ellipsis replaces the last one if any are cut.
fn truncated(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExitCode;

    fn failure(message: &str, hint: &str) -> Failure {
        Failure::new(ExitCode::SourceFailed, message, hint)
    }

    #[test]
    fn a_failure_is_one_line_or_two() {
        let mut two = failure("no profile 'a'\n", "add\t[profile.a]");
        let text = "claviger: no profile 'a'.\nhint: add [profile.a]\n";
        assert_eq!(two.to_text(), text);
        two.hint = None;
        assert_eq!(two.to_text(), "claviger: no profile 'a'.\n");
        assert_eq!(failure("a", "").to_text(), "claviger: a.\n");
        assert_eq!(problem("a\nb"), "claviger: a b.\n");
    }

    #[test]
    fn the_problem_ends_in_punctuation_once() {
        for end in [".", "?", "!", "…"] {
            let text = failure(&format!("ends{end}"), "").to_text();
            assert_eq!(text, format!("claviger: ends{end}\n"));
        }
        assert_eq!(failure("'a'", "").to_text(), "claviger: 'a'.\n");
    }

    #[test]
    fn control_characters_are_removed() {
        let hostile = failure("a\x1b[31mb\x07\u{9b}c\nd\0\u{202e}e", "f\r\ng\u{200b}h");
        assert_eq!(hostile.to_text(), "claviger: a[31mbc de.\nhint: f  gh\n");
    }

    #[test]
    fn the_text_has_at_most_400_characters() {
        let long = "ü".repeat(1000);
        for hint in [None, Some(long.clone()), Some("short".to_owned())] {
            let code = ExitCode::SourceFailed;
            let message = long.clone();
            let text = Failure {
                code,
                message,
                hint,
            }
            .to_text();
            assert_eq!(text.chars().count(), MAX_CHARS, "{text}");
            assert!(text.contains("…\n") && !text.contains("…."), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_cut_fits() {
        let of = |message: usize, hint: usize| failure(&"ü".repeat(message), &"ü".repeat(hint));
        for (message, hint) in [
            (0, 0),
            (361, 20),
            (141, 240),
            (140, 241),
            (142, 240),
            (362, 20),
        ] {
            let failure = of(message, hint);
            assert_eq!(
                failure.fits(),
                !failure.to_text().contains('…'),
                "{message} {hint}"
            );
        }
        assert!(of(361, 20).fits() && !of(362, 20).fits());
        assert!(of(141, 240).fits() && !of(140, 241).fits());
    }
}
