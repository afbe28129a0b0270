//! The command that a client runs for its key, as its shell reads it.

use std::path::Path;

/// The name of the shim, without the extension of Windows.
const SHIM: &str = "claviger-helper";

/// What a command runs. It never contains more of a foreign command than the program's name: a
/// user may have written a key into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// The shim alone.
    Shim(Shim),
    /// The shim, by a path with blanks and without quotes. The shell splits it.
    Unquoted {
        /// The path.
        path: String,
    },
    /// The shim among other things, such as `timeout 5 claviger-helper` or a pipe.
    Inline {
        /// Whether it writes `Bearer` itself.
        adds_bearer: bool,
    },
    /// Another program.
    Other {
        /// Its name, if it is an absolute path.
        program: Option<String>,
    },
}

/// A command that runs the shim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shim {
    /// The program, as it is written.
    pub(super) program: String,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// Whether it replaces the shell.
    pub(super) uses_exec: bool,
}

impl Command {
    /// Parses a command line of `/bin/sh`, or of `cmd` on Windows.
    pub(super) fn parse(text: &str) -> Self {
        let Some(mut words) = words(text) else {
            return Self::inline_or_other(text, None);
        };
        let uses_exec = words.first().is_some_and(|word| word == "exec");
        words.drain(..usize::from(uses_exec));
        let Some(program) = words.first().cloned() else {
            return Self::Other { program: None };
        };
        if is_shim(&program) {
            return Self::Shim(Shim {
                program,
                args: words.split_off(1),
                uses_exec,
            });
        }
        match unquoted(&words) {
            Some(path) => Self::Unquoted { path },
            None => Self::inline_or_other(text, Some(program)),
        }
    }

    /// A program with arguments, which is run without a shell.
    pub(super) fn of_program(program: String, args: Vec<String>) -> Self {
        if is_shim(&program) {
            let uses_exec = true;
            return Self::Shim(Shim {
                program,
                args,
                uses_exec,
            });
        }
        let program = Some(program).filter(|program| is_absolute(program));
        Self::Other { program }
    }

    fn inline_or_other(text: &str, program: Option<String>) -> Self {
        if text.contains(SHIM) {
            let adds_bearer = text.contains("Bearer");
            return Self::Inline { adds_bearer };
        }
        let program = program.filter(|program| is_absolute(program));
        Self::Other { program }
    }
}

impl Shim {
    /// The value of an option, written as `--name VALUE` or `--name=VALUE`.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        let mut args = self.args.iter();
        while let Some(arg) = args.next() {
            match arg.strip_prefix(name) {
                Some("") => return args.next().map(String::as_str),
                Some(rest) if rest.starts_with('=') => return Some(&rest[1..]),
                _ => {}
            }
        }
        None
    }

    /// Whether a flag is given.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.args.iter().any(|arg| arg == flag)
    }

    /// The client that the shim runs for: `--client`, or the end of the program's name.
    pub(super) fn client(&self) -> Option<&str> {
        let named = || stem(&self.program)?.strip_prefix(SHIM)?.strip_prefix('-');
        self.option("--client").or_else(named)
    }
}

/// Whether a script or command line runs the shim.
pub(super) fn names_shim(text: &str) -> bool {
    text.contains(SHIM)
}

/// Whether a path is absolute on this system.
pub(super) fn is_absolute(program: &str) -> bool {
    Path::new(program).is_absolute()
}

/// Whether a program is the shim, or a link to it with the name of a client.
fn is_shim(program: &str) -> bool {
    let rest = stem(program).and_then(|name| name.strip_prefix(SHIM));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// The name of a program without its directory and, on Windows, its extension.
fn stem(program: &str) -> Option<&str> {
    let name = program.rsplit(is_separator).next()?;
    Some(name.strip_suffix(".exe").unwrap_or(name))
}

fn is_separator(c: char) -> bool {
    c == '/' || (cfg!(windows) && c == '\\')
}

/// The path of the shim that the blanks in it have split: an absolute part, and then a relative
/// one with a directory, which ends in the shim's name.
fn unquoted(words: &[String]) -> Option<String> {
    let last = words.iter().position(|word| is_shim(word))?;
    let is_rest = |word: &String| !is_absolute(word) && word.contains(is_separator);
    (is_absolute(&words[0]) && is_rest(&words[last])).then(|| words[..=last].join(" "))
}

/// The program and arguments of a command line; `None` if it is more than one plain command.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.trim().chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some('"'), '$' | '`')
            | (None, '|' | '&' | ';' | '<' | '>' | '$' | '`' | '(' | '\n') => {
                return None;
            }
            (None, '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\'') if !cfg!(windows) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') if !cfg!(windows) => {
                word.get_or_insert_default().extend(chars.next());
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shim(program: &str, args: &[&str], uses_exec: bool) -> Command {
        Command::Shim(Shim {
            program: program.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            uses_exec,
        })
    }

    fn other(program: Option<&str>) -> Command {
        let program = program.map(str::to_owned);
        Command::Other { program }
    }

    #[test]
    fn a_command_is_the_shim_or_contains_it_or_is_another() {
        let spaced = "/opt/my tools/claviger-helper";
        for (text, expected) in [
            (
                "exec /usr/bin/claviger-helper",
                shim("/usr/bin/claviger-helper", &[], true),
            ),
            (
                "claviger-helper --profile a",
                shim("claviger-helper", &["--profile", "a"], false),
            ),
            (
                " '/opt/my tools/claviger-helper'  \"--profile=a b\" ",
                shim(spaced, &["--profile=a b"], false),
            ),
            (
                r"exec /opt/my\ tools/claviger-helper",
                shim(spaced, &[], true),
            ),
            (
                "/x/claviger-helper-desktop",
                shim("/x/claviger-helper-desktop", &[], false),
            ),
            (
                "exec /opt/my tools/claviger-helper --reveal",
                Command::Unquoted {
                    path: spaced.to_owned(),
                },
            ),
            (
                "timeout 5 /usr/bin/claviger-helper",
                Command::Inline { adds_bearer: false },
            ),
            (
                "/usr/bin/env X=1 claviger-helper",
                Command::Inline { adds_bearer: false },
            ),
            (
                "echo \"Bearer $(claviger-helper)\"",
                Command::Inline { adds_bearer: true },
            ),
            ("'claviger-helper", Command::Inline { adds_bearer: false }),
            (
                "/usr/local/bin/corp-key --fast",
                other(Some("/usr/local/bin/corp-key")),
            ),
            ("echo sk-secret", other(None)),
            ("sk-secret", other(None)),
            ("cat /key | tr -d x", other(None)),
            (
                "/usr/bin/my-claviger-helpers",
                Command::Inline { adds_bearer: false },
            ),
            ("", other(None)),
        ] {
            assert_eq!(Command::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn options_are_read_in_both_forms() {
        for (args, expected) in [
            (&["--profile", "a"][..], Some("a")),
            (&["--reveal", "--profile=a"], Some("a")),
            (&["--profile"], None),
            (&["--profiles=a"], None),
            (&[], None),
        ] {
            let Command::Shim(shim) = shim("/x/claviger-helper-codex", args, true) else {
                panic!("another command");
            };
            assert_eq!(shim.option("--profile"), expected, "{args:?}");
            assert_eq!(shim.client(), Some("codex"));
            assert_eq!(shim.has("--reveal"), args.contains(&"--reveal"));
        }
    }
}
