//! Settings from the environment, and the request that they make with the options.

use std::process;

use claviger_wire::{Acquire, Failure, MAX_LABEL_LEN, Variables, paths::Env};

use crate::{
    args::Options,
    client::ClientDefaults,
    value::{self, usage},
};

/// Returns the time limit in milliseconds: the option, `CLAVIGER_TIMEOUT_MS` or the client's.
///
/// # Errors
///
/// [`ExitCode::Usage`](claviger_wire::ExitCode::Usage) for an invalid `CLAVIGER_TIMEOUT_MS`.
pub(crate) fn timeout_ms(
    option: Option<u64>,
    client: &ClientDefaults,
    env: Env<'_>,
) -> Result<u64, Failure> {
    match (option, text("CLAVIGER_TIMEOUT_MS", env)?) {
        (Some(ms), _) => Ok(ms),
        (None, Some(value)) => value::milliseconds("CLAVIGER_TIMEOUT_MS", &value),
        (None, None) => Ok(client.timeout_ms),
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
    client: &ClientDefaults,
    is_terminal: bool,
    env: Env<'_>,
) -> Result<Acquire, Failure> {
    let profile = match (&options.profile, text("CLAVIGER_PROFILE", env)?) {
        (Some(option), _) => Some(option.clone()),
        (None, Some(value)) => Some(value::profile("CLAVIGER_PROFILE", value)?),
        (None, None) => None,
    };
    Ok(Acquire {
        profile,
        gateway: gateway(client, env)?,
        cache_lifetime_ms: cache_lifetime_ms(options.cache_lifetime_ms, client, env),
        format: options.format.unwrap_or(client.format),
        deadline_ms: 0,
        reveal: is_terminal && options.reveal,
        pid: Some(process::id()),
        client: Some(client.name.to_owned()),
        // A reason that cannot be sent is as good as none.
        context: env("CLAUDE_HELPER_CONTEXT")
            .and_then(|context| context.into_string().ok())
            .filter(|context| context.len() <= MAX_LABEL_LEN),
        variables: Variables::OnRequest,
    })
}

/// The first of the client's variables with its gateway's URL that is set.
fn gateway(client: &ClientDefaults, env: Env<'_>) -> Result<Option<String>, Failure> {
    for name in client.gateway_variables {
        if let Some(url) = text(name, env)? {
            return Ok(Some(url));
        }
    }
    Ok(None)
}

/// The option, the client's variable or the client's default. As the client does, it ignores a
/// variable that is not a number.
fn cache_lifetime_ms(option: Option<u64>, client: &ClientDefaults, env: Env<'_>) -> u64 {
    let variable = || {
        let value = env(client.cache_lifetime_variable?)?;
        value.to_str()?.trim().parse().ok()
    };
    option.or_else(variable).unwrap_or(client.cache_lifetime_ms)
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

    use claviger_wire::{ExitCode, Format, MAX_TEXT_LEN};

    use super::*;
    use crate::client::{CLAUDE_CODE, named};

    fn env<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        move |name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        }
    }

    fn sent(client: &str, options: &Options, variables: &[(&str, &str)]) -> Acquire {
        acquire(options, named(client).unwrap(), false, &env(variables)).unwrap()
    }

    #[test]
    fn an_option_overrides_its_variable() {
        let both = [
            ("CLAVIGER_PROFILE", "variable"),
            ("CLAVIGER_TIMEOUT_MS", "9"),
        ];
        let mut options = Options::default();
        let request = sent("claude-code", &options, &both);
        assert_eq!(request.profile.as_deref(), Some("variable"));
        options.profile = Some("option".to_owned());
        let request = sent("claude-code", &options, &both);
        assert_eq!(request.profile.as_deref(), Some("option"));
        let timeout = |option, variables| timeout_ms(option, &CLAUDE_CODE, &env(variables));
        assert_eq!(timeout(Some(7), &both), Ok(7));
        assert_eq!(timeout(None, &both), Ok(9));
        assert_eq!(timeout(None, &[]), Ok(CLAUDE_CODE.timeout_ms));
    }

    #[test]
    fn the_option_the_variable_of_claude_code_or_the_clients_own_cache_lifetime_is_sent() {
        const TTL: &str = "CLAUDE_CODE_API_KEY_HELPER_TTL_MS";
        let lifetime = |client, option, value| {
            let options = Options {
                cache_lifetime_ms: option,
                ..Options::default()
            };
            sent(client, &options, &[(TTL, value)]).cache_lifetime_ms
        };
        assert_eq!(lifetime("claude-code", None, "0"), 0);
        assert_eq!(lifetime("claude-code", None, " 60000"), 60_000);
        assert_eq!(lifetime("claude-code", Some(1), "60000"), 1);
        for bad in ["", "5m", "-1", "1.5"] {
            assert_eq!(lifetime("claude-code", None, bad), 300_000, "{bad}");
        }
        for (client, own) in [
            ("claude-desktop", 3_600_000),
            ("codex", 300_000),
            ("copilot", 0),
            ("pi", 0),
            ("hermes", 900_000),
        ] {
            assert_eq!(lifetime(client, None, "60000"), own, "{client}");
            assert_eq!(lifetime(client, Some(1), "60000"), 1, "{client}");
        }
    }

    #[test]
    fn the_format_is_the_option_or_the_clients() {
        let json = Options {
            format: Some(Format::Json),
            ..Options::default()
        };
        for (client, own) in [("codex", Format::Key), ("hermes", Format::Oauth)] {
            assert_eq!(sent(client, &Options::default(), &[]).format, own);
            assert_eq!(sent(client, &json, &[]).format, Format::Json);
        }
    }

    #[test]
    fn the_gateway_of_copilot_is_in_its_own_variable() {
        let anthropic = ("ANTHROPIC_BASE_URL", "https://a.example");
        let copilot = ("COPILOT_PROVIDER_BASE_URL", "https://c.example/v1");
        let gateway =
            |client, variables: &[_]| sent(client, &Options::default(), variables).gateway;
        for (client, variables, expected) in [
            ("copilot", &[anthropic, copilot][..], Some(copilot.1)),
            ("copilot", &[anthropic], Some(anthropic.1)),
            ("copilot", &[], None),
            ("codex", &[anthropic, copilot], Some(anthropic.1)),
            ("claude-code", &[copilot], None),
        ] {
            assert_eq!(
                gateway(client, variables).as_deref(),
                expected,
                "{client} {variables:?}"
            );
        }
    }

    #[test]
    fn a_context_that_is_too_long_is_not_sent() {
        let longest = "x".repeat(MAX_LABEL_LEN);
        let context = |value: &str| {
            let variables = [("CLAUDE_HELPER_CONTEXT", value)];
            sent("claude-desktop", &Options::default(), &variables).context
        };
        for value in ["mid-session-refresh", "of a later version", &longest] {
            assert_eq!(context(value).as_deref(), Some(value));
        }
        assert_eq!(context(&format!("{longest}x")), None);
    }

    #[test]
    fn reveal_is_sent_only_for_a_terminal() {
        let options = Options {
            reveal: true,
            ..Options::default()
        };
        for is_terminal in [true, false] {
            let request = acquire(&options, &CLAUDE_CODE, is_terminal, &env(&[])).unwrap();
            assert_eq!(request.reveal, is_terminal);
        }
    }

    #[test]
    fn bad_values_are_configuration_errors() {
        for bad in ["0", "600001", "8s", "-1"] {
            let variables = [("CLAVIGER_TIMEOUT_MS", bad)];
            let failure = timeout_ms(None, &CLAUDE_CODE, &env(&variables)).unwrap_err();
            assert_eq!(failure.code, ExitCode::Usage);
            assert_eq!(failure.hint.as_deref(), Some("use 1 to 600000"));
        }
        let long = "x".repeat(MAX_TEXT_LEN + 1);
        for name in [
            "CLAVIGER_PROFILE",
            "ANTHROPIC_BASE_URL",
            "COPILOT_PROVIDER_BASE_URL",
        ] {
            let variables = [(name, long.as_str())];
            let copilot = named("copilot").unwrap();
            let options = Options::default();
            let failure = acquire(&options, copilot, false, &env(&variables)).unwrap_err();
            assert_eq!(failure.code, ExitCode::Usage);
            assert!(failure.message.contains(name));
        }
    }
}
