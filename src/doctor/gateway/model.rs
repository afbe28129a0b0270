//! The second checkpoint: the model is routed.

use std::{fs, path::Path};

use serde_json::Value;

use super::{
    checks::MODEL,
    facts::{GatewayFacts, MESSAGES, Model},
};
use crate::{
    claude_code::places::{MANAGED_DROP_INS, MANAGED_FILE, managed_directory},
    doctor::finding::{Finding, Severity},
};

/// The variable that names the model of Claude Code's turns.
const VARIABLE: &str = "ANTHROPIC_MODEL";

/// A model that every gateway with Anthropic's models routes, for one that lists none.
const WELL_KNOWN: &str = "claude-sonnet-4-5";

/// What is wrong with the model.
pub(super) fn check(facts: &GatewayFacts) -> Option<Finding> {
    let turn = facts.turn().filter(|turn| turn.is_about_model())?;
    let Model {
        name,
        is_configured,
    } = &facts.model;
    let (severity, remedy) = match is_configured {
        true => (
            Severity::Fatal,
            format!("route it at the gateway, or correct {VARIABLE} in the managed settings"),
        ),
        // Claude Code may ask for another one.
        false => (
            Severity::Warning,
            format!("route Claude Code's models, or set {VARIABLE} in the managed settings"),
        ),
    };
    Some(Finding {
        severity,
        ..facts.found(
            &MODEL,
            format!("the gateway '{}' routes no model '{name}'", facts.address),
            [turn.evidence(MESSAGES)],
            remedy,
        )
    })
}

/// The model for a message: that of the managed settings, else one that the gateway lists.
pub(super) fn choose(configured: Option<String>, listed: &[String]) -> Model {
    let mut known = listed.iter();
    let claude = known.find(|name| name.contains("claude"));
    let name = claude.or(listed.first()).cloned();
    Model {
        is_configured: configured.is_some(),
        name: configured.or(name).unwrap_or_else(|| WELL_KNOWN.to_owned()),
    }
}

/// The model that Claude Code's managed settings name.
pub(super) fn configured() -> Option<String> {
    in_settings(&managed_directory())
}

/// The last model that the settings below `directory` name.
fn in_settings(directory: &Path) -> Option<String> {
    let drop_ins = fs::read_dir(directory.join(MANAGED_DROP_INS)).into_iter();
    let mut drop_ins: Vec<_> = drop_ins
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    drop_ins.sort();
    let files = std::iter::once(directory.join(MANAGED_FILE)).chain(drop_ins);
    let mut last_first = files.rev();
    last_first.find_map(|file| model_of(&fs::read(file).ok()?))
}

fn model_of(settings: &[u8]) -> Option<String> {
    let settings: Value = serde_json::from_slice(settings).ok()?;
    let variable = settings["env"][VARIABLE].as_str();
    let name = variable.or(settings["model"].as_str())?;
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::gateway::facts::tests::{error, healthy, ids};

    #[test]
    fn a_model_that_is_not_routed_is_fatal_if_it_is_configured() {
        for status in [400, 404, 403, 422] {
            for is_configured in [true, false] {
                let facts = GatewayFacts {
                    message: Some(Ok(error(status, Some("model not available")))),
                    model: Model {
                        name: "claude-x".to_owned(),
                        is_configured,
                    },
                    ..healthy()
                };
                assert_eq!(ids(&facts), ["model"], "{status}");
                let found = check(&facts).unwrap();
                assert_eq!(found.severity == Severity::Fatal, is_configured);
                assert!(found.finding.contains("'claude-x'"), "{found:?}");
            }
        }
    }

    #[test]
    fn the_configured_model_comes_first_then_a_listed_one() {
        let listed = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        for (configured, names, expected) in [
            (Some("mine"), &["gpt", "claude-a"][..], "mine"),
            (None, &["gpt", "eu.claude-a"], "eu.claude-a"),
            (None, &["gpt"], "gpt"),
            (None, &[], WELL_KNOWN),
        ] {
            let model = choose(configured.map(str::to_owned), &listed(names));
            assert_eq!(model.name, expected);
            assert_eq!(model.is_configured, configured.is_some());
        }
    }

    #[test]
    fn the_last_managed_settings_win() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        assert_eq!(in_settings(directory.path()), None);
        fs::write(path(MANAGED_FILE), r#"{"env":{"ANTHROPIC_MODEL":"first"}}"#).unwrap();
        assert_eq!(in_settings(directory.path()).as_deref(), Some("first"));
        fs::create_dir(path(MANAGED_DROP_INS)).unwrap();
        for (name, text) in [
            ("20-b.json", r#"{"env":{"ANTHROPIC_MODEL":"third"}}"#),
            ("10-a.json", r#"{"model":"second"}"#),
            ("30-c.json", "broken"),
            ("40-d.txt", r#"{"model":"text"}"#),
        ] {
            fs::write(path(MANAGED_DROP_INS).join(name), text).unwrap();
        }
        assert_eq!(in_settings(directory.path()).as_deref(), Some("third"));
    }
}
