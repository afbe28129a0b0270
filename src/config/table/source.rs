//! `[source.NAME]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::field::{Audience, FilePath, WatchInterval},
    auth::{Assertion, AuthMethod},
    exec::ExecConfig,
    jwt::{JwtConfig, JwtKeys},
    network::NetworkConfig,
    oauth::{ClientAuth, OauthConfig, OauthKeys},
    secret_ref::SecretRef,
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
    /// A token of an OAuth 2.0 authorization server or OpenID provider.
    Oauth(Box<OauthKeys>),
    /// A JWT that Claviger signs itself (RFC 7519).
    Jwt(Box<JwtKeys>),
    /// What a program prints.
    Exec(ExecConfig),
}

/// A source of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceConfig {
    /// `type = "vault"`.
    Vault(Box<VaultConfig>),
    /// `type = "oauth"`.
    Oauth(Box<OauthConfig>),
    /// `type = "jwt"`.
    Jwt(Box<JwtConfig>),
    /// `type = "exec"`.
    Exec(ExecConfig),
}

impl SourceKeys {
    /// Makes the configuration, unless a rule between keys is broken. `network` is the table of
    /// that name.
    pub(super) fn validate(
        self,
        validator: &mut Validator,
        network: &NetworkConfig,
    ) -> Option<SourceConfig> {
        match self {
            Self::Vault(keys) => {
                let vault = keys.validate(validator, network)?;
                Some(SourceConfig::Vault(Box::new(vault)))
            }
            Self::Oauth(keys) => {
                let oauth = keys.validate(validator, network)?;
                Some(SourceConfig::Oauth(Box::new(oauth)))
            }
            Self::Jwt(keys) => {
                let jwt = keys.validate(validator)?;
                Some(SourceConfig::Jwt(Box::new(jwt)))
            }
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
        match vault.method()? {
            AuthMethod::Jwt {
                jwt: Assertion::Source(name),
                ..
            } => Some(name),
            _ => None,
        }
    }

    /// What it says that its credentials are for; empty if it says nothing.
    #[must_use]
    pub(crate) fn audiences(&self) -> Vec<&str> {
        match self {
            Self::Oauth(oauth) => [&oauth.audience, &oauth.resource]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect(),
            Self::Jwt(jwt) => match &jwt.audience {
                Some(Audience::One(audience)) => vec![audience],
                Some(Audience::List(list)) => list.iter().map(String::as_str).collect(),
                None => Vec::new(),
            },
            Self::Vault(_) | Self::Exec(_) => Vec::new(),
        }
    }

    /// Whether it logs in with a wrapping token, which is used once.
    #[must_use]
    pub(crate) fn is_wrapped(&self) -> bool {
        matches!(self, Self::Vault(vault) if vault.wrapped_secret_id().is_some())
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
            Self::Oauth(_) | Self::Jwt(_) | Self::Exec(_) => None,
        }
    }

    /// The variables of the client's environment that this source needs: those that its
    /// placeholders (`{env:NAME}`) and its secrets (`*_env`) name, possibly more than once.
    pub(super) fn env_names(&self) -> impl Iterator<Item = &str> {
        let secrets = self.secrets();
        let files = secrets.iter().filter_map(|secret| match secret {
            SecretRef::File(file) => Some(file),
            SecretRef::Env(_) => None,
        });
        let templates: Vec<_> = self
            .templates()
            .into_iter()
            .chain(files.chain(self.files()).map(FilePath::template))
            .flat_map(Template::env_names)
            .collect();
        let variables = secrets.into_iter().filter_map(|secret| match secret {
            SecretRef::File(_) => None,
            SecretRef::Env(name) => Some(name.as_str()),
        });
        let proxy = match self {
            Self::Vault(vault) => vault.network.env_names(),
            Self::Oauth(oauth) => oauth.network.env_names(),
            Self::Jwt(_) | Self::Exec(_) => &[],
        };
        templates
            .into_iter()
            .chain(variables)
            .chain(proxy.iter().copied())
    }

    /// Every template that is not the path of a file.
    fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Vault(vault) => {
                let username = match vault.method() {
                    Some(AuthMethod::UserPass { username, .. }) => Some(username),
                    _ => None,
                };
                [&vault.mount, &vault.path]
                    .into_iter()
                    .chain(username)
                    .collect()
            }
            Self::Oauth(_) => Vec::new(),
            Self::Jwt(jwt) => jwt.subject.iter().collect(),
            Self::Exec(exec) => exec.command.iter().collect(),
        }
    }

    /// Every secret.
    fn secrets(&self) -> Vec<&SecretRef> {
        match self {
            Self::Vault(vault) => match vault.method() {
                Some(AuthMethod::Token(secret)) => vec![secret],
                Some(AuthMethod::AppRole { secret_id, .. }) => secret_id.iter().collect(),
                Some(AuthMethod::UserPass { password, .. }) => vec![password],
                Some(AuthMethod::Jwt {
                    jwt: Assertion::Secret(secret),
                    ..
                }) => vec![secret],
                Some(
                    AuthMethod::Jwt { .. } | AuthMethod::Oidc { .. } | AuthMethod::Cert { .. },
                )
                | None => Vec::new(),
            },
            Self::Oauth(oauth) => match &oauth.client_auth {
                ClientAuth::None => Vec::new(),
                ClientAuth::Secret(secret) | ClientAuth::PrivateKey { key: secret, .. } => {
                    vec![secret]
                }
            },
            Self::Jwt(jwt) => [&jwt.key].into_iter().chain(&jwt.key_password).collect(),
            Self::Exec(_) => Vec::new(),
        }
    }

    /// Every file that is not one of [`Self::secrets`].
    fn files(&self) -> Vec<&FilePath> {
        match self {
            Self::Vault(vault) => {
                let identity = match vault.method() {
                    Some(AuthMethod::Cert {
                        cert_file,
                        key_file,
                        ..
                    }) => vec![cert_file, key_file],
                    _ => Vec::new(),
                };
                vault.network.ca_file.iter().chain(identity).collect()
            }
            Self::Oauth(oauth) => {
                let certificate = match &oauth.client_auth {
                    ClientAuth::PrivateKey { cert_file, .. } => cert_file.as_ref(),
                    _ => None,
                };
                oauth.network.ca_file.iter().chain(certificate).collect()
            }
            Self::Jwt(_) | Self::Exec(_) => Vec::new(),
        }
    }
}
