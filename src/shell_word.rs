//! A word of a command line that a client runs by its shell.

/// Quotes `text` for the shell that runs `apiKeyHelper`, unless it is plain.
#[must_use]
pub(crate) fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else if cfg!(windows) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_interpret_is_quoted() {
        for (text, expected) in [
            (
                "/usr/local/bin/claviger-helper",
                "/usr/local/bin/claviger-helper",
            ),
            ("/Application Support/x", "'/Application Support/x'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), expected);
        }
    }

    #[test]
    fn the_shell_sees_one_word() {
        for text in ["/tmp/a b", "/tmp/$(touch x)`y`\"", "/tmp/it's"] {
            let script = format!("printf %s {}", shell_word(text));
            let shell = std::process::Command::new("/bin/sh");
            let output = { shell }.args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }
}
