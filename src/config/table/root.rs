//! The root table, and the whole configuration that is made of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
    path::PathBuf,
    time::Duration,
};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::{
        document::Diagnostic,
        field::{CallerPattern, Name, Support},
    },
    audit::AuditConfig,
    chain,
    daemon::DaemonConfig,
    network::NetworkConfig,
    policy::{PolicyConfig, PolicyKeys},
    profile::ProfileConfig,
    source::{SourceConfig, SourceKeys},
    validator::Validator,
    variables,
};
use crate::audit::Hash;
/// The configuration of Claviger.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(title = "Claviger")]
#[serde(deny_unknown_fields)]
pub(in super::super) struct File {
    /// The version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    #[expect(dead_code, reason = "there is only one, which the schema enforces")]
    version: u8,
    /// In the managed configuration: whether a user's own configuration, if there is one, is read
    /// instead. No effect in a user's own.
    #[serde(default)]
    allow_user_config: bool,
    /// In the managed configuration: the administrator's address, which hints give to users, as an
    /// http or https URL or an e-mail address. No effect in a user's own.
    support: Option<Support>,
    /// Whether profiles may use variables of the client's environment, by '{env:NAME}' and
    /// '*_env'; true by default. What a client runs in can set them.
    client_variables: Option<bool>,
    /// The programs that may have a key, as absolute paths or globs, in which '*' is a part of one
    /// name: the nearest program above claviger-helper that is no shell or wrapper. Only root
    /// (Administrators) may be able to write it, its directories, and the programs between it and
    /// claviger-helper. A profile can have its own. Without this key every program of the user's
    /// gets one.
    #[schemars(length(min = 1), extend("examples" = [["/usr/bin/claude", "/opt/claude-code/*/claude"]]))]
    allowed_callers: Option<Vec<CallerPattern>>,
    /// Whether claviger-helper shows a key on a terminal if '--reveal' is given: "allowed" (the
    /// default), or "never".
    #[serde(default)]
    reveal: Reveal,
    /// How the daemon itself behaves.
    #[serde(default)]
    daemon: DaemonConfig,
    /// The audit log.
    #[serde(default)]
    audit: AuditConfig,
    /// How servers are reached.
    #[serde(default)]
    network: NetworkConfig,
    /// By what the central policy is recognized, and where it is published.
    #[serde(default)]
    policy: PolicyKeys,
    /// What a client asks for, by name. There is at least one.
    #[schemars(extend("minProperties" = 1, "propertyNames" = { "format": "name" }))]
    profile: BTreeMap<Name, ProfileConfig>,
    /// The sources of credentials, by name. There is at least one.
    #[schemars(extend("minProperties" = 1, "propertyNames" = { "format": "name" }))]
    source: BTreeMap<Name, SourceKeys>,
}

/// Whether a key may be shown on a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reveal {
    /// If the user asks for it.
    #[default]
    Allowed,
    /// Never.
    Never,
}

/// A whole configuration: every value checked, every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file that it was read from.
    pub(crate) file: PathBuf,
    /// Whether it is the managed one, which the user cannot change.
    pub(crate) is_managed: bool,
    /// `allow_user_config`.
    pub(crate) allow_user_config: bool,
    /// The administrator's address.
    pub(crate) support: Option<Support>,
    /// Whether a key may be shown on a terminal.
    pub(crate) reveal: Reveal,
    /// By name. Each one's `source` is in `sources`.
    pub(crate) profiles: BTreeMap<String, ProfileConfig>,
    /// By name. No chain of them is circular.
    pub(crate) sources: BTreeMap<String, SourceConfig>,
    /// `[daemon]`.
    pub(crate) daemon: DaemonConfig,
    /// `[policy]`.
    pub(crate) policy: PolicyConfig,
    /// `[audit]`.
    pub(crate) audit: AuditConfig,
    /// SHA-256 of the file's text, for the audit log.
    pub(crate) sha256: Hash,
}

impl Config {
    /// How often the source `name`, which must exist, is checked for a new version while a profile
    /// that uses it is in use; `None` for never.
    #[must_use]
    pub fn watch(&self, name: &str) -> Option<Duration> {
        self.sources[name].watch()
    }

    /// The hint of a failure that only an administrator can resolve; `None` if the configuration is
    /// the user's own.
    #[must_use]
    pub(crate) fn ask_administrator(&self) -> Option<String> {
        self.is_managed.then(|| match &self.support {
            Some(support) => format!("ask your administrator: {support}"),
            None => "ask your administrator".to_owned(),
        })
    }

    /// The source `name`, the source whose credential it presents, and so on.
    pub(crate) fn chain(&self, name: &str) -> impl Iterator<Item = &SourceConfig> {
        let upstream = |source: &&SourceConfig| self.sources.get(source.upstream()?);
        iter::successors(self.sources.get(name), upstream)
    }

    /// The names of [`Config::chain`].
    pub(crate) fn chain_names<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let upstream = |name: &&'a str| self.sources.get(*name)?.upstream();
        iter::successors(Some(name), upstream)
    }

    /// The variables of the client's environment that the source `name` and its chain need.
    #[must_use]
    pub(crate) fn source_variables(&self, name: &str) -> BTreeSet<&str> {
        self.chain(name).flat_map(SourceConfig::env_names).collect()
    }

    /// The variables of the client's environment that the profile `name` needs: for its source and
    /// the probe of its gateway.
    #[must_use]
    pub(crate) fn client_variables(&self, name: &str) -> BTreeSet<&str> {
        let profile = &self.profiles[name];
        let mut variables = self.source_variables(&profile.source);
        variables.extend(profile.env_names());
        variables
    }
}

impl File {
    /// Makes the configuration; `file` is its name.
    ///
    /// # Errors
    ///
    /// Every broken rule between keys.
    pub(in super::super) fn validate(self, file: PathBuf) -> Result<Config, Vec<Diagnostic>> {
        let mut validator = Validator::new();
        validator.within("audit", |validator| self.audit.validate(validator));
        let network = self.network;
        let mut profiles = by_name(self.profile);
        let sources: BTreeMap<String, Option<SourceConfig>> =
            validator.within("source", |validator| {
                by_name(self.source)
                    .into_iter()
                    .map(|(name, keys)| {
                        let source =
                            validator.within(&name, |validator| keys.validate(validator, &network));
                        (name, source)
                    })
                    .collect()
            });
        let names: Vec<_> = sources.keys().map(String::as_str).collect();
        validator.within("profile", |validator| {
            for (name, profile) in &mut profiles {
                profile.inherit(&network, self.allowed_callers.as_deref());
                validator.within(name, |validator| profile.validate(validator, &names));
            }
        });
        validator.within("source", |validator| chain::check(validator, &sources));
        let policy = validator.within("policy", |validator| {
            self.policy.validate(validator, &network, &sources)
        });
        let may_need_variables = self.client_variables.unwrap_or(true);
        validator.within("profile", |validator| {
            variables::check(validator, &profiles, &sources, may_need_variables);
        });
        let sources = sources
            .into_iter()
            .map(|(name, source)| Some((name, source?)))
            .collect::<Option<_>>();
        match (sources, validator.into_diagnostics()) {
            (Some(sources), diagnostics) if diagnostics.is_empty() => Ok(Config {
                file,
                is_managed: false,
                allow_user_config: self.allow_user_config,
                support: self.support,
                reveal: self.reveal,
                profiles,
                sources,
                daemon: self.daemon,
                policy,
                audit: self.audit,
                sha256: Hash::NONE,
            }),
            // A source that is `None` has a diagnostic.
            (_, diagnostics) => Err(diagnostics),
        }
    }
}

fn by_name<T>(table: BTreeMap<Name, T>) -> BTreeMap<String, T> {
    table
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_administrators_address_is_in_the_hint_of_a_managed_configuration() {
        let text = "version = 1\nsupport = 'it@example.com'\nprofile.p.source = 's'\n\
                    source.s = { type = 'exec', command = ['/bin/key'] }\n";
        let file: File = toml::from_str(text).unwrap();
        let mut config = file.validate("/c.toml".into()).unwrap();
        assert_eq!(config.ask_administrator(), None);
        config.is_managed = true;
        assert_eq!(
            config.ask_administrator().as_deref(),
            Some("ask your administrator: it@example.com")
        );
    }
}
