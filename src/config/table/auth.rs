//! `[source.NAME.auth]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::field::{EnvName, FilePath, Mount, RedirectPath, Username},
    secret_ref::SecretRef,
    store::StoreKind,
    validator::Validator,
};
use crate::template::Template;

/// The path of the redirect that Vault's own command line uses, too.
const OIDC_REDIRECT_PATH: &str = "/oidc/callback";

/// How to log in to Vault.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Auth")]
#[serde(tag = "method", rename_all = "kebab-case")]
pub(super) enum AuthKeys {
    /// A token that was created elsewhere.
    Token(TokenKeys),
    /// A role's identifier and secret identifier.
    #[serde(rename = "approle")]
    AppRole(AppRoleKeys),
    /// A user name and password that Vault stores.
    #[serde(rename = "userpass")]
    UserPass(PasswordKeys),
    /// A user name and password that a directory stores.
    Ldap(PasswordKeys),
    /// A signed JWT.
    Jwt(AssertionKeys),
    /// A user who signs in with a browser at the identity provider that Vault trusts.
    Oidc(OidcKeys),
    /// A client certificate.
    Cert(CertKeys),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenKeys {
    /// The file with the token: an absolute path, or ~/ and a path; read at every
    /// use.
    token_file: Option<FilePath>,
    /// The variable of the daemon's environment with the token.
    token_env: Option<EnvName>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct AppRoleKeys {
    /// The auth engine's mount point; "approle" by default.
    mount: Option<Mount>,
    /// The role's identifier, which is not a secret.
    role_id: String,
    /// The file with the secret identifier: an absolute path, or ~/ and a path; read at every
    /// use.
    secret_id_file: Option<FilePath>,
    /// The variable of the daemon's environment with the secret identifier.
    secret_id_env: Option<EnvName>,
    /// Whether it is a response-wrapping token, good for one unwrap.
    #[serde(default)]
    secret_id_wrapped: bool,
    /// Where the unwrapped secret identifier rests; "system" by default.
    store: Option<StoreKind>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordKeys {
    /// The auth engine's mount point; the method's name by default.
    mount: Option<Mount>,
    /// The user name; "{user}" by default. {user}, {host} and {env:NAME} are replaced.
    username: Option<Username>,
    /// The file with the password: an absolute path, or ~/ and a path; read at every
    /// use.
    password_file: Option<FilePath>,
    /// The variable of the daemon's environment with the password.
    password_env: Option<EnvName>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct AssertionKeys {
    /// The auth engine's mount point; "jwt" by default.
    mount: Option<Mount>,
    /// The role to log in as; the engine's default role otherwise.
    role: Option<String>,
    /// The file with the JWT: an absolute path, or ~/ and a path; read at every
    /// use.
    jwt_file: Option<FilePath>,
    /// The variable of the daemon's environment with the JWT.
    jwt_env: Option<EnvName>,
    /// The source whose credential is the JWT.
    jwt_source: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct OidcKeys {
    /// The auth engine's mount point; "oidc" by default.
    mount: Option<Mount>,
    /// The role to log in as; the engine's default role otherwise. Its 'allowed_redirect_uris'
    /// contains http://127.0.0.1/oidc/callback, for any port.
    role: Option<String>,
    /// The port on 127.0.0.1 that the browser is redirected to; any free one by default.
    #[schemars(range(min = 1, max = 65535))]
    redirect_port: Option<u16>,
    /// The path that the browser is redirected to; "/oidc/callback" by default.
    redirect_path: Option<RedirectPath>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct CertKeys {
    /// The auth engine's mount point; "cert" by default.
    mount: Option<Mount>,
    /// The role to log in as; the one that accepts the certificate by default.
    role: Option<String>,
    /// The certificate chain (PEM), the leaf first. An absolute path, or ~/ and a path.
    cert_file: FilePath,
    /// The private key (PEM); may be the same file. An absolute path, or ~/ and a path.
    key_file: FilePath,
}

/// `[source.NAME.auth]`: how to log in to Vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthConfig {
    /// The auth engine's mount point; the method's name by default.
    pub(crate) mount: String,
    /// The method, with what it needs.
    pub(crate) method: AuthMethod,
}

/// `method`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AuthMethod {
    /// A token that was created elsewhere (`token_file`, `token_env`).
    Token(SecretRef),
    /// `role_id`, `secret_id_file` or `secret_id_env`.
    AppRole {
        /// Not a secret.
        role_id: String,
        /// `None` for a role with `bind_secret_id=false`.
        secret_id: Option<SecretRef>,
        /// The store of the unwrapped secret-id, if `secret_id` is a response-wrapping token, good
        /// for one unwrap.
        wrapped: Option<StoreKind>,
    },
    /// `userpass`, and `ldap`, which is the same call at a different mount point.
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
        /// The JWT.
        jwt: Assertion,
    },
    /// A user's sign-in with a browser: `role`, `redirect_port`, `redirect_path`.
    Oidc {
        /// `None`: the engine's default role.
        role: Option<String>,
        /// The port that the browser is redirected to; `None` is any free one.
        redirect_port: Option<u16>,
        /// The path that the browser is redirected to.
        redirect_path: String,
    },
    /// A client certificate: `cert_file`, `key_file` (PEM), `role`.
    Cert {
        /// The chain, the leaf first.
        cert_file: FilePath,
        /// Its private key; the same file if that contains both.
        key_file: FilePath,
        /// `None`: the role that accepts the certificate.
        role: Option<String>,
    },
}

impl AuthMethod {
    /// Whether its login has claims, which `{claim:NAME}` stands for.
    pub(super) fn has_claims(&self) -> bool {
        matches!(self, Self::Jwt { .. } | Self::Oidc { .. })
    }
}

/// The origin of an assertion (a signed JWT that is presented).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Assertion {
    /// A file or a variable.
    Secret(SecretRef),
    /// The credential of another source.
    Source(String),
}

impl AuthKeys {
    /// Makes the configuration, unless a rule between keys is broken.
    pub(super) fn validate(self, validator: &mut Validator) -> Option<AuthConfig> {
        let (default_mount, mount, method) = match self {
            Self::Token(keys) => ("token", None, keys.validate(validator)),
            Self::AppRole(mut keys) => ("approle", keys.mount.take(), keys.validate(validator)),
            Self::UserPass(mut keys) => ("userpass", keys.mount.take(), keys.validate(validator)),
            Self::Ldap(mut keys) => ("ldap", keys.mount.take(), keys.validate(validator)),
            Self::Jwt(mut keys) => ("jwt", keys.mount.take(), keys.validate(validator)),
            Self::Oidc(mut keys) => ("oidc", keys.mount.take(), Some(keys.into_method())),
            Self::Cert(mut keys) => ("cert", keys.mount.take(), Some(keys.into_method())),
        };
        Some(AuthConfig {
            mount: mount.map_or_else(|| default_mount.to_owned(), Into::into),
            method: method?,
        })
    }
}

impl TokenKeys {
    fn validate(self, validator: &mut Validator) -> Option<AuthMethod> {
        let token = validator.secret("token", self.token_file, self.token_env);
        token.map(AuthMethod::Token)
    }
}

impl AppRoleKeys {
    fn validate(self, validator: &mut Validator) -> Option<AuthMethod> {
        let (file, env) = (self.secret_id_file, self.secret_id_env);
        let secret_id = validator.optional_secret("secret_id", file, env);
        if self.secret_id_wrapped && secret_id == Some(None) {
            validator.error(
                "secret_id_wrapped",
                "requires 'secret_id_file' or 'secret_id_env'",
            );
        }
        if self.store.is_some() && !self.secret_id_wrapped {
            validator.error("store", "requires 'secret_id_wrapped = true'");
        }
        let store = self.store.unwrap_or_default();
        Some(AuthMethod::AppRole {
            role_id: self.role_id,
            secret_id: secret_id?,
            wrapped: self.secret_id_wrapped.then_some(store),
        })
    }
}

impl PasswordKeys {
    fn validate(self, validator: &mut Validator) -> Option<AuthMethod> {
        let password = validator.secret("password", self.password_file, self.password_env);
        Some(AuthMethod::UserPass {
            username: self.username.unwrap_or_default().into(),
            password: password?,
        })
    }
}

impl AssertionKeys {
    fn validate(self, validator: &mut Validator) -> Option<AuthMethod> {
        let is_secret = self.jwt_file.is_some() || self.jwt_env.is_some();
        let jwt = match self.jwt_source {
            None if is_secret => {
                let secret = validator.secret("jwt", self.jwt_file, self.jwt_env);
                secret.map(Assertion::Secret)
            }
            None => {
                validator.missing("'jwt_file', 'jwt_env' or 'jwt_source'");
                None
            }
            Some(_) if is_secret => {
                validator.error(
                    "jwt_source",
                    "cannot be combined with 'jwt_file' or 'jwt_env'",
                );
                None
            }
            Some(source) => Some(Assertion::Source(source)),
        };
        let role = self.role;
        Some(AuthMethod::Jwt { role, jwt: jwt? })
    }
}

impl OidcKeys {
    fn into_method(self) -> AuthMethod {
        let path = self.redirect_path.map(String::from);
        AuthMethod::Oidc {
            role: self.role,
            redirect_port: self.redirect_port,
            redirect_path: path.unwrap_or_else(|| OIDC_REDIRECT_PATH.to_owned()),
        }
    }
}

impl CertKeys {
    fn into_method(self) -> AuthMethod {
        AuthMethod::Cert {
            cert_file: self.cert_file,
            key_file: self.key_file,
            role: self.role,
        }
    }
}
