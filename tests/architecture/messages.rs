//! Messages and hints: every string literal of the program, and the help texts.

use std::collections::BTreeSet;

use crate::{
    facts::Text,
    source_tree::{SourceFile, files},
    violations::Violations,
};

/// The most characters of a message: clients show no more.
const MAX_CHARS: usize = 400;

/// The files that may advise `chmod`, each with the reason.
const MAY_ADVISE_CHMOD: [(&str, &str); 2] = [
    (
        "helper-shim/wire/src/paths/",
        "the socket's directory, which Claviger makes",
    ),
    (
        "src/trust/rule/",
        "a file of the user's own, or one that contains a secret",
    ),
];

/// Before these `claviger` is the program, in a sentence about it; elsewhere it is a command to
/// run.
const PROSE: [&str; 5] = ["a", "install", "no", "that", "the"];

/// Every string of the program that a user may read, with its file.
fn messages() -> impl Iterator<Item = (&'static SourceFile, &'static Text)> {
    files().flat_map(|file| {
        // clap makes help texts from doc comments.
        let help = file.file.starts_with("src/cli/").then_some(&file.docs);
        let texts = file.literals.iter().chain(help.into_iter().flatten());
        texts.map(move |text| (file, text))
    })
}

#[test]
fn a_message_names_no_command_that_does_not_exist() {
    let known = claviger::cli::command();
    let mut violations = Violations::default();
    for (file, text) in messages() {
        for words in commands("claviger", &text.text) {
            if let Err(problem) = check(&known, &words) {
                violations.at(&file.file, text.line, problem);
            }
        }
    }
    violations
        .assert_none("name a command and flags that clap knows; in prose the program is Claviger");
}

#[test]
fn a_message_names_no_flag_that_the_shim_lacks() {
    let help = include_str!("../../helper-shim/src/help.txt");
    let known: BTreeSet<_> = flags(help.split_whitespace()).collect();
    let mut violations = Violations::default();
    for (file, text) in messages() {
        for words in commands("claviger-helper", &text.text) {
            for flag in flags(words.into_iter()).filter(|flag| !known.contains(flag)) {
                violations.at(&file.file, text.line, format!("claviger-helper {flag}"));
            }
        }
    }
    violations.assert_none("name a flag of the shim's help text");
}

#[test]
fn no_message_is_longer_than_400_characters() {
    let mut violations = Violations::default();
    for (file, text) in messages() {
        let length = text.text.chars().count();
        if length > MAX_CHARS {
            violations.at(&file.file, text.line, format!("{length} characters"));
        }
    }
    violations.assert_none("a client cuts a longer message");
}

#[test]
fn no_message_advises_chmod_on_a_foreign_directory() {
    let mut violations = Violations::default();
    let mut needed = BTreeSet::new();
    for (file, text) in messages().filter(|(_, text)| text.text.contains("chmod ")) {
        let may = |(may, _): &&(&str, &str)| file.file.starts_with(may);
        match MAY_ADVISE_CHMOD.iter().find(may) {
            Some((may, _)) => drop(needed.insert(*may)),
            None => violations.at(&file.file, text.line, &text.text),
        }
    }
    let permitted: BTreeSet<_> = MAY_ADVISE_CHMOD.iter().map(|(may, _)| *may).collect();
    assert_eq!(
        needed, permitted,
        "remove the places that need no permission"
    );
    violations.assert_none("a directory that Claviger has not made is not its own to change");
}

/// The arguments after each `program` in `text`, up to the end of the clause.
fn commands<'a>(program: &str, text: &'a str) -> Vec<Vec<&'a str>> {
    let is_part_of_name = |c: char| c.is_alphanumeric() || "/\\-_.:".contains(c);
    text.match_indices(program)
        .filter(|(at, _)| !text[..*at].ends_with(is_part_of_name))
        .filter(|(at, _)| {
            let before = text[..*at].split_whitespace().next_back();
            !before.is_some_and(|word| PROSE.contains(&word))
        })
        .filter_map(|(at, _)| text[at + program.len()..].strip_prefix(' '))
        .map(|rest| {
            let mut words = Vec::new();
            for word in rest.split_whitespace() {
                let end = word.find(|c: char| "'\"`,;.:)".contains(c));
                let (word, is_last) = (&word[..end.unwrap_or(word.len())], end.is_some());
                words.extend((!word.is_empty()).then_some(word));
                if is_last {
                    break;
                }
            }
            words
        })
        .collect()
}

/// The flags among `arguments`, without their values.
fn flags<'a>(arguments: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    arguments.filter_map(|argument| {
        let name = argument.split('=').next()?;
        name.starts_with("--").then_some(name)
    })
}

/// Checks that `claviger` accepts `arguments`: subcommands, then flags of the last one. A
/// placeholder may stand for any of them.
///
/// # Errors
///
/// The subcommand or the flag that does not exist.
fn check(program: &clap::Command, arguments: &[&str]) -> Result<(), String> {
    let mut command = program;
    for argument in arguments {
        if !command.has_subcommands() || !argument.starts_with(|c: char| c.is_ascii_lowercase()) {
            break;
        }
        command = command
            .find_subcommand(argument)
            .ok_or_else(|| format!("no command {argument:?} in \"{} …\"", command.get_name()))?;
    }
    for flag in flags(arguments.iter().copied()) {
        let mut known = command.get_arguments().filter_map(clap::Arg::get_long);
        if !["--help", "--version"].contains(&flag) && !known.any(|long| long == &flag[2..]) {
            return Err(format!("no flag {flag} of \"{}\"", command.get_name()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_and_checked() {
        let known = claviger::cli::command();
        for (text, expected) in [
            ("run claviger config check '{}'", Ok(())),
            ("run 'claviger demo' to see it", Ok(())),
            ("run claviger status {profile} --json now", Ok(())),
            ("see /etc/claviger first", Ok(())),
            ("the key that claviger holds", Ok(())),
            (
                "claviger holds the key",
                Err("no command \"holds\" in \"claviger …\""),
            ),
            ("run claviger stop first", Ok(())),
            (
                "run claviger doctor",
                Err("no command \"doctor\" in \"claviger …\""),
            ),
            (
                "run claviger config edit",
                Err("no command \"edit\" in \"config …\""),
            ),
            ("run claviger stop --now", Err("no flag --now of \"stop\"")),
            ("run claviger stop, then --now", Ok(())),
        ] {
            let result = commands("claviger", text)
                .iter()
                .try_for_each(|words| check(&known, words));
            assert_eq!(result, expected.map_err(str::to_owned), "{text}");
        }
    }
}
