//! For whom a credential is asked.

use std::collections::BTreeMap;

use super::model::{AuthMethod, SourceConfig};
use super::{model::Config, template::Template};

/// For whom a credential is asked: what the placeholders of a [`Template`] stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    /// `{user}`: the login name.
    pub(crate) user: String,
    /// `{host}`: the machine's name, without its domain.
    pub(crate) host: String,
    /// `{env:NAME}`: the variables that the configuration names, where they are set; not the whole environment.
    pub(crate) env: BTreeMap<String, String>,
}

impl Principal {
    /// The user that this process runs as, on this machine, with the variables of this process's environment that are
    /// in `env_names` (see [`Config::env_names`]).
    ///
    /// The login name is the user database's and not `$USER`, which anybody can set. A name that the system does not
    /// know is empty, and so an error only in a template that names it.
    #[must_use]
    pub(crate) fn of_this_machine<'a>(env_names: impl IntoIterator<Item = &'a str>) -> Self {
        let set = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
        Self {
            user: account_name(&whoami::username().unwrap_or_default()).to_owned(),
            host: host_name(&whoami::hostname().unwrap_or_default()).to_owned(),
            env: env_names.into_iter().filter_map(set).collect(),
        }
    }
}

impl Config {
    /// The variables that the configuration's placeholders name (`{env:NAME}`), some perhaps more than once.
    pub(crate) fn env_names(&self) -> impl Iterator<Item = &str> {
        self.sources
            .values()
            .flat_map(templates)
            .flat_map(Template::env_names)
    }
}

/// Every template of a source's.
fn templates(source: &SourceConfig) -> Vec<&Template> {
    match source {
        SourceConfig::Vault(vault) => {
            let method = vault.auth.as_ref().map(|auth| &auth.method);
            let username = match method {
                Some(AuthMethod::UserPass { username, .. }) => Some(username),
                _ => None,
            };
            [&vault.mount, &vault.path]
                .into_iter()
                .chain(username)
                .collect()
        }
        SourceConfig::Jwt(jwt) => jwt.subject.iter().collect(),
        SourceConfig::Exec(exec) => exec.command.iter().collect(),
    }
}

/// Windows says `DOMAIN\user`.
fn account_name(name: &str) -> &str {
    name.rsplit_once('\\').map_or(name, |(_, user)| user)
}

/// Some machines are called by their full name, with the domain.
fn host_name(name: &str) -> &str {
    name.split_once('.').map_or(name, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_domain() {
        assert_eq!(account_name("CORP\\ana"), "ana");
        assert_eq!(account_name("ana"), "ana");
        assert_eq!(host_name("laptop-7.corp.example"), "laptop-7");
        assert_eq!(host_name("laptop-7"), "laptop-7");
    }

    #[test]
    fn this_machine_has_a_user_and_only_the_variables_asked_for() {
        let principal = Principal::of_this_machine(["PATH", "CLAVIGER_TEST_IS_NOT_SET"]);
        assert!(!principal.user.is_empty());
        assert!(!principal.host.contains('.'));
        assert_eq!(principal.env.keys().collect::<Vec<_>>(), ["PATH"]);
    }
}
