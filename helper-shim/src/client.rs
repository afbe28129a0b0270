//! The clients that run the shim: one table of what each of them expects of its key command.

use std::{borrow::Cow, env::consts::EXE_SUFFIX, ffi::OsStr, path::Path};

use claviger_wire::{Failure, Format};

use crate::value::{invalid, usage};

/// What a client expects unless options and variables say otherwise.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientDefaults {
    /// The name for `--client`, which the daemon knows, too.
    pub(crate) name: &'static str,
    /// How long it uses a key, in milliseconds.
    pub(crate) cache_lifetime_ms: u64,
    /// The variable that sets its cache lifetime, in milliseconds.
    pub(crate) cache_lifetime_variable: Option<&'static str>,
    /// How long the shim waits for the daemon, in milliseconds: shorter than the client's patience,
    /// because the text of a failure is lost if the client kills the shim.
    pub(crate) timeout_ms: u64,
    /// The form in which it reads a key.
    pub(crate) format: Format,
    /// The variables that contain the URL of its gateway. The first one that is set counts.
    pub(crate) gateway_variables: &'static [&'static str],
}

/// The client that is neither named nor in the program's name.
pub(crate) static CLAUDE_CODE: ClientDefaults = ClientDefaults {
    name: "claude-code",
    // Its own default, which its variable overrides.
    cache_lifetime_ms: 300_000,
    cache_lifetime_variable: Some("CLAUDE_CODE_API_KEY_HELPER_TTL_MS"),
    // It shows a notice about a slow helper after 10 s.
    timeout_ms: 8_000,
    format: Format::Key,
    gateway_variables: &[ANTHROPIC_BASE_URL],
};

/// A client whose gateway is not in a variable of its own is still checked against this one: a URL
/// in the environment that is not the profile's gateway is refused.
const ANTHROPIC_BASE_URL: &str = "ANTHROPIC_BASE_URL";

static CLAUDE_DESKTOP: ClientDefaults = ClientDefaults {
    name: "claude-desktop",
    // The default of inferenceCredentialHelperTtlSec.
    cache_lifetime_ms: 3_600_000,
    cache_lifetime_variable: None,
    // It waits about 20 s within a session and 60 s at its start, and shows no notice before: a
    // login and a read of 5 s each are in time.
    timeout_ms: 15_000,
    ..CLAUDE_CODE
};

static CODEX: ClientDefaults = ClientDefaults {
    name: "codex",
    // The default of refresh_interval_ms.
    cache_lifetime_ms: 300_000,
    cache_lifetime_variable: None,
    // The default of timeout_ms is 5 s.
    timeout_ms: 4_500,
    ..CLAUDE_CODE
};

static COPILOT: ClientDefaults = ClientDefaults {
    name: "copilot",
    // It runs the command at every request.
    cache_lifetime_ms: 0,
    cache_lifetime_variable: None,
    // It waits 30 s, and a person waits as long: the usual time.
    timeout_ms: 8_000,
    gateway_variables: &["COPILOT_PROVIDER_BASE_URL", ANTHROPIC_BASE_URL],
    ..CLAUDE_CODE
};

static PI: ClientDefaults = ClientDefaults {
    name: "pi",
    // It runs the command at every request.
    cache_lifetime_ms: 0,
    cache_lifetime_variable: None,
    // It waits 10 s.
    timeout_ms: 8_000,
    ..CLAUDE_CODE
};

static HERMES: ClientDefaults = ClientDefaults {
    name: "hermes",
    // For a key without an expiry. For one with an expiry it is until a minute before that.
    cache_lifetime_ms: 900_000,
    cache_lifetime_variable: None,
    // It waits 15 s.
    timeout_ms: 8_000,
    // Of a bare key it does not know the expiry.
    format: Format::Oauth,
    ..CLAUDE_CODE
};

static CLIENTS: [&ClientDefaults; 6] = [
    &CLAUDE_CODE,
    &CLAUDE_DESKTOP,
    &CODEX,
    &COPILOT,
    &PI,
    &HERMES,
];

/// The names of all clients, for messages.
const NAMES: &str = "claude-code, claude-desktop, codex, copilot, pi or hermes";

/// The program's name before that of a client.
const PROGRAM: &str = "claviger-helper-";

/// The client that `--client` names.
///
/// # Errors
///
/// [`ExitCode::Usage`](claviger_wire::ExitCode::Usage) for an unknown name.
pub(crate) fn named(name: &str) -> Result<&'static ClientDefaults, Failure> {
    find(name).ok_or_else(|| invalid("--client", name, NAMES))
}

/// The client in the name under which the program is run: `claviger-helper-NAME` is a link for a
/// client that passes no arguments. Claude Code for any other name.
///
/// # Errors
///
/// [`ExitCode::Usage`](claviger_wire::ExitCode::Usage) for an unknown NAME.
pub(crate) fn of_program(program: Option<&OsStr>) -> Result<&'static ClientDefaults, Failure> {
    let file = program.and_then(|program| Path::new(program).file_name());
    of_file(&file.unwrap_or_default().to_string_lossy(), EXE_SUFFIX)
}

fn of_file(file: &str, exe_suffix: &str) -> Result<&'static ClientDefaults, Failure> {
    // Windows has such a suffix, and does not distinguish the case of files' names.
    let name = match exe_suffix {
        "" => Cow::Borrowed(file),
        _ => Cow::Owned(file.to_ascii_lowercase()),
    };
    let name = name.strip_suffix(exe_suffix).unwrap_or(&name);
    let Some(client) = name.strip_prefix(PROGRAM) else {
        return Ok(&CLAUDE_CODE);
    };
    find(client).ok_or_else(|| {
        usage(
            format!("unknown client '{client}' in the name of the program '{file}'"),
            format!("rename it, or use --client with {NAMES}"),
        )
    })
}

fn find(name: &str) -> Option<&'static ClientDefaults> {
    // Short, as the links for Claude Desktop are.
    let name = if name == "desktop" {
        CLAUDE_DESKTOP.name
    } else {
        name
    };
    CLIENTS.into_iter().find(|client| client.name == name)
}

#[cfg(test)]
mod tests {
    use claviger_wire::ExitCode;

    use super::*;

    #[test]
    fn every_client_is_found_by_its_name_and_in_the_programs_name() {
        for client in CLIENTS {
            assert_eq!(named(client.name), Ok(client));
            let link = format!("/opt/{PROGRAM}{}", client.name);
            assert_eq!(of_program(Some(OsStr::new(&link))), Ok(client));
        }
        assert_eq!(named("desktop"), Ok(&CLAUDE_DESKTOP));
        let link = OsStr::new("claviger-helper-desktop");
        assert_eq!(of_program(Some(link)), Ok(&CLAUDE_DESKTOP));
    }

    #[test]
    fn another_program_name_is_that_of_claude_code() {
        for name in ["/usr/bin/claviger-helper", "key", "claviger", "", "/", ".."] {
            assert_eq!(
                of_program(Some(OsStr::new(name))),
                Ok(&CLAUDE_CODE),
                "{name}"
            );
        }
        assert_eq!(of_program(None), Ok(&CLAUDE_CODE));
    }

    #[test]
    fn windows_adds_a_suffix_and_ignores_case() {
        for name in [
            "claviger-helper-codex.exe",
            "CLAVIGER-HELPER-Codex.EXE",
            "claviger-helper-codex",
        ] {
            assert_eq!(of_file(name, ".exe"), Ok(&CODEX), "{name}");
        }
        assert_eq!(of_file("claviger-helper.exe", ".exe"), Ok(&CLAUDE_CODE));
        for name in ["claviger-helper-codex.exe", "claviger-helper-Codex"] {
            assert!(of_file(name, "").is_err(), "{name}");
        }
    }

    #[test]
    fn an_unknown_client_is_an_error_that_names_the_known_ones() {
        for name in ["", "claude", "Codex", "codex ", "crush"] {
            let link = format!("{PROGRAM}{name}");
            for failure in [named(name), of_file(&link, "")] {
                let failure = failure.unwrap_err();
                assert_eq!(failure.code, ExitCode::Usage, "{name}");
                assert!(
                    failure.message.contains(&format!("'{name}'")),
                    "{failure:?}"
                );
                let hint = failure.hint.unwrap();
                assert!(
                    CLIENTS.iter().all(|client| hint.contains(client.name)),
                    "{hint}"
                );
            }
        }
    }

    #[test]
    fn the_shim_answers_before_each_client_gives_up() {
        for (client, patience_ms) in [
            (&CLAUDE_CODE, 10_000),
            (&CLAUDE_DESKTOP, 20_000),
            (&CODEX, 5_000),
            (&COPILOT, 30_000),
            (&PI, 10_000),
            (&HERMES, 15_000),
        ] {
            assert!(client.timeout_ms + 500 <= patience_ms, "{client:?}");
        }
    }
}
