//! Builds the sources of a configuration. The only file that names the implementations.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use async_trait::async_trait;

use super::{Freshness, Source, SourceError, exec::ExecSource, jwt::JwtSource, vault::VaultSource};
use crate::{
    client_variables::ClientVariables,
    clock::Clock,
    config::{self, Config},
    credential::Credential,
    principal::Principal,
    sync,
};

/// The sources of a configuration, each for the variables of a client. A source is built at its
/// first use. If that fails, the next use builds it again: a missing file may exist by then.
pub struct Catalog {
    config: Arc<Config>,
    /// The user and machine, without variables.
    principal: Principal,
    clock: Arc<dyn Clock>,
    /// Those that need no variables, so that all clients and profiles share them and their login.
    shared: Mutex<BTreeMap<String, Arc<dyn Source>>>,
}

impl Catalog {
    /// The sources of `config`. Nothing is built.
    #[must_use]
    pub fn new(config: &Arc<Config>, clock: &Arc<dyn Clock>) -> Self {
        Self {
            config: Arc::clone(config),
            principal: Principal::of_this_machine(),
            clock: Arc::clone(clock),
            shared: Mutex::default(),
        }
    }

    /// The source `name`, which must exist, for a client with these variables. If it or its chain
    /// needs variables, it is a new one, with a login of its own.
    ///
    /// Terminates: the configuration is checked for circular references and unknown sources.
    #[must_use]
    pub fn source(&self, name: &str, variables: &ClientVariables) -> Arc<dyn Source> {
        if !self.config.client_variables(name).is_empty() {
            return self.lazy(name, variables);
        }
        if let Some(shared) = sync::lock(&self.shared).get(name) {
            return Arc::clone(shared);
        }
        let source = self.lazy(name, &ClientVariables::default());
        let mut shared = sync::lock(&self.shared);
        Arc::clone(shared.entry(name.to_owned()).or_insert(source))
    }

    fn lazy(&self, name: &str, variables: &ClientVariables) -> Arc<dyn Source> {
        let config = self.config.sources[name].clone();
        let upstream = config.upstream().map(|name| self.source(name, variables));
        Arc::new(LazySource {
            name: name.to_owned(),
            config,
            principal: self.principal.with_variables(variables),
            clock: Arc::clone(&self.clock),
            upstream,
            built: OnceLock::new(),
        })
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

    async fn revoke(&self, credential: Option<&Credential>) -> Result<(), SourceError> {
        match self.built.get() {
            Some(source) => source.revoke(credential).await,
            // Never used, so that there is nothing to revoke.
            None => Ok(()),
        }
    }

    fn host(&self) -> &str {
        self.get().map_or(&self.name, |source| source.host())
    }
}
