//! Codex: `[model_providers.ID.auth]` in its `config.toml`.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, de::IgnoredAny};

use super::{caller::Caller, command::Command, facts::Facts};
use crate::{
    client_kind::ClientKind,
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
};

/// Codex refuses the configuration.
pub(super) const TWO_KEYS: Check = super::check_of(
    Severity::Fatal,
    "client.codex-env-key",
    "Codex with 'env_key' beside the command, which exclude each other",
);

/// Codex ends the shim before it answers.
pub(super) const TIMEOUT: Check = super::check_of(
    Severity::Warning,
    "client.codex-timeout",
    "Codex with a time limit that is shorter than that of claviger-helper",
);

/// Codex asks at another pace than the shim assumes.
pub(super) const INTERVAL: Check = super::check_of(
    Severity::Warning,
    "client.codex-interval",
    "Codex with an interval that claviger-helper does not know of",
);

/// How long the shim takes at most for Codex, in milliseconds.
const DEADLINE: u64 = 4500;

/// How long Codex uses a key by default, and the shim assumes, in milliseconds.
const DEFAULT_INTERVAL: u64 = 300_000;

/// What concerns the key in Codex's configuration.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    model_providers: BTreeMap<String, Provider>,
}

#[derive(Deserialize)]
struct Provider {
    env_key: Option<IgnoredAny>,
    auth: Option<Auth>,
}

#[derive(Deserialize)]
struct Auth {
    command: String,
    #[serde(default)]
    args: Vec<String>,
    timeout_ms: Option<u64>,
    refresh_interval_ms: Option<u64>,
}

impl Auth {
    fn command(&self) -> Command {
        Command::of_program(self.command.clone(), self.args.clone())
    }
}

/// The providers whose command is the shim.
fn providers(text: &str) -> Vec<(String, Provider)> {
    let Ok(config) = toml::from_str::<Config>(text) else {
        return Vec::new();
    };
    let providers = config.model_providers.into_iter();
    providers
        .filter(|(_, provider)| {
            let auth = provider.auth.as_ref();
            auth.is_some_and(|auth| matches!(auth.command(), Command::Shim(_)))
        })
        .collect()
}

fn place(file: &Path, id: &str, key: &str) -> String {
    format!("{}: model_providers.{id}.{key}", file.display())
}

/// The commands of Codex.
pub(super) fn callers(facts: &Facts<'_>) -> Vec<Caller> {
    let Some((file, text)) = &facts.codex else {
        return Vec::new();
    };
    providers(text)
        .into_iter()
        .filter_map(|(id, provider)| {
            Some(Caller {
                kind: ClientKind::Codex,
                name: "Codex",
                place: place(file, &id, "auth.command"),
                scope: None,
                command: provider.auth?.command(),
            })
        })
        .collect()
}

/// Checks what stands beside the command.
pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some((file, text)) = &facts.codex else {
        return findings;
    };
    for (id, provider) in providers(text) {
        let Some(auth) = &provider.auth else { continue };
        let mut add = |check: Check, key: &str, finding: String, remedy: String| {
            findings.push(check.found(finding, [place(file, &id, key)], remedy));
        };
        if provider.env_key.is_some() {
            let finding = "Codex refuses 'env_key' beside 'auth'".to_owned();
            add(TWO_KEYS, "env_key", finding, "remove 'env_key'".to_owned());
        }
        if let Some(timeout) = auth.timeout_ms.filter(|timeout| *timeout <= DEADLINE) {
            let finding = format!(
                "Codex ends claviger-helper after {timeout} ms, before it can report an error"
            );
            let remedy = "remove 'timeout_ms', which is 5000 by default".to_owned();
            add(TIMEOUT, "auth.timeout_ms", finding, remedy);
        }
        let interval = auth.refresh_interval_ms.unwrap_or(DEFAULT_INTERVAL);
        let is_stated = auth
            .args
            .iter()
            .any(|arg| arg.starts_with("--cache-lifetime"));
        if interval != DEFAULT_INTERVAL && !is_stated {
            let finding = format!(
                "Codex uses a key for {interval} ms, and claviger-helper assumes {DEFAULT_INTERVAL}"
            );
            let remedy = "add '--cache-lifetime' with this interval to 'args'".to_owned();
            add(INTERVAL, "auth.refresh_interval_ms", finding, remedy);
        }
    }
    findings
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn facts(provider: &str, auth: &str) -> Facts<'static> {
        let text = format!(
            "model = 'x'\n[model_providers.gw]\nbase_url = 'https://gw'\n{provider}\n\
             [model_providers.gw.auth]\ncommand = '/bin/claviger-helper'\n{auth}\n"
        );
        Facts {
            codex: Some(("/codex.toml".into(), text)),
            ..Facts::default()
        }
    }

    #[test]
    fn what_stands_beside_the_command_fits_it() {
        for (provider, auth, expected) in [
            ("", "args = ['--client', 'codex']", &[][..]),
            ("", "timeout_ms = 5000\nrefresh_interval_ms = 300000", &[]),
            ("env_key = 'KEY'", "", &["env-key"]),
            ("", "timeout_ms = 3000", &["timeout"]),
            ("", "refresh_interval_ms = 0", &["interval"]),
            (
                "",
                "refresh_interval_ms = 900000\nargs = ['--cache-lifetime', '15m']",
                &[],
            ),
        ] {
            let findings = check(&facts(provider, auth)).into_iter();
            let ids: Vec<_> = findings
                .map(|finding| finding.id.replace("client.codex-", ""))
                .collect();
            assert_eq!(ids, expected, "{provider} {auth}");
        }
    }

    #[test]
    fn only_the_shim_is_a_caller() {
        let callers = callers(&facts("", ""));
        assert_eq!(
            callers[0].place,
            "/codex.toml: model_providers.gw.auth.command"
        );
        for text in [
            "",
            "[",
            "[model_providers.gw]\nenv_key = 'K'",
            "[model_providers.gw.auth]\ncommand = '/bin/corp-key'",
        ] {
            assert_eq!(providers(text).len(), 0, "{text}");
        }
    }
}
