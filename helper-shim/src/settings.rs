//! Settings from the environment, and the request that they make with the options.

use std::process;

use claviger_wire::{Acquire, Failure, Variables, paths::Env};

use crate::{
    args::Options,
    value::{self, usage},
};

/// The default time limit in milliseconds. Claude Code shows a notice after 10 s.
const DEFAULT_TIMEOUT_MS: u64 = 8_000;
/// The time for which Claude Code uses a key by default, in milliseconds.
const DEFAULT_CACHE_LIFETIME_MS: u64 = 300_000;

/// Returns the time limit in milliseconds: the option, `CLAVIGER_TIMEOUT_MS` or the default.
///
/// # Errors
///
/// [`ExitCode::Usage`](claviger_wire::ExitCode::Usage) for an invalid `CLAVIGER_TIMEOUT_MS`.
pub(crate) fn timeout_ms(option: Option<u64>, env: Env<'_>) -> Result<u64, Failure> {
    match (option, text("CLAVIGER_TIMEOUT_MS", env)?) {
        (Some(ms), _) => Ok(ms),
        (None, Some(value)) => value::milliseconds("CLAVIGER_TIMEOUT_MS", &value),
        (None, None) => Ok(DEFAULT_TIMEOUT_MS),
    }
}

/// Returns the request, except its `deadline_ms` and `variables`.
///
/// # Errors
///
/// [`ExitCode::Usage`](claviger_wire::ExitCode::Usage) for a variable that is not UTF-8 or too
/// long.
pub(crate) fn acquire(
    options: &Options,
    is_terminal: bool,
    env: Env<'_>,
) -> Result<Acquire, Failure> {
    let profile = match (&options.profile, text("CLAVIGER_PROFILE", env)?) {
        (Some(option), _) => Some(option.clone()),
        (None, Some(value)) => Some(value::profile("CLAVIGER_PROFILE", value)?),
        (None, None) => None,
    };
    let cache_lifetime_ms = env("CLAUDE_CODE_API_KEY_HELPER_TTL_MS")
        .and_then(|value| value.to_str()?.trim().parse().ok())
        .unwrap_or(DEFAULT_CACHE_LIFETIME_MS);
    Ok(Acquire {
        profile,
        gateway: text("ANTHROPIC_BASE_URL", env)?,
        cache_lifetime_ms,
        format: options.format,
        deadline_ms: 0,
        reveal: is_terminal && options.reveal,
        pid: Some(process::id()),
        variables: Variables::OnRequest,
    })
}

fn text(name: &str, env: Env<'_>) -> Result<Option<String>, Failure> {
    env(name)
        .map(|value| {
            let value = value.into_string();
            let value = value.map_err(|_| usage(format!("'{name}' is not UTF-8"), "unset it"))?;
            value::text(name, value)
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use claviger_wire::{ExitCode, MAX_TEXT_LEN};

    use super::*;

    fn env<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        move |name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        }
    }

    #[test]
    fn an_option_overrides_its_variable() {
        let both = env(&[
            ("CLAVIGER_PROFILE", "variable"),
            ("CLAVIGER_TIMEOUT_MS", "9"),
        ]);
        let mut options = Options::default();
        let request = acquire(&options, false, &both).unwrap();
        assert_eq!(request.profile.as_deref(), Some("variable"));
        assert_eq!(timeout_ms(None, &both).unwrap(), 9);
        options.profile = Some("option".to_owned());
        let request = acquire(&options, false, &both).unwrap();
        assert_eq!(request.profile.as_deref(), Some("option"));
        assert_eq!(timeout_ms(Some(7), &both).unwrap(), 7);
        assert_eq!(timeout_ms(None, &env(&[])).unwrap(), 8_000);
    }

    #[test]
    fn the_cache_lifetime_of_the_client_is_sent() {
        let lifetime = |value| {
            let variables = [("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", value)];
            acquire(&Options::default(), false, &env(&variables))
                .unwrap()
                .cache_lifetime_ms
        };
        assert_eq!(lifetime("0"), 0);
        assert_eq!(lifetime("60000"), 60_000);
        for bad in ["", "5m", "-1", "1.5"] {
            assert_eq!(lifetime(bad), 300_000, "{bad}");
        }
    }

    #[test]
    fn reveal_is_sent_only_for_a_terminal() {
        let options = Options {
            reveal: true,
            ..Options::default()
        };
        assert!(acquire(&options, true, &env(&[])).unwrap().reveal);
        assert!(!acquire(&options, false, &env(&[])).unwrap().reveal);
    }

    #[test]
    fn bad_values_are_configuration_errors() {
        for bad in ["0", "600001", "8s", "-1"] {
            let failure = timeout_ms(None, &env(&[("CLAVIGER_TIMEOUT_MS", bad)])).unwrap_err();
            assert_eq!(failure.code, ExitCode::Usage);
            assert_eq!(failure.hint.as_deref(), Some("use 1 to 600000"));
        }
        let long = "x".repeat(MAX_TEXT_LEN + 1);
        for name in ["CLAVIGER_PROFILE", "ANTHROPIC_BASE_URL"] {
            let variables = [(name, long.as_str())];
            let failure = acquire(&Options::default(), false, &env(&variables)).unwrap_err();
            assert_eq!(failure.code, ExitCode::Usage);
            assert!(failure.message.contains(name));
        }
    }
}
