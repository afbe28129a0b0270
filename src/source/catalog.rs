//! Builds the sources of a configuration. The only file that names the implementations.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;

use super::{
    Freshness, Revocation, Revoked, Source, SourceError, exec::ExecSource, jwt::JwtSource,
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
        let revocation = match self.built.get() {
            Some(source) => source.revoke(credential).await,
            // Never used, so that there is nothing to revoke.
            None => Ok(Revocation::default()),
        };
        // Its login served this source's.
        if let Some(upstream) = &self.upstream {
            let ended = upstream.revoke(None).await?;
            return revocation.map(|revocation| Revocation {
                login: match revocation.login {
                    Revoked::Nothing => ended.login,
                    own => own,
                },
                ..revocation
            });
        }
        revocation
    }

    fn host(&self) -> &str {
        self.get().map_or(&self.name, |source| source.host())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::clock::SystemClock;

    /// A source with a login that is revoked once.
    #[derive(Default)]
    struct LoggedIn(AtomicUsize);

    #[async_trait]
    impl Source for LoggedIn {
        async fn issue(&self) -> Result<Credential, SourceError> {
            Err(SourceError::Forgotten)
        }

        async fn revoke(&self, credential: Option<&Credential>) -> Result<Revocation, SourceError> {
            assert_eq!(credential, None);
            let login = match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Revoked::Done,
                _ => Revoked::Nothing,
            };
            Ok(Revocation {
                login,
                ..Revocation::default()
            })
        }

        fn host(&self) -> &str {
            "upstream"
        }
    }

    #[tokio::test]
    async fn a_logout_ends_the_login_of_the_whole_chain() {
        let text = "version = 1\n[profile.p]\nsource = \"s\"\n[source.s]\ntype = \"jwt\"\n\
                    algorithm = \"HS256\"\nkey_env = \"KEY\"\n";
        let config = config::parse(Path::new("/c.toml"), text).unwrap();
        let upstream = Arc::new(LoggedIn::default());
        let source = LazySource {
            name: "s".to_owned(),
            config: config.sources["s"].clone(),
            principal: Principal::of_this_machine(config.env_names()),
            clock: Arc::new(SystemClock),
            upstream: Some(Arc::clone(&upstream) as Arc<dyn Source>),
            built: OnceLock::new(),
        };
        for (count, login) in [(1, Revoked::Done), (2, Revoked::Nothing)] {
            assert_eq!(source.revoke(None).await.unwrap().login, login);
            assert_eq!(upstream.0.load(Ordering::SeqCst), count);
        }
    }
}
