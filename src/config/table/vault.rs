//! `[source.NAME]` with `type = "vault"`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::field::{
        FilePath, Namespace, NoProxy, ProxySetting, RedirectHost, Timeout, VaultAddress, VaultPath,
        WatchInterval,
    },
    auth::{AuthConfig, AuthKeys, AuthMethod},
    network::{NetworkConfig, check_plain_http},
    store::StoreKind,
    validator::Validator,
};
use crate::template::Template;

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
pub(super) struct VaultKeys {
    /// The address of Vault, or of an agent of Vault's: https://HOST:PORT, perhaps with a path,
    /// http://HOST:PORT or unix:///PATH.
    address: VaultAddress,
    /// Whether plain http may be used to another host than this one, which sends the token and the
    /// key unencrypted.
    #[serde(default)]
    plain_http: bool,
    /// The hosts that Vault may redirect to, with the token: the other nodes of its cluster. HOST,
    /// HOST:PORT or *.DOMAIN.
    #[serde(default)]
    redirect_hosts: Vec<RedirectHost>,
    /// The namespace to work in (X-Vault-Namespace).
    namespace: Option<Namespace>,
    /// The CA certificates (PEM) to trust instead of the system's. An absolute path, or ~/ and a
    /// path.
    ca_file: Option<FilePath>,
    /// The proxy, instead of the one in the table 'network'.
    proxy: Option<ProxySetting>,
    /// The hosts that are reached without a proxy, instead of those in the table 'network'.
    no_proxy: Option<NoProxy>,
    /// The engine's mount point, if it contains a slash; 'path' is then what follows it. The
    /// placeholders are those of 'path'.
    mount: Option<VaultPath>,
    /// The mount point, a slash, and the secret's path. {user}, {host}, {env:NAME} and, with the
    /// methods "jwt" and "oidc", {claim:NAME} (a claim of the user's login) are replaced.
    path: VaultPath,
    /// The field of the secret that contains the key: its name, or for a nested one a JSON pointer
    /// (RFC 6901) such as "/result/key".
    field: String,
    /// The KV engine's version; 2 by default.
    #[schemars(range(min = 1, max = 2))]
    kv: Option<u8>,
    /// For an engine that issues a credential under a lease, instead of 'kv'.
    #[serde(default)]
    lease: bool,
    /// How often a KV v2 secret in use is checked for a new version: a duration, "30s" by default,
    /// or "off".
    watch: Option<WatchInterval>,
    /// How long one request may take: a duration, "5s" by default.
    #[serde(default)]
    timeout: Timeout,
    /// How to log in. Without it no token is sent, which is right for an agent that adds its own.
    auth: Option<AuthKeys>,
}

/// A key in Vault or OpenBao.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VaultConfig {
    /// The address of Vault, or of an agent of Vault's.
    pub(crate) address: VaultAddress,
    /// Sent as `X-Vault-Namespace`.
    pub(crate) namespace: Option<String>,
    /// How it is reached.
    pub(crate) network: NetworkConfig,
    /// The hosts that it may redirect to, with the token.
    pub(crate) redirect_hosts: Vec<RedirectHost>,
    /// The engine's mount point: `mount`, or the first segment of `path`.
    pub(crate) mount: Template,
    /// What follows the mount point.
    pub(crate) path: Template,
    /// The field of the secret that contains the key.
    pub(crate) field: String,
    /// The engine that is mounted there.
    pub(crate) engine: Engine,
    /// How to log in; `None` if an agent adds its own token.
    pub(crate) auth: Option<AuthConfig>,
    /// How long one request may take.
    pub(crate) timeout: Duration,
}

/// The kind of engine that holds the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// `kv = 1`.
    Kv1,
    /// `kv = 2`, the default.
    Kv2 {
        /// How often the version is checked while the profile is in use; `None` is never.
        watch: Option<Duration>,
    },
    /// `lease = true`: reading creates a credential under a lease.
    Lease,
}

impl VaultConfig {
    /// How to log in.
    pub(super) fn method(&self) -> Option<&AuthMethod> {
        Some(&self.auth.as_ref()?.method)
    }

    /// The store of an unwrapped secret-id, and the role that it is for, if there is one.
    pub(crate) fn wrapped_secret_id(&self) -> Option<(StoreKind, &str)> {
        match self.method()? {
            AuthMethod::AppRole {
                role_id,
                wrapped: Some(store),
                ..
            } => Some((*store, role_id)),
            _ => None,
        }
    }
}

impl VaultKeys {
    /// Makes the configuration, unless a rule between keys is broken.
    pub(super) fn validate(
        self,
        validator: &mut Validator,
        network: &NetworkConfig,
    ) -> Option<VaultConfig> {
        if let VaultAddress::Url(url) = &self.address {
            check_plain_http(validator, "address", url, self.plain_http, "");
        }
        let claims = [("mount", self.mount.as_ref()), ("path", Some(&self.path))]
            .map(|(key, path)| (key, path.and_then(VaultPath::claim).map(str::to_owned)));
        let place = place(validator, self.mount, self.path);
        let engine = engine(validator, self.kv, self.lease, self.watch);
        let auth = match self.auth {
            Some(keys) => validator
                .within("auth", |validator| keys.validate(validator))
                .map(Some),
            None => Some(None),
        };
        if let Some(auth) = &auth
            && !auth.as_ref().is_some_and(|auth| auth.method.has_claims())
        {
            check_claims(validator, claims);
        }
        let (mount, path) = place?;
        Some(VaultConfig {
            address: self.address,
            namespace: self.namespace.map(Into::into),
            network: NetworkConfig {
                proxy: self.proxy,
                no_proxy: self.no_proxy,
                ca_file: self.ca_file,
            }
            .or(network),
            redirect_hosts: self.redirect_hosts,
            mount: mount.into(),
            path: path.into(),
            field: self.field,
            engine: engine?,
            auth: auth?,
            timeout: self.timeout.get(),
        })
    }
}

/// Records the claims that `mount` and `path` need, as the login has none.
fn check_claims(validator: &mut Validator, claims: [(&str, Option<String>); 2]) {
    for (key, claim) in claims {
        if let Some(claim) = claim {
            let problem = format!(
                "'{{claim:{claim}}}' requires a login with claims: 'auth.method' \"jwt\" or \"oidc\""
            );
            validator.error(key, &problem);
        }
    }
}

/// The mount point and what follows it.
fn place(
    validator: &mut Validator,
    mount: Option<VaultPath>,
    path: VaultPath,
) -> Option<(VaultPath, VaultPath)> {
    let Some(mount) = mount else {
        let split = path.split();
        if split.is_none() {
            validator.error(
                "path",
                "expected the mount point, '/' and the secret's path; got one segment",
            );
        }
        return split;
    };
    if path.starts_with(&mount) {
        validator.error(
            "path",
            "starts with the mount point; with 'mount' set, expected only what follows it",
        );
        return None;
    }
    Some((mount, path))
}

fn engine(
    validator: &mut Validator,
    kv: Option<u8>,
    lease: bool,
    watch: Option<WatchInterval>,
) -> Option<Engine> {
    let engine = match (kv, lease) {
        (Some(_), true) => {
            validator.error("lease", "cannot be combined with 'kv'");
            return None;
        }
        (None, true) => Engine::Lease,
        (Some(1), false) => Engine::Kv1,
        // The schema allows 1 and 2 only.
        (_, false) => {
            let watch = watch.unwrap_or_default().get();
            return Some(Engine::Kv2 { watch });
        }
    };
    if watch.and_then(WatchInterval::get).is_some() {
        validator.error("watch", "requires 'kv = 2', the only engine with versions");
    }
    Some(engine)
}
