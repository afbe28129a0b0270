//! `[source.NAME]` with `type = "oauth"`.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::field::{
        EnvName, FilePath, GatewayUrl, IdpName, Issuer, NoProxy, ProxySetting, RedirectPath,
        Resource, Timeout, Ttl,
    },
    network::{NetworkConfig, check_plain_http},
    secret_ref::SecretRef,
    store::StoreKind,
    validator::Validator,
};

/// Who the user is, and a refresh token.
const DEFAULT_SCOPES: [&str; 2] = ["openid", "offline_access"];

/// The parameters of an authorization request that Claviger sets itself.
const OWN_PARAMETERS: [&str; 11] = [
    "audience",
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "resource",
    "response_type",
    "scope",
    "state",
];

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct OauthKeys {
    /// The identity provider whose defaults apply under the keys of this table.
    preset: Option<IdpName>,
    /// The identity provider's issuer, exactly as its documents and tokens have it. Its endpoints
    /// are discovered (OpenID Connect Discovery 1.0, RFC 8414).
    issuer: Option<Issuer>,
    /// The gateway that says how to sign in, instead of 'issuer'.
    discover: Option<GatewayUrl>,
    /// Whether plain http may be used to another host than this one, which sends tokens
    /// unencrypted.
    #[serde(default)]
    plain_http: bool,
    /// The client's identifier at the identity provider. Without it the client is registered (RFC
    /// 7591), if the provider allows that.
    client_id: Option<String>,
    /// The file with the client's secret: an absolute path, or ~/ and a path; read at every use.
    client_secret_file: Option<FilePath>,
    /// The variable of the client's environment with the client's secret.
    client_secret_env: Option<EnvName>,
    /// The file with the private key that signs the client's assertions (private_key_jwt, RFC
    /// 7523), PEM. An absolute path, or ~/ and a path.
    key_file: Option<FilePath>,
    /// The variable of the client's environment with that key.
    key_env: Option<EnvName>,
    /// That key's identifier ('kid' in the header).
    key_id: Option<String>,
    /// The certificate of that key (PEM), whose hash is then in the header ('x5t#S256'). An
    /// absolute path, or ~/ and a path.
    cert_file: Option<FilePath>,
    /// How the user signs in; "browser" by default.
    #[serde(default)]
    flow: OauthFlow,
    /// What the token is for; ["openid", "offline_access"] by default, nothing with flow =
    /// "client-credentials".
    scopes: Option<Vec<String>>,
    /// The resource that the token is for (RFC 8707).
    resource: Option<Resource>,
    /// The audience that the token is for, for providers that ask for it in this way.
    audience: Option<String>,
    /// Further parameters of the authorization request.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    /// Which token is the credential; "access" by default.
    #[serde(default)]
    token: OauthToken,
    /// What claims of the ID token must be, so that a user of another organization is refused.
    #[serde(default)]
    required_claims: BTreeMap<String, String>,
    /// The claim of the ID token with the user's groups, which 'claviger login' and 'claviger
    /// status' then show.
    groups_claim: Option<String>,
    /// Where the refresh token rests; "system" by default: Secret Service, Keychain, Credential
    /// Manager.
    store: Option<StoreKind>,
    /// The port on 127.0.0.1 that the browser is redirected to; any free one by default.
    #[schemars(range(min = 1, max = 65535))]
    redirect_port: Option<u16>,
    /// The path that the browser is redirected to; "/callback" by default.
    redirect_path: Option<RedirectPath>,
    /// Whether the daemon may open the browser itself when a login has become necessary, at most
    /// once an hour and only for a client that a person uses; "login" (the default) leaves it to
    /// 'claviger login'.
    #[serde(default)]
    prompt: OauthPrompt,
    /// How long a token is valid if the provider does not say; a duration.
    ttl: Option<Ttl>,
    /// The CA certificates (PEM) to trust instead of the system's. An absolute path, or ~/ and a
    /// path.
    ca_file: Option<FilePath>,
    /// The proxy, instead of the one in the table 'network'.
    proxy: Option<ProxySetting>,
    /// The hosts that are reached without a proxy, instead of those in the table 'network'.
    no_proxy: Option<NoProxy>,
    /// How long one request may take: a duration, "5s" by default.
    #[serde(default)]
    timeout: Timeout,
}

/// How a token is first obtained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OauthFlow {
    /// Authorization code with PKCE, in the system's browser (RFC 8252, RFC 7636).
    #[default]
    Browser,
    /// Device authorization (RFC 8628).
    Device,
    /// Client credentials (RFC 6749, section 4.4): no user.
    ClientCredentials,
}

/// Which token is the credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OauthToken {
    /// The access token.
    #[default]
    Access,
    /// The ID token.
    Id,
}

/// Whether the daemon opens the browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OauthPrompt {
    /// Only `claviger login` does.
    #[default]
    Login,
    /// The daemon, too.
    Browser,
}

/// A token of an OAuth 2.0 authorization server or OpenID provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OauthConfig {
    /// The identity provider, if it is a known one.
    pub(crate) preset: Option<IdpName>,
    /// Where the endpoints are found.
    pub(crate) discovery: OauthDiscovery,
    /// Whether discovered endpoints may use plain `http` on another host.
    pub(crate) plain_http: bool,
    /// `None`: registered.
    pub(crate) client_id: Option<String>,
    /// How the client proves that it is that client.
    pub(crate) client_auth: ClientAuth,
    /// How a token is first obtained.
    pub(crate) flow: OauthFlow,
    /// The scopes to ask for.
    pub(crate) scopes: Vec<String>,
    /// RFC 8707.
    pub(crate) resource: Option<String>,
    /// The parameter `audience`.
    pub(crate) audience: Option<String>,
    /// Further parameters of the authorization request.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Which token is the credential.
    pub(crate) token: OauthToken,
    /// What claims of the ID token must be.
    pub(crate) required_claims: BTreeMap<String, String>,
    /// The claim with the user's groups, if they are to be shown.
    pub(crate) groups_claim: Option<String>,
    /// Where the refresh token rests.
    pub(crate) store: StoreKind,
    /// The port that the browser is redirected to; `None` is any free one.
    pub(crate) redirect_port: Option<u16>,
    /// The path that the browser is redirected to.
    pub(crate) redirect_path: String,
    /// Whether the daemon opens the browser.
    pub(crate) prompt: OauthPrompt,
    /// How long a token is valid if the server does not say.
    pub(crate) ttl: Option<Duration>,
    /// How the server is reached.
    pub(crate) network: NetworkConfig,
    /// How long one request may take.
    pub(crate) timeout: Duration,
}

impl OauthConfig {
    /// Whether a user signs in.
    pub(crate) fn has_user(&self) -> bool {
        self.flow != OauthFlow::ClientCredentials
    }
}

/// Where the endpoints are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OauthDiscovery {
    /// `issuer`.
    Issuer(Issuer),
    /// `discover`: the documents of a gateway.
    Gateway(GatewayUrl),
}

/// How the client authenticates at the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    /// A public client.
    None,
    /// `client_secret_file` or `client_secret_env` (RFC 6749, section 2.3.1).
    Secret(SecretRef),
    /// A signed assertion (`private_key_jwt`, RFC 7523).
    PrivateKey {
        /// `key_file` or `key_env`.
        key: SecretRef,
        /// `kid` in the header.
        key_id: Option<String>,
        /// The certificate whose hash is in the header.
        cert_file: Option<FilePath>,
    },
}

impl OauthKeys {
    /// Makes the configuration, unless a rule between keys is broken.
    pub(super) fn validate(
        self,
        validator: &mut Validator,
        network: &NetworkConfig,
    ) -> Option<OauthConfig> {
        let discovery = self.discovery(validator);
        let client_auth = self.client_auth(validator);
        self.check_parameters(validator);
        if self.flow == OauthFlow::ClientCredentials {
            self.check_client_credentials(validator);
        } else if self.redirect_port.is_some() && self.flow == OauthFlow::Device {
            validator.error("redirect_port", "requires 'flow = \"browser\"'");
        }
        let default_scopes = match self.flow {
            OauthFlow::ClientCredentials => Vec::new(),
            _ => DEFAULT_SCOPES.map(str::to_owned).to_vec(),
        };
        Some(OauthConfig {
            preset: self.preset,
            discovery: discovery?,
            plain_http: self.plain_http,
            client_id: self.client_id,
            client_auth: client_auth?,
            flow: self.flow,
            scopes: self.scopes.unwrap_or(default_scopes),
            resource: self.resource.map(Into::into),
            audience: self.audience,
            parameters: self.parameters,
            token: self.token,
            required_claims: self.required_claims,
            groups_claim: self.groups_claim,
            store: self.store.unwrap_or_default(),
            redirect_port: self.redirect_port,
            redirect_path: self.redirect_path.unwrap_or_default().into(),
            prompt: self.prompt,
            ttl: self.ttl.map(Ttl::get),
            network: NetworkConfig {
                proxy: self.proxy,
                no_proxy: self.no_proxy,
                ca_file: self.ca_file,
            }
            .or(network),
            timeout: self.timeout.get(),
        })
    }

    fn discovery(&self, validator: &mut Validator) -> Option<OauthDiscovery> {
        match (&self.issuer, &self.discover) {
            (Some(issuer), None) => {
                check_plain_http(validator, "issuer", issuer.url(), self.plain_http, "");
                Some(OauthDiscovery::Issuer(issuer.clone()))
            }
            (None, Some(gateway)) => {
                check_plain_http(validator, "discover", gateway.as_url(), self.plain_http, "");
                Some(OauthDiscovery::Gateway(gateway.clone()))
            }
            (Some(_), Some(_)) => {
                validator.error("discover", "cannot be combined with 'issuer'");
                None
            }
            (None, None) => {
                validator.missing("'issuer' or 'discover'");
                None
            }
        }
    }

    fn client_auth(&self, validator: &mut Validator) -> Option<ClientAuth> {
        let (file, env) = (
            self.client_secret_file.clone(),
            self.client_secret_env.clone(),
        );
        let secret = validator.optional_secret("client_secret", file, env);
        let key = validator.optional_secret("key", self.key_file.clone(), self.key_env.clone());
        let (secret, key) = (secret?, key?);
        if key.is_none() {
            for (name, is_set) in [
                ("key_id", self.key_id.is_some()),
                ("cert_file", self.cert_file.is_some()),
            ] {
                if is_set {
                    validator.error(name, "requires 'key_file' or 'key_env'");
                }
            }
        }
        match (secret, key) {
            (Some(_), Some(_)) => {
                validator.error_of_table("expected either a client secret or a key, got both");
                None
            }
            (Some(secret), None) => Some(ClientAuth::Secret(secret)),
            (None, Some(key)) => Some(ClientAuth::PrivateKey {
                key,
                key_id: self.key_id.clone(),
                cert_file: self.cert_file.clone(),
            }),
            (None, None) => Some(ClientAuth::None),
        }
    }

    fn check_parameters(&self, validator: &mut Validator) {
        validator.within("parameters", |validator| {
            for name in OWN_PARAMETERS {
                if self.parameters.contains_key(name) {
                    validator.error(name, "is set by Claviger");
                }
            }
        });
        let has_id_token = |scopes: &Vec<String>| scopes.iter().any(|scope| scope == "openid");
        if self.token == OauthToken::Id && !self.scopes.as_ref().is_none_or(has_id_token) {
            validator.error("token", "\"id\" requires the scope 'openid'");
        }
    }

    fn check_client_credentials(&self, validator: &mut Validator) {
        if self.client_id.is_none() {
            validator.missing("'client_id'");
        }
        let has_secret = self.client_secret_file.is_some() || self.client_secret_env.is_some();
        if !has_secret && self.key_file.is_none() && self.key_env.is_none() {
            validator.missing("'client_secret_file', 'client_secret_env', 'key_file' or 'key_env'");
        }
        for (key, is_set) in [
            ("token", self.token == OauthToken::Id),
            ("required_claims", !self.required_claims.is_empty()),
            ("groups_claim", self.groups_claim.is_some()),
            ("store", self.store.is_some()),
            ("redirect_port", self.redirect_port.is_some()),
            ("redirect_path", self.redirect_path.is_some()),
            ("prompt", self.prompt == OauthPrompt::Browser),
        ] {
            if is_set {
                validator.error(key, "requires a user, which 'client-credentials' lacks");
            }
        }
    }
}
