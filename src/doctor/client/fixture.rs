//! Facts for the tests of the checks.

use super::facts::Facts;
use crate::{
    claude_code::settings::{Contents, Layer, Scope},
    config::Config,
    secret::Secret,
};

/// Makes facts of the texts of settings.
pub(super) struct Fixture;

impl Fixture {
    /// Claude Code with these settings, in the order of precedence. The files are called by their
    /// numbers.
    pub(super) fn facts(layers: &[(Scope, &str)]) -> Facts<'static> {
        let mut facts = Facts {
            has_claude_code: true,
            ..Facts::default()
        };
        for (index, (scope, text)) in layers.iter().enumerate() {
            facts.settings.layers.push(Layer {
                scope: *scope,
                file: format!("/settings/{index}.json").into(),
                contents: Contents::parse(text.as_bytes()),
            });
        }
        facts
    }

    /// A configuration whose only source signs tokens for ten minutes, with these profiles.
    pub(super) fn config(profiles: &str) -> Config {
        let text = format!(
            "version = 1\n{profiles}\n[source.s]\ntype = 'jwt'\nalgorithm = 'EdDSA'\n\
             key_file = '/key.pem'\nissuer = 'i'\nsubject = 's'\naudience = 'a'\nttl = '10m'\n"
        );
        crate::config::parse(std::path::Path::new("/c.toml"), &text).unwrap()
    }

    /// Adds variables of the environment.
    pub(super) fn set(facts: &mut Facts<'_>, variables: &[(&str, &str)]) {
        for (name, value) in variables {
            let value = Secret::new((*value).to_owned());
            facts.environment.insert((*name).to_owned(), value);
        }
    }
}
