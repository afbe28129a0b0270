//! Makes text of a server or program safe to show in a message.

/// The most characters of foreign text in a message. The client shows 400 characters in total.
const MAX_CHARS: usize = 200;

/// Returns `text` as one line of at most 200 characters. Each run of whitespace and control
/// characters becomes one space.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let visible = |c: char| !c.is_control() && !is_format(c);
    for part in text.split(|c: char| c.is_whitespace() || !visible(c)) {
        if part.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(part);
    }
    if let Some((cut, _)) = line.char_indices().nth(MAX_CHARS) {
        line.truncate(cut);
        line.pop();
        line.push('…');
    }
    line
}

/// As [`one_line`], or a placeholder if `text` contains `secret`: some servers quote the request.
pub(super) fn one_line_without(text: &str, secret: &str) -> String {
    if !secret.is_empty() && text.contains(secret) {
        return "(omitted: the text contains a secret)".to_owned();
    }
    one_line(text)
}

/// Whether `c` changes the direction of text or is invisible, so that a message reads as another.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(
            one_line("1 error occurred:\n\t* permission denied\n\n"),
            "1 error occurred: * permission denied"
        );
        assert_eq!(one_line("a\u{1b}[31mb\u{202e}c"), "a [31mb c");
    }

    #[test]
    fn long_text_is_cut() {
        let line = one_line(&"é".repeat(500));
        assert_eq!(line.chars().count(), MAX_CHARS);
        assert!(line.ends_with('…'));
    }

    #[test]
    fn text_with_a_secret_is_omitted() {
        assert!(!one_line_without("bad password 'hunter2'", "hunter2").contains("hunter2"));
        assert_eq!(one_line_without("bad password", ""), "bad password");
    }
}
