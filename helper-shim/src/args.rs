//! The command line.

use std::{ffi::OsString, path::PathBuf};

use claviger_wire::{Failure, Format};

use crate::{
    client::{self, ClientDefaults},
    value::{self, invalid, usage},
};

/// The action that the command line names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// Prints the key.
    Print(Options),
    /// Prints [`HELP`].
    Help,
    /// Prints the version.
    Version,
}

/// The options for a key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// `--profile`.
    pub(crate) profile: Option<String>,
    /// `--client`.
    pub(crate) client: Option<&'static ClientDefaults>,
    /// `--format`.
    pub(crate) format: Option<Format>,
    /// `--cache-lifetime` in milliseconds.
    pub(crate) cache_lifetime_ms: Option<u64>,
    /// `--timeout-ms`.
    pub(crate) timeout_ms: Option<u64>,
    /// `--reveal`.
    pub(crate) reveal: bool,
    /// `--socket`, which the settings of `claviger demo --keep` contain; not in [`HELP`].
    pub(crate) socket: Option<PathBuf>,
}

/// The help text, from which the man page is made, too.
pub(crate) const HELP: &str = include_str!("help.txt");

const OPTIONS: [&str; 8] = [
    "--profile",
    "--client",
    "--format",
    "--cache-lifetime",
    "--timeout-ms",
    "--reveal",
    "--help",
    "--version",
];
const SEE_HELP: &str = "run claviger-helper --help";

/// Parses the arguments, without the program's name. The last value of a repeated option is used.
///
/// # Errors
///
/// [`ExitCode::Usage`](claviger_wire::ExitCode::Usage) for an unknown option, an unexpected
/// argument, or a value that is missing or invalid.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Invocation, Failure> {
    let mut args = args.map(|arg| {
        arg.into_string()
            .map_err(|_| usage("an argument is not UTF-8", SEE_HELP))
    });
    let mut options = Options::default();
    while let Some(arg) = args.next() {
        let arg = arg?;
        let (name, attached) = match arg.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (arg.as_str(), None),
        };
        if matches!(name, "--reveal" | "--help" | "--version") && attached.is_some() {
            return Err(usage(format!("'{name}' accepts no value"), SEE_HELP));
        }
        let mut value = || match attached.clone().map(Ok).or_else(|| args.next()) {
            Some(value) => value,
            None => Err(usage(format!("'{name}' needs a value"), SEE_HELP)),
        };
        match name {
            "--profile" => options.profile = Some(value::profile("--profile", value()?)?),
            "--client" => options.client = Some(client::named(&value()?)?),
            "--format" => options.format = Some(format(&value()?)?),
            "--cache-lifetime" => {
                options.cache_lifetime_ms = Some(value::duration("--cache-lifetime", &value()?)?);
            }
            "--timeout-ms" => {
                options.timeout_ms = Some(value::milliseconds("--timeout-ms", &value()?)?);
            }
            "--socket" => options.socket = Some(value()?.into()),
            "--reveal" => options.reveal = true,
            "--help" | "-h" => return Ok(Invocation::Help),
            "--version" | "-V" => return Ok(Invocation::Version),
            _ if name.starts_with('-') => return Err(unknown(name)),
            _ => return Err(usage(format!("unexpected argument '{name}'"), SEE_HELP)),
        }
    }
    Ok(Invocation::Print(options))
}

fn format(value: &str) -> Result<Format, Failure> {
    match value {
        "key" => Ok(Format::Key),
        "headers" => Ok(Format::Headers),
        "json" => Ok(Format::Json),
        "oauth" => Ok(Format::Oauth),
        _ => Err(invalid("--format", value, "key, headers, json or oauth")),
    }
}

fn unknown(name: &str) -> Failure {
    let nearest = OPTIONS
        .iter()
        .map(|option| (distance(name, option), option))
        .min()
        .filter(|(distance, option)| *distance * 2 <= option.len() - 2);
    let hint = match nearest {
        Some((_, option)) => format!("did you mean {option}?"),
        None => SEE_HELP.to_owned(),
    };
    usage(format!("unknown option '{name}'"), hint)
}

/// The Levenshtein distance of `a` and `b` in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use claviger_wire::ExitCode;

    use super::*;

    fn parsed(args: &[&str]) -> Result<Invocation, Failure> {
        parse(args.iter().map(OsString::from))
    }

    #[test]
    fn options_are_parsed_in_both_forms() {
        let all = Options {
            profile: Some("work".to_owned()),
            client: Some(client::named("codex").unwrap()),
            format: Some(Format::Json),
            cache_lifetime_ms: Some(5_400_000),
            timeout_ms: Some(300),
            reveal: true,
            socket: Some("/tmp/d/agent.sock".into()),
        };
        let separate = [
            "--profile",
            "work",
            "--client",
            "codex",
            "--format",
            "json",
            "--cache-lifetime",
            "1h30m",
            "--timeout-ms",
            "300",
            "--socket",
            "/tmp/d/agent.sock",
            "--reveal",
        ];
        assert_eq!(parsed(&separate), Ok(Invocation::Print(all)));
        let attached = [
            "--profile=a=b",
            "--client=desktop",
            "--client=pi",
            "--format=headers",
            "--format=key",
            "--cache-lifetime=0s",
            "--timeout-ms=1",
        ];
        let expected = Options {
            profile: Some("a=b".to_owned()),
            client: Some(client::named("pi").unwrap()),
            format: Some(Format::Key),
            cache_lifetime_ms: Some(0),
            timeout_ms: Some(1),
            ..Options::default()
        };
        assert_eq!(parsed(&attached), Ok(Invocation::Print(expected)));
        assert_eq!(parsed(&[]), Ok(Invocation::Print(Options::default())));
        assert_eq!(parsed(&["--help", "--nonsense"]), Ok(Invocation::Help));
        assert_eq!(parsed(&["--version"]), Ok(Invocation::Version));
    }

    #[test]
    fn errors_name_the_accepted_values() {
        let cases: [(&[&str], &str, &str); 12] = [
            (
                &["--profil", "x"],
                "unknown option '--profil'",
                "did you mean --profile?",
            ),
            (
                &["--timeout=3"],
                "unknown option '--timeout'",
                "did you mean --timeout-ms?",
            ),
            (&["-q"], "unknown option '-q'", SEE_HELP),
            (&["work"], "unexpected argument 'work'", SEE_HELP),
            (&["--profile"], "'--profile' needs a value", SEE_HELP),
            (&["--reveal=yes"], "'--reveal' accepts no value", SEE_HELP),
            (
                &["--format", "yaml"],
                "invalid value 'yaml' for '--format'",
                "use key, headers, json or oauth",
            ),
            (
                &["--client", "gemini"],
                "invalid value 'gemini' for '--client'",
                "use claude-code, claude-desktop, codex, copilot, pi or hermes",
            ),
            (
                &["--cache-lifetime", "300"],
                "invalid value '300' for '--cache-lifetime'",
                "use a duration such as '0s', '90s', '15m' or '1h30m', at most '365d'",
            ),
            (
                &["--cache-lifetme=5m"],
                "unknown option '--cache-lifetme'",
                "did you mean --cache-lifetime?",
            ),
            (
                &["--timeout-ms", "0"],
                "invalid value '0' for '--timeout-ms'",
                "use 1 to 600000",
            ),
            (&["--profile="], "'--profile' is empty", "name a profile"),
        ];
        for (args, message, hint) in cases {
            let failure = parsed(args).unwrap_err();
            assert_eq!(
                (
                    failure.code,
                    failure.message.as_str(),
                    failure.hint.as_deref()
                ),
                (ExitCode::Usage, message, Some(hint)),
                "{args:?}"
            );
        }
    }
}
