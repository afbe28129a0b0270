//! The file's shape: every table and key there is, as it is written. The comments are the JSON Schema's descriptions.
//!
//! [`super::check`] holds a document against the schema of these types, and only then are they filled in from it; what
//! a schema cannot say is for [`super::validate`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration of Claviger.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(title = "Claviger")]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    #[expect(
        dead_code,
        reason = "there is only one, and the schema's check has seen to it"
    )]
    pub(super) version: u8,
    /// In the managed configuration: whether a user's own configuration is read instead, where there is one. Without
    /// effect anywhere else.
    #[serde(default)]
    pub(super) allow_user_config: bool,
    /// How the daemon itself behaves.
    #[serde(default)]
    pub(super) daemon: Daemon,
    /// What a client asks for, by name. There is at least one.
    #[schemars(extend("minProperties" = 1))]
    pub(super) profile: BTreeMap<String, Profile>,
    /// Where credentials come from, by name.
    #[schemars(extend("minProperties" = 1))]
    pub(super) source: BTreeMap<String, Source>,
}

/// How the daemon itself behaves.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Daemon {
    /// End after this long without a request: a duration, or "off" (the default).
    pub(super) exit_when_idle: Option<String>,
}

/// What a client asks for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    /// The gateway that the credential is for: matched against ANTHROPIC_BASE_URL, and asked when a key is suspect.
    pub(super) gateway: Option<String>,
    /// The name of the source.
    pub(super) source: String,
    /// How the gateway is asked whether it takes a key; "models" by default where 'gateway' is set, "off" otherwise.
    pub(super) probe: Option<Probe>,
}

/// How the gateway is asked whether it takes a key.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Probe {
    /// GET {gateway}/v1/models?limit=1
    Models,
    /// POST {gateway}/v1/messages/count_tokens
    CountTokens,
    /// It is not asked.
    Off,
}

/// Where a credential comes from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum Source {
    /// A key in Vault or OpenBao.
    Vault(Box<Vault>),
    /// A JWT that Claviger signs itself (RFC 7519).
    Jwt(Jwt),
    /// What a program prints.
    Exec(Exec),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct Vault {
    /// Where Vault, or an agent of Vault's, listens: https://HOST:PORT, http://HOST:PORT or unix:///PATH.
    pub(super) address: String,
    /// The namespace to work in (X-Vault-Namespace).
    pub(super) namespace: Option<String>,
    /// The CA certificates (PEM) to trust instead of the system's. An absolute path.
    pub(super) ca_file: Option<String>,
    /// The engine's mount point, where it has a slash in it; 'path' is then what follows it. {user}, {host} and
    /// {env:NAME} are filled in.
    pub(super) mount: Option<String>,
    /// The mount point, a slash, and the secret's path. {user}, {host} and {env:NAME} are filled in.
    pub(super) path: String,
    /// The field of the secret that holds the key.
    pub(super) field: String,
    /// The KV engine's version; 2 by default.
    #[schemars(range(min = 1, max = 2))]
    pub(super) kv: Option<u8>,
    /// For an engine that issues a credential under a lease, instead of 'kv'.
    #[serde(default)]
    pub(super) lease: bool,
    /// How often the version of a KV v2 secret in use is looked at: a duration, "30s" by default, or "off".
    pub(super) watch: Option<String>,
    /// How long one request may take: a duration, "5s" by default.
    pub(super) timeout: Option<String>,
    /// How to log in. Without it no token is sent, which is right for an agent that adds its own.
    pub(super) auth: Option<Auth>,
}

/// How to log in to Vault.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub(super) enum Auth {
    /// A token made elsewhere.
    Token(Token),
    /// A role's identifier and secret identifier.
    #[serde(rename = "approle")]
    AppRole(AppRole),
    /// A user name and password of Vault's own.
    #[serde(rename = "userpass")]
    UserPass(Password),
    /// A user name and password of a directory's.
    Ldap(Password),
    /// A signed JWT.
    Jwt(JwtLogin),
    /// A client certificate.
    Cert(Cert),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    /// The file with the token. An absolute path; read anew at every use.
    pub(super) token_file: Option<String>,
    /// The variable of the daemon's environment with the token.
    pub(super) token_env: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct AppRole {
    /// The auth engine's mount point; "approle" by default.
    pub(super) mount: Option<String>,
    /// The role's identifier, which is no secret.
    pub(super) role_id: String,
    /// The file with the secret identifier. An absolute path; read anew at every use.
    pub(super) secret_id_file: Option<String>,
    /// The variable of the daemon's environment with the secret identifier.
    pub(super) secret_id_env: Option<String>,
    /// Whether what is named is a response-wrapping token, good for one unwrap.
    #[serde(default)]
    pub(super) secret_id_wrapped: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct Password {
    /// The auth engine's mount point; the method's name by default.
    pub(super) mount: Option<String>,
    /// The user name; "{user}" by default. {user}, {host} and {env:NAME} are filled in.
    pub(super) username: Option<String>,
    /// The file with the password. An absolute path; read anew at every use.
    pub(super) password_file: Option<String>,
    /// The variable of the daemon's environment with the password.
    pub(super) password_env: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct JwtLogin {
    /// The auth engine's mount point; "jwt" by default.
    pub(super) mount: Option<String>,
    /// The role to log in as; the engine's default role otherwise.
    pub(super) role: Option<String>,
    /// The file with the JWT. An absolute path; read anew at every use.
    pub(super) jwt_file: Option<String>,
    /// The variable of the daemon's environment with the JWT.
    pub(super) jwt_env: Option<String>,
    /// The source whose credential is the JWT.
    pub(super) jwt_source: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct Cert {
    /// The auth engine's mount point; "cert" by default.
    pub(super) mount: Option<String>,
    /// The role to log in as; whichever takes the certificate otherwise.
    pub(super) role: Option<String>,
    /// The certificate chain (PEM), the leaf first. An absolute path.
    pub(super) cert_file: String,
    /// The private key (PEM); may be the same file. An absolute path.
    pub(super) key_file: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct Jwt {
    /// The signature algorithm (RFC 7518, RFC 8037).
    pub(super) algorithm: Algorithm,
    /// The file with the key: PEM, or for HS* the bytes themselves. An absolute path.
    pub(super) key_file: Option<String>,
    /// The variable of the daemon's environment with the key.
    pub(super) key_env: Option<String>,
    /// The key's identifier ('kid' in the header).
    pub(super) key_id: Option<String>,
    /// The claim 'iss'.
    pub(super) issuer: Option<String>,
    /// The claim 'sub'. {user}, {host} and {env:NAME} are filled in.
    pub(super) subject: Option<String>,
    /// The claim 'aud'.
    pub(super) audience: Option<String>,
    /// How long a JWT lives, from 'iat' to 'exp': a duration, "1h" by default.
    pub(super) ttl: Option<String>,
    /// Further claims; none of the registered ones.
    #[serde(default)]
    pub(super) claims: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct Exec {
    /// The program (an absolute path) and its arguments; no shell. {user}, {host} and {env:NAME} are filled in.
    #[schemars(length(min = 1))]
    pub(super) command: Vec<String>,
    /// How long it may take: a duration, "5s" by default.
    pub(super) timeout: Option<String>,
    /// How long a key that is printed bare lives: a duration; without an end otherwise.
    pub(super) ttl: Option<String>,
}
