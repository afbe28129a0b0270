//! A word of a command line that a client runs by its shell.

/// The shell that a client runs a command by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    /// `/bin/sh -c`, on Linux and macOS.
    Sh,
    /// `cmd /d /s /c`, on Windows. Within quotes it replaces only `%NAME%`.
    Cmd,
}

impl Shell {
    /// The shell of this machine.
    pub(crate) const OF_THIS_MACHINE: Self = if cfg!(windows) { Self::Cmd } else { Self::Sh };

    /// Quotes `text`, unless it is plain.
    #[must_use]
    pub(crate) fn word(self, text: &str) -> String {
        let is_plain = |c: char| {
            c.is_ascii_alphanumeric() || "/._-:".contains(c) || (self == Self::Cmd && c == '\\')
        };
        if !text.is_empty() && text.chars().all(is_plain) {
            return text.to_owned();
        }
        match self {
            Self::Sh => format!("'{}'", text.replace('\'', r"'\''")),
            Self::Cmd => format!("\"{text}\""),
        }
    }
}

/// Quotes `text` for the shell of this machine, unless it is plain.
#[must_use]
pub(crate) fn shell_word(text: &str) -> String {
    Shell::OF_THIS_MACHINE.word(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_interpret_is_quoted() {
        for (text, sh, cmd) in [
            ("/usr/bin/x", "/usr/bin/x", "/usr/bin/x"),
            (
                "/Application Support/x",
                "'/Application Support/x'",
                "\"/Application Support/x\"",
            ),
            (
                r"C:\Claviger\x.exe",
                r"'C:\Claviger\x.exe'",
                r"C:\Claviger\x.exe",
            ),
            ("it's", r"'it'\''s'", "\"it's\""),
            ("$HOME", "'$HOME'", "\"$HOME\""),
            ("a&b", "'a&b'", "\"a&b\""),
            ("", "''", "\"\""),
        ] {
            assert_eq!(Shell::Sh.word(text), sh);
            assert_eq!(Shell::Cmd.word(text), cmd);
        }
    }

    #[cfg(unix)]
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
