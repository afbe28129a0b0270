//! pi: the keys in its `models.json`, of which those that start with `!` are commands.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    caller::Caller,
    command::{Command, names_shim},
    facts::Facts,
};
use crate::{
    client_kind::ClientKind,
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
    secret::Secret,
};

/// pi sends the command as the key.
pub(super) const NO_MARK: Check = super::check_of(
    Severity::Fatal,
    "client.pi-command",
    "pi with claviger-helper as the key itself, without '!' before it",
);

/// What concerns the key in `models.json`.
#[derive(Deserialize)]
struct Models {
    #[serde(default)]
    providers: BTreeMap<String, Provider>,
}

#[derive(Deserialize)]
struct Provider {
    #[serde(rename = "apiKey")]
    api_key: Option<Secret>,
}

/// The keys with the places that they stand at.
fn keys(facts: &Facts<'_>) -> Vec<(String, Secret)> {
    let Some((file, text)) = &facts.pi else {
        return Vec::new();
    };
    let Ok(models) = serde_json::from_str::<Models>(text.expose()) else {
        return Vec::new();
    };
    let providers = models.providers.into_iter();
    providers
        .filter_map(|(id, provider)| {
            let place = format!("{}: providers.{id}.apiKey", file.display());
            Some((place, provider.api_key?))
        })
        .collect()
}

/// The commands of pi that run the shim.
pub(super) fn callers(facts: &Facts<'_>) -> Vec<Caller> {
    keys(facts)
        .into_iter()
        .filter_map(|(place, key)| {
            let command = Command::parse(key.expose().strip_prefix('!')?);
            facts.runs_shim(&command).then_some(Caller {
                kind: ClientKind::Pi,
                name: "pi",
                place,
                scope: None,
                command,
            })
        })
        .collect()
}

/// Checks the keys that are no commands.
pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let keys = keys(facts).into_iter();
    keys.filter(|(_, key)| !key.expose().starts_with('!') && names_shim(key.expose()))
        .map(|(place, _)| {
            let finding = "pi sends the path of claviger-helper as the key";
            NO_MARK.found(finding, [place], "write '!' before the command")
        })
        .collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_command_starts_with_a_mark() {
        for (key, is_caller, is_found) in [
            ("!/bin/claviger-helper --client pi", true, false),
            ("/bin/claviger-helper --client pi", false, true),
            ("!/bin/corp-key", false, false),
            ("sk-canary", false, false),
        ] {
            let text = format!(r#"{{"providers": {{"gw": {{"apiKey": "{key}", "x": 1}}}}}}"#);
            let facts = Facts {
                pi: Some(("/models.json".into(), Secret::new(text))),
                ..Facts::default()
            };
            assert_eq!(!callers(&facts).is_empty(), is_caller, "{key}");
            let findings = check(&facts);
            assert_eq!(!findings.is_empty(), is_found, "{key}");
            assert!(!format!("{findings:?}").contains("canary"));
        }
    }
}
