//! Builds the sources of a configuration. The only file that names the implementations.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;

use super::{
    Freshness, Revocation, Source, SourceError, exec::ExecSource, jwt::JwtSource,
    vault::VaultSource,
};
use crate::{
    clock::Clock,
    config::{self, Config},
    credential::Credential,
    principal::Principal,
};

/// Returns every source of a configuration, by name. Each is built at its first use. If that fails,
/// the next use builds it again: a missing file or variable may exist by then.
#[must_use]
pub fn build(config: &Config, clock: &Arc<dyn Clock>) -> BTreeMap<String, Arc<dyn Source>> {
    let mut builder = CatalogBuilder {
        config,
        principal: Principal::of_this_machine(config.env_names()),
        clock,
        built: BTreeMap::new(),
    };
    for name in config.sources.keys() {
        builder.get(name);
    }
    builder.built
}

struct CatalogBuilder<'a> {
    config: &'a Config,
    principal: Principal,
    clock: &'a Arc<dyn Clock>,
    built: BTreeMap<String, Arc<dyn Source>>,
}

impl CatalogBuilder<'_> {
    /// Terminates: the configuration is checked for circular references and unknown sources.
    fn get(&mut self, name: &str) -> Arc<dyn Source> {
        if let Some(built) = self.built.get(name) {
            return Arc::clone(built);
        }
        let config = self.config.sources[name].clone();
        let upstream = config.upstream().map(|name| self.get(name));
        let source: Arc<dyn Source> = Arc::new(LazySource {
            name: name.to_owned(),
            config,
            principal: self.principal.clone(),
            clock: Arc::clone(self.clock),
            upstream,
            built: OnceLock::new(),
        });
        self.built.insert(name.to_owned(), Arc::clone(&source));
        source
    }
}

/// A source that is built at its first use.
struct LazySource {
    name: String,
    config: config::SourceConfig,
    principal: Principal,
    clock: Arc<dyn Clock>,
    upstream: Option<Arc<dyn Source>>,
    built: OnceLock<Arc<dyn Source>>,
}

impl LazySource {
    fn get(&self) -> Result<&dyn Source, SourceError> {
        if let Some(built) = self.built.get() {
            return Ok(&**built);
        }
        let built = self.build()?;
        Ok(&**self.built.get_or_init(|| built))
    }

    fn build(&self) -> Result<Arc<dyn Source>, SourceError> {
        let (name, principal) = (&self.name, &self.principal);
        let clock = Arc::clone(&self.clock);
        Ok(match &self.config {
            config::SourceConfig::Vault(vault) => {
                let jwt = self.upstream.clone();
                Arc::new(VaultSource::new(name, vault, principal, clock, jwt)?)
            }
            config::SourceConfig::Jwt(jwt) => {
                Arc::new(JwtSource::new(name, jwt, principal, clock)?)
            }
            config::SourceConfig::Exec(exec) => {
                Arc::new(ExecSource::new(name, exec, principal, clock)?)
            }
        })
    }
}

#[async_trait]
impl Source for LazySource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        self.get()?.issue().await
    }

    async fn renew(&self, credential: &Credential) -> Result<Option<Credential>, SourceError> {
        self.get()?.renew(credential).await
    }

    async fn revalidate(&self, credential: &Credential) -> Result<Freshness, SourceError> {
        self.get()?.revalidate(credential).await
    }

    async fn revoke(&self, credential: Option<&Credential>) -> Result<Revocation, SourceError> {
        match self.built.get() {
            Some(source) => source.revoke(credential).await,
            // Never used, so that there is nothing to revoke.
            None => Ok(Revocation::default()),
        }
    }

    fn host(&self) -> &str {
        self.get().map_or(&self.name, |source| source.host())
    }
}
