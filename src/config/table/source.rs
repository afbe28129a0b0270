//! `[source.NAME]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::field::WatchInterval,
    auth::{Assertion, AuthMethod},
    exec::ExecConfig,
    jwt::{JwtConfig, JwtKeys},
    validator::Validator,
    vault::{Engine, VaultConfig, VaultKeys},
};
use crate::template::Template;

/// A source of credentials.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Source")]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum SourceKeys {
    /// A key in Vault or OpenBao.
    Vault(Box<VaultKeys>),
    /// A JWT that Claviger signs itself (RFC 7519).
    Jwt(JwtKeys),
    /// What a program prints.
    Exec(ExecConfig),
}

/// A source of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceConfig {
    /// `type = "vault"`.
    Vault(Box<VaultConfig>),
    /// `type = "jwt"`.
    Jwt(JwtConfig),
    /// `type = "exec"`.
    Exec(ExecConfig),
}

impl SourceKeys {
    /// Makes the configuration, unless a rule between keys is broken.
    pub(super) fn validate(self, validator: &mut Validator) -> Option<SourceConfig> {
        match self {
            Self::Vault(keys) => {
                let vault = keys.validate(validator)?;
                Some(SourceConfig::Vault(Box::new(vault)))
            }
            Self::Jwt(keys) => keys.validate(validator).map(SourceConfig::Jwt),
            Self::Exec(exec) => Some(SourceConfig::Exec(exec)),
        }
    }
}

impl SourceConfig {
    /// The source whose credential this one presents to obtain its own; see [`Assertion::Source`].
    #[must_use]
    pub(crate) fn upstream(&self) -> Option<&str> {
        let Self::Vault(vault) = self else {
            return None;
        };
        match &vault.auth.as_ref()?.method {
            AuthMethod::Jwt {
                jwt: Assertion::Source(name),
                ..
            } => Some(name),
            _ => None,
        }
    }

    /// How often it is checked for a change while a profile that it serves is in use; `None` is
    /// never. A lease is checked as often as a version is by default.
    #[must_use]
    pub(crate) fn watch(&self) -> Option<Duration> {
        match self {
            Self::Vault(vault) => match vault.engine {
                Engine::Kv1 => None,
                Engine::Kv2 { watch } => watch,
                Engine::Lease => WatchInterval::default().get(),
            },
            Self::Jwt(_) | Self::Exec(_) => None,
        }
    }

    /// Every template of this source.
    pub(super) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Vault(vault) => {
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
            Self::Jwt(jwt) => jwt.subject.iter().collect(),
            Self::Exec(exec) => exec.command.iter().collect(),
        }
    }
}
