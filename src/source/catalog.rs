//! From a configuration to its sources: the only file that names the implementations.

use std::{collections::BTreeMap, sync::Arc};

use super::{Source, SourceError, exec::ExecSource, jwt::JwtSource, vault::VaultSource};
use crate::{
    clock::Clock,
    config::{self, Assertion, AuthMethod, Config, Principal},
};

/// What became of one configured source.
pub type Built = Result<Arc<dyn Source>, SourceError>;

/// Builds every source, by name. One that cannot be built takes those with it that name it, and no others.
#[must_use]
pub fn build(
    config: &Config,
    principal: &Principal,
    clock: &Arc<dyn Clock>,
) -> BTreeMap<String, Built> {
    let mut builder = Builder {
        config,
        principal,
        clock,
        built: BTreeMap::new(),
    };
    for name in config.sources.keys() {
        let _ = builder.get(name);
    }
    builder.built
}

struct Builder<'a> {
    config: &'a Config,
    principal: &'a Principal,
    clock: &'a Arc<dyn Clock>,
    built: BTreeMap<String, Built>,
}

impl Builder<'_> {
    /// Ends, because the configuration has no cycles.
    fn get(&mut self, name: &str) -> Built {
        if let Some(built) = self.built.get(name) {
            return built.clone();
        }
        let built = self.make(name);
        self.built.insert(name.to_owned(), built.clone());
        built
    }

    fn make(&mut self, name: &str) -> Built {
        let clock = Arc::clone(self.clock);
        Ok(match self.config.sources.get(name) {
            Some(config::Source::Vault(vault)) => {
                let jwt = assertion_source(vault).map(|of| self.get(of)).transpose()?;
                Arc::new(VaultSource::new(name, vault, self.principal, clock, jwt)?)
            }
            Some(config::Source::Jwt(jwt)) => {
                Arc::new(JwtSource::new(name, jwt, self.principal, clock)?)
            }
            Some(config::Source::Exec(exec)) => {
                Arc::new(ExecSource::new(name, exec, self.principal, clock)?)
            }
            None => {
                return Err(SourceError::Configuration {
                    what: format!("there is no source '{name}'"),
                    hint: format!("add [source.{name}]"),
                });
            }
        })
    }
}

/// The source that a Vault login takes its JWT from.
fn assertion_source(vault: &config::Vault) -> Option<&str> {
    match &vault.auth.as_ref()?.method {
        AuthMethod::Jwt {
            jwt: Assertion::Source(name),
            ..
        } => Some(name),
        _ => None,
    }
}
