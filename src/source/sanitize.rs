//! What a server or a program said, made fit for a message.

/// The most characters of somebody else's words in a message: the client shows 400 in all.
const MAX_CHARS: usize = 200;

/// `text` as one line of at most 200 characters: control characters and runs of white space become one space each.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let visible = |c: char| !c.is_control() && !is_format(c);
    for word in text.split(|c: char| c.is_whitespace() || !visible(c)) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if let Some((cut, _)) = line.char_indices().nth(MAX_CHARS) {
        line.truncate(cut);
        line.pop();
        line.push('…');
    }
    line
}

/// [`one_line`], unless `secret` is in it: a server that quotes what it was sent must not put it on a screen.
pub(super) fn one_line_without(text: &str, secret: &str) -> String {
    if !secret.is_empty() && text.contains(secret) {
        return "(omitted: the text contains a secret)".to_owned();
    }
    one_line(text)
}

/// Marks that change the direction or are not seen: they make a message read as something else.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_line() {
        assert_eq!(
            one_line("1 error occurred:\n\t* permission denied\n\n"),
            "1 error occurred: * permission denied"
        );
        assert_eq!(one_line("a\u{1b}[31mb\u{202e}c"), "a [31mb c");
    }

    #[test]
    fn is_not_long() {
        let line = one_line(&"é".repeat(500));
        assert_eq!(line.chars().count(), MAX_CHARS);
        assert!(line.ends_with('…'));
    }

    #[test]
    fn has_no_secret_in_it() {
        assert!(!one_line_without("bad password 'hunter2'", "hunter2").contains("hunter2"));
        assert_eq!(one_line_without("bad password", ""), "bad password");
    }
}
