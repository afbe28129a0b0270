//! Builds the sources of a configuration. The only file that names the implementations.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use async_trait::async_trait;
use serde_json::{Map, Value};

pub use super::oauth::LoginSessions;
use super::{
    Freshness, Revocation, Revoked, SignIn, Source, SourceError, exec::ExecSource, jwt::JwtSource,
    oauth::OauthSource, vault::VaultSource,
};
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
    logins: Arc<LoginSessions>,
    /// Those that need no variables, so that all clients and profiles share them and their login.
    shared: Mutex<BTreeMap<String, Arc<dyn Source>>>,
}

impl Catalog {
    /// The sources of `config`, whose users' logins are those in `logins`. Nothing is built.
    #[must_use]
    pub fn new(config: &Arc<Config>, clock: &Arc<dyn Clock>, logins: &Arc<LoginSessions>) -> Self {
        Self {
            config: Arc::clone(config),
            principal: Principal::of_this_machine(),
            clock: Arc::clone(clock),
            logins: Arc::clone(logins),
            shared: Mutex::default(),
        }
    }

    /// The source `name`, which must exist, for a client with these variables. If it or its chain
    /// needs variables, it is a new one, with a login of its own.
    ///
    /// Terminates: the configuration is checked for circular references and unknown sources.
    #[must_use]
    pub fn source(&self, name: &str, variables: &ClientVariables) -> Arc<dyn Source> {
        if !self.config.source_variables(name).is_empty() {
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
            logins: Arc::clone(&self.logins),
            upstream,
            built: OnceLock::new(),
        })
    }
}

/// The source `name` in Vault, apart from all others, for no client and without a user's login.
///
/// # Errors
///
/// As those of a source that is built: [`SourceError::Configuration`].
pub(crate) fn vault_without_user(
    name: &str,
    config: &config::VaultConfig,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Source>, SourceError> {
    let principal = Principal::of_this_machine();
    let source = VaultSource::new(name, config, &principal, Arc::clone(clock), None, None)?;
    Ok(Arc::new(source))
}

/// A source that is built at its first use.
struct LazySource {
    name: String,
    config: config::SourceConfig,
    principal: Principal,
    clock: Arc<dyn Clock>,
    logins: Arc<LoginSessions>,
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
                let stored = vault.wrapped_secret_id().map(|(store, role_id)| {
                    let server = vault.address.to_string();
                    self.logins.stored(store, name, (&server, role_id))
                });
                Arc::new(VaultSource::new(
                    name, vault, principal, clock, jwt, stored,
                )?)
            }
            config::SourceConfig::Oauth(oauth) => Arc::new(OauthSource::new(
                name,
                oauth,
                principal,
                clock,
                &self.logins,
            )?),
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
        let revocation = match (self.built.get(), &self.config) {
            (Some(source), _) => source.revoke(credential).await,
            // A login may rest in its store.
            (None, config::SourceConfig::Oauth(_)) => self.get()?.revoke(credential).await,
            // Never used, so that there is nothing to revoke.
            (None, _) => Ok(Revocation::default()),
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

    async fn forget(&self) {
        if let Some(built) = self.built.get() {
            built.forget().await;
        }
        if let Some(upstream) = &self.upstream {
            upstream.forget().await;
        }
    }

    fn sign_in(&self) -> Result<Option<Arc<dyn SignIn>>, SourceError> {
        match (self.get()?.sign_in()?, &self.upstream) {
            (None, Some(upstream)) => upstream.sign_in(),
            (own, _) => Ok(own),
        }
    }

    fn claims(&self) -> Option<Arc<Map<String, Value>>> {
        self.get().ok()?.claims()
    }

    fn host(&self) -> &str {
        self.get().map_or(&self.name, |source| source.host())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::{Path, PathBuf},
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::clock::SystemClock;

    /// A source with a login that is revoked once; counts how often it is forgotten.
    #[derive(Default)]
    struct LoggedIn(AtomicUsize, AtomicUsize);

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

        async fn forget(&self) {
            self.1.fetch_add(1, Ordering::SeqCst);
        }

        fn host(&self) -> &str {
            "upstream"
        }
    }

    /// A source that was not built yet, with this one above it.
    fn chained(upstream: &Arc<LoggedIn>) -> LazySource {
        let text = "version = 1\n[profile.p]\nsource = \"s\"\n[source.s]\ntype = \"jwt\"\n\
                    algorithm = \"HS256\"\nkey_env = \"KEY\"\n";
        let config = config::parse(Path::new("/c.toml"), text).unwrap();
        LazySource {
            name: "s".to_owned(),
            config: config.sources["s"].clone(),
            principal: Principal::of_this_machine(),
            clock: Arc::new(SystemClock),
            logins: Arc::new(LoginSessions::new(
                PathBuf::from("/nonexistent"),
                String::new(),
            )),
            upstream: Some(Arc::clone(upstream) as Arc<dyn Source>),
            built: OnceLock::new(),
        }
    }

    #[tokio::test]
    async fn a_whole_chain_forgets() {
        let upstream = Arc::new(LoggedIn::default());
        let source = chained(&upstream);
        source.forget().await;
        assert!(source.built.get().is_none(), "it is not built for that");
        assert_eq!(upstream.1.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_logout_ends_the_login_of_the_whole_chain() {
        let upstream = Arc::new(LoggedIn::default());
        let source = chained(&upstream);
        for (count, login) in [(1, Revoked::Done), (2, Revoked::Nothing)] {
            assert_eq!(source.revoke(None).await.unwrap().login, login);
            assert_eq!(upstream.0.load(Ordering::SeqCst), count);
        }
    }
}
