//! The servers that a configuration names. Pure.

use url::Url;

use crate::config::{
    AuthMethod, Config, FilePath, NetworkConfig, OauthDiscovery, ProfileConfig, SourceConfig,
    VaultAddress, host_and_port,
};

/// A server that a configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// What it is.
    pub(super) role: Role,
    /// The name of the source; for a gateway that of the profile.
    pub(super) name: String,
    /// The profile that it concerns; `None` for several.
    pub(super) profile: Option<String>,
    /// A resource that is answered without a key, and in JSON.
    pub(super) url: Url,
    /// How it is reached.
    pub(super) network: NetworkConfig,
    /// The certificate chain of the client and its private key.
    pub(super) identity: Option<(FilePath, FilePath)>,
    /// Whether a wrong clock makes what it issues, or what is issued for it, look invalid.
    pub(super) depends_on_clock: bool,
}

/// What a server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Vault,
    IdentityProvider,
    Gateway,
}

impl Server {
    /// Host and port.
    pub(super) fn host(&self) -> String {
        host_and_port(&self.url)
    }

    /// The server, as the subject of a sentence.
    pub(super) fn subject(&self) -> String {
        let (name, host) = (&self.name, self.host());
        match self.role {
            Role::Vault => format!("Vault '{host}' of source '{name}'"),
            Role::IdentityProvider => format!("identity provider '{host}' of source '{name}'"),
            Role::Gateway => format!("gateway '{host}' of profile '{name}'"),
        }
    }

    /// The table of the configuration with its keys.
    pub(super) fn table(&self) -> String {
        match self.role {
            Role::Vault | Role::IdentityProvider => format!("source '{}'", self.name),
            Role::Gateway => format!("profile '{}'", self.name),
        }
    }
}

/// The servers of the profile `only`, or of all: each source's, also those that another source
/// presents, then the gateways. A Vault on a Unix socket is no matter of the network.
pub(super) fn servers(config: &Config, only: Option<&str>) -> Vec<Server> {
    let profiles: Vec<_> = config
        .profiles
        .iter()
        .filter(|(name, _)| only.is_none_or(|only| only == *name))
        .collect();
    let uses = |profile: &ProfileConfig, source: &SourceConfig| {
        config
            .chain(&profile.source)
            .any(|one| std::ptr::eq(one, source))
    };
    let of_sources = config.sources.iter().filter_map(|(name, source)| {
        let users: Vec<_> = profiles
            .iter()
            .filter(|(_, profile)| uses(profile, source))
            .map(|(name, _)| (*name).clone())
            .collect();
        let server = of_source(name, source)?;
        match users.as_slice() {
            [] => None,
            [one] => Some(Server {
                profile: Some(one.clone()),
                ..server
            }),
            _ => Some(server),
        }
    });
    let has_claims = |profile: &ProfileConfig| {
        let mut chain = config.chain(&profile.source);
        chain.any(|source| matches!(source, SourceConfig::Oauth(_) | SourceConfig::Jwt(_)))
    };
    let of_profiles = profiles
        .iter()
        .filter_map(|(name, profile)| of_gateway(name, profile, has_claims(profile)));
    of_sources.chain(of_profiles).collect()
}

fn of_source(name: &str, source: &SourceConfig) -> Option<Server> {
    let server = |role, url, network: &NetworkConfig| Server {
        role,
        name: name.to_owned(),
        profile: None,
        url,
        network: network.clone(),
        identity: None,
        depends_on_clock: false,
    };
    match source {
        SourceConfig::Vault(vault) => {
            let VaultAddress::Url(address) = &vault.address else {
                return None;
            };
            let method = vault.auth.as_ref().map(|auth| &auth.method);
            let url = below(address, "/v1/sys/health");
            Some(Server {
                identity: match method {
                    Some(AuthMethod::Cert {
                        cert_file,
                        key_file,
                        ..
                    }) => Some((cert_file.clone(), key_file.clone())),
                    _ => None,
                },
                depends_on_clock: matches!(
                    method,
                    Some(AuthMethod::Jwt { .. } | AuthMethod::Oidc { .. })
                ),
                ..server(Role::Vault, url, &vault.network)
            })
        }
        SourceConfig::Oauth(oauth) => {
            let base = match &oauth.discovery {
                OauthDiscovery::Issuer(issuer) => issuer.url(),
                OauthDiscovery::Gateway(gateway) => gateway.as_url(),
            };
            let url = below(base, "/.well-known/openid-configuration");
            Some(Server {
                depends_on_clock: true,
                ..server(Role::IdentityProvider, url, &oauth.network)
            })
        }
        SourceConfig::Jwt(_) | SourceConfig::Exec(_) => None,
    }
}

fn of_gateway(name: &str, profile: &ProfileConfig, depends_on_clock: bool) -> Option<Server> {
    let gateway = profile.gateway.as_ref()?;
    let identity = profile.identity();
    Some(Server {
        role: Role::Gateway,
        name: name.to_owned(),
        profile: Some(name.to_owned()),
        url: below(gateway.as_url(), "/v1/models"),
        network: profile.network(),
        identity: identity.map(|(chain, key)| (chain.clone(), key.clone())),
        depends_on_clock,
    })
}

/// `route` below the path of `base`.
fn below(base: &Url, route: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{route}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    /// The Vault at `url` of the source 'vault', for a profile 'work'.
    pub(in super::super) fn server(url: &str) -> Server {
        Server {
            role: Role::Vault,
            name: "vault".to_owned(),
            profile: Some("work".to_owned()),
            url: url.parse().unwrap(),
            network: NetworkConfig::default(),
            identity: None,
            depends_on_clock: false,
        }
    }

    const TWO_PROFILES: &str = r#"
version = 1
[profile.a]
source = "vault"
gateway = "https://gw.test/llm/"
[profile.b]
source = "vault"
[profile.c]
source = "corp"
[source.vault]
type = "vault"
address = "https://vault.test:8200/behind"
path = "secret/k"
field = "api_key"
auth = { method = "jwt", role = "r", jwt_source = "sso" }
[source.sso]
type = "oauth"
issuer = "https://idp.test/realms/r/"
client_id = "c"
[source.local]
type = "vault"
address = "unix:///run/vault.sock"
path = "secret/k"
field = "api_key"
[source.corp]
type = "exec"
command = ["/bin/key"]
"#;

    fn found(only: Option<&str>) -> Vec<(String, Option<String>, bool)> {
        let config = config::parse(Path::new("/c.toml"), TWO_PROFILES).unwrap();
        servers(&config, only)
            .into_iter()
            .map(|server| (server.url.into(), server.profile, server.depends_on_clock))
            .collect()
    }

    #[test]
    fn every_server_of_a_chain_is_found_once() {
        let idp = "https://idp.test/realms/r/.well-known/openid-configuration";
        let vault = "https://vault.test:8200/behind/v1/sys/health";
        let gateway = "https://gw.test/llm/v1/models";
        let of =
            |url: &str, profile: Option<&str>| (url.to_owned(), profile.map(str::to_owned), true);
        assert_eq!(
            found(None),
            [of(idp, None), of(vault, None), of(gateway, Some("a"))]
        );
        assert_eq!(found(Some("b")), [of(idp, Some("b")), of(vault, Some("b"))]);
        assert_eq!(found(Some("c")), []);
    }
}
