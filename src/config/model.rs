//! The configuration as the rest of the program sees it: every value checked, every default filled in.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use url::Url;

use super::gateway::GatewayUrl;
use crate::template::Template;

/// A whole configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from.
    pub(crate) file: PathBuf,
    /// By name. Each one's `source` is in `sources`.
    pub(crate) profiles: BTreeMap<String, ProfileConfig>,
    /// By name. No chain of them has a cycle.
    pub(crate) sources: BTreeMap<String, SourceConfig>,
    /// `[daemon]`.
    pub(crate) daemon: DaemonConfig,
}

impl Config {
    /// How often the source `name`, which must exist, is checked for a new version while a profile
    /// that uses it is in use; `None` for never.
    #[must_use]
    pub fn watch(&self, name: &str) -> Option<Duration> {
        self.sources[name].watch()
    }

    /// The variables that the configuration's placeholders name (`{env:NAME}`), some perhaps more than once.
    pub(crate) fn env_names(&self) -> impl Iterator<Item = &str> {
        self.sources
            .values()
            .flat_map(SourceConfig::templates)
            .flat_map(Template::env_names)
    }
}

/// `[daemon]`: how the daemon itself behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DaemonConfig {
    /// End after this long without a request; `None` (the default, `"off"` in the file) is never.
    pub(crate) exit_when_idle: Option<Duration>,
}

/// `[profile.NAME]`: what a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProfileConfig {
    /// The gateway that the credential is for.
    pub(crate) gateway: Option<GatewayUrl>,
    /// The name of the source.
    pub(crate) source: String,
    /// How the gateway is asked whether it takes a key.
    pub(crate) probe: Probe,
}

/// How a gateway is asked whether it takes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// `GET {gateway}/v1/models?limit=1`.
    Models,
    /// `POST {gateway}/v1/messages/count_tokens`.
    CountTokens,
    /// It is not asked.
    Off,
}

/// `[source.NAME]`: where a credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceConfig {
    /// `type = "vault"`.
    Vault(Box<VaultConfig>),
    /// `type = "jwt"`.
    Jwt(JwtConfig),
    /// `type = "exec"`.
    Exec(ExecConfig),
}

impl SourceConfig {
    /// The source whose credential this one presents to get its own; see [`Assertion::Source`].
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

    /// Every template of this source.
    fn templates(&self) -> Vec<&Template> {
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

    /// How often it is looked at for a change while a profile that it serves is in use; `None` is never. A lease is
    /// looked at as often as a version is by default.
    #[must_use]
    pub(crate) fn watch(&self) -> Option<Duration> {
        match self {
            Self::Vault(vault) => match vault.engine {
                Engine::Kv1 => None,
                Engine::Kv2 { watch } => watch,
                Engine::Lease => Some(DEFAULT_WATCH),
            },
            Self::Jwt(_) | Self::Exec(_) => None,
        }
    }
}

/// A rotated key is noticed within this, where the gateway has not said so before.
pub(super) const DEFAULT_WATCH: Duration = Duration::from_secs(30);

/// A secret that the configuration names and does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretRef {
    /// `*_file`: read anew at every use, so that it can be replaced.
    File(PathBuf),
    /// `*_env`: the name of a variable of the daemon's environment.
    Env(String),
}

/// `type = "vault"`: a key in Vault or OpenBao.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VaultConfig {
    /// Where Vault, or an agent of Vault's, listens.
    pub(crate) address: VaultAddress,
    /// Sent as `X-Vault-Namespace`.
    pub(crate) namespace: Option<String>,
    /// PEM; these certificates alone are trusted then.
    pub(crate) ca_file: Option<PathBuf>,
    /// The engine's mount point: the path's first segment, or `mount` where that key is given (one with a slash in it).
    pub(crate) mount: Template,
    /// What follows the mount point.
    pub(crate) path: Template,
    /// The field of the secret that holds the key.
    pub(crate) field: String,
    /// What kind of engine is mounted there.
    pub(crate) engine: Engine,
    /// How to log in; `None` (no `auth` table) where an agent adds its own token.
    pub(crate) auth: Option<AuthConfig>,
    /// How long one request may take (`timeout`, 5 s by default).
    pub(crate) timeout: Duration,
}

/// `address`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VaultAddress {
    /// `http://…` or `https://…`.
    Url(Url),
    /// `unix:///path`: an agent's or Vault's own unix listener.
    Unix(PathBuf),
}

/// What kind of engine holds the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// `kv = 1`.
    Kv1,
    /// `kv = 2`, the default.
    Kv2 {
        /// How often the version is looked at while the profile is in use (`watch`, 30 s by default); `None` is never.
        watch: Option<Duration>,
    },
    /// `lease = true`: reading makes a credential under a lease.
    Lease,
}

/// `[source.NAME.auth]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthConfig {
    /// The auth engine's mount point (`mount`; the method's name by default).
    pub(crate) mount: String,
    /// Which method, with what it needs.
    pub(crate) method: AuthMethod,
}

/// `method`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AuthMethod {
    /// A token made elsewhere (`token_file`, `token_env`).
    Token(SecretRef),
    /// `role_id`, `secret_id_file` or `secret_id_env`.
    AppRole {
        /// Not a secret.
        role_id: String,
        /// `None` for a role with `bind_secret_id=false`.
        secret_id: Option<SecretRef>,
        /// `secret_id_wrapped = true`: what is named is a response-wrapping token, good for one unwrap.
        wrapped: bool,
    },
    /// `userpass`, and `ldap`, which is the same call at another mount point.
    UserPass {
        /// `username`; `{user}` by default.
        username: Template,
        /// `password_file` or `password_env`.
        password: SecretRef,
    },
    /// `role`, `jwt_file`, `jwt_env` or `jwt_source`.
    Jwt {
        /// `None`: the engine's default role.
        role: Option<String>,
        /// Where the assertion comes from.
        jwt: Assertion,
    },
    /// A client certificate: `cert_file`, `key_file` (PEM), `role`.
    Cert {
        /// The chain, the leaf first.
        cert_file: PathBuf,
        /// Its private key; the same file where that holds both.
        key_file: PathBuf,
        /// `None`: whichever role takes the certificate.
        role: Option<String>,
    },
}

/// Where an assertion (a signed JWT that we present) comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Assertion {
    /// A file or a variable.
    Secret(SecretRef),
    /// Another source's credential.
    Source(String),
}

/// `type = "jwt"`: a JWT that we sign ourselves. See RFC 7519.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JwtConfig {
    /// JWS algorithm (RFC 7518, RFC 8037).
    pub(crate) algorithm: jsonwebtoken::Algorithm,
    /// PEM for the asymmetric algorithms, the bytes themselves for HS*.
    pub(crate) key: SecretRef,
    /// `kid` in the header.
    pub(crate) key_id: Option<String>,
    /// `iss`.
    pub(crate) issuer: Option<String>,
    /// `sub`.
    pub(crate) subject: Option<Template>,
    /// `aud`.
    pub(crate) audience: Option<String>,
    /// From `iat` to `exp` (`ttl`, 1 h by default).
    pub(crate) ttl: Duration,
    /// Further claims; none of the registered ones.
    pub(crate) claims: serde_json::Map<String, serde_json::Value>,
}

/// `type = "exec"`: anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExecConfig {
    /// Program (an absolute path) and arguments; no shell.
    pub(crate) command: Vec<Template>,
    /// How long it may take (`timeout`, 5 s by default).
    pub(crate) timeout: Duration,
    /// How long a bare key lives (`ttl`); `None` for one without an end. JSON output says so itself.
    pub(crate) ttl: Option<Duration>,
}
