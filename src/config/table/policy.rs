//! `[policy]`.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::field::{FilePath, Name, NoProxy, PolicyKey, PolicyUrl, ProxySetting},
    auth::AuthMethod,
    network::NetworkConfig,
    source::SourceConfig,
    validator::Validator,
    vault::{Engine, VaultConfig},
};

/// The most keys that are pinned: the current one, and during a rotation the next one.
const MAX_KEYS: usize = 2;

/// By what the central policy is recognized, and where it is published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "Policy")]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyKeys {
    /// The public keys by which the central policy is verified, as 'claviger policy public-key'
    /// prints them: one, or two while the signing key is rotated.
    #[serde(default)]
    #[schemars(extend("examples" = [["ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"]]))]
    public_keys: Vec<PolicyKey>,
    /// The lowest counter that a policy may have; 0 by default. Raise it to end for good what an
    /// older policy allowed.
    #[serde(default)]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    minimum_counter: u64,
    /// Where the signed policy is published: https://HOST/PATH. Any server for files can hold it.
    url: Option<PolicyUrl>,
    /// The proxy to 'url', instead of the one in the table 'network'.
    proxy: Option<ProxySetting>,
    /// The hosts that are reached without a proxy, instead of those in the table 'network'.
    no_proxy: Option<NoProxy>,
    /// The CA certificates (PEM) to trust for 'url' instead of the system's. An absolute path, or
    /// ~/ and a path.
    ca_file: Option<FilePath>,
    /// Instead of 'url': the source of the type "vault" whose secret is the signed policy, of at
    /// most 16384 characters.
    source: Option<Name>,
}

/// By what the central policy is recognized, and where it is published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PolicyConfig {
    /// The public keys by which it is verified. Not empty if there is a place.
    pub(crate) public_keys: Vec<PolicyKey>,
    /// The lowest counter that a policy may have.
    pub(crate) minimum_counter: u64,
    /// Where it is published; `None` if no policy is in force.
    pub(crate) place: Option<PolicyPlace>,
}

/// Where a policy is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PolicyPlace {
    /// A server for files.
    Url {
        /// The policy's own URL.
        url: PolicyUrl,
        /// How the server is reached.
        network: Box<NetworkConfig>,
    },
    /// A secret in Vault.
    Vault {
        /// The name of the source.
        name: String,
        /// The source, which needs no user and no client.
        config: Box<VaultConfig>,
    },
}

impl PolicyPlace {
    /// As it is named within a sentence.
    #[must_use]
    pub(crate) fn quoted(&self) -> String {
        match self {
            Self::Url { url, .. } => format!("'{url}'"),
            Self::Vault { name, .. } => format!("the source '{name}'"),
        }
    }
}

/// As it is named on its own: the URL, or the source by its name.
impl fmt::Display for PolicyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, .. } => url.fmt(f),
            Self::Vault { name, .. } => write!(f, "source '{name}'"),
        }
    }
}

impl PolicyConfig {
    /// Whether nothing is configured.
    #[must_use]
    pub(in super::super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl PolicyKeys {
    /// Makes the configuration, unless a rule between keys is broken. A source that is wrong in
    /// itself is `None`.
    pub(super) fn validate(
        self,
        validator: &mut Validator,
        network: &NetworkConfig,
        sources: &BTreeMap<String, Option<SourceConfig>>,
    ) -> PolicyConfig {
        let keys = &self.public_keys;
        if keys.len() > MAX_KEYS {
            let problem = format!("expected at most {MAX_KEYS} keys, got {}", keys.len());
            validator.error("public_keys", &problem);
        } else if let [first, second] = keys.as_slice()
            && first == second
        {
            validator.error("public_keys", "expected two different keys, got one twice");
        }
        let has_place = self.url.is_some() || self.source.is_some();
        if has_place && keys.is_empty() {
            validator.missing("'public_keys'");
        }
        let of_url = [
            ("proxy", self.proxy.is_some()),
            ("no_proxy", self.no_proxy.is_some()),
            ("ca_file", self.ca_file.is_some()),
        ];
        for (key, _) in of_url.iter().filter(|(_, is_set)| *is_set) {
            if self.url.is_none() {
                validator.error(key, "requires 'url'");
            }
        }
        let network = NetworkConfig {
            proxy: self.proxy,
            no_proxy: self.no_proxy,
            ca_file: self.ca_file,
        }
        .or(network);
        let place = match (self.url, self.source) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                validator.error("source", "cannot be combined with 'url'");
                None
            }
            (Some(url), None) => {
                check_network(validator, &network);
                let network = Box::new(network);
                Some(PolicyPlace::Url { url, network })
            }
            (None, Some(name)) => of_source(validator, name.into(), sources),
        };
        PolicyConfig {
            public_keys: self.public_keys,
            minimum_counter: self.minimum_counter,
            place,
        }
    }
}

/// Records values that only a client's variables replace: a policy is fetched for no client.
fn check_network(validator: &mut Validator, network: &NetworkConfig) {
    if !network.env_names().is_empty() {
        validator.error(
            "proxy",
            "expected another one than \"environment\": the policy is fetched for no client; set \
             it here, if it is that of the table 'network'",
        );
    }
    let ca_file = network.ca_file.as_ref();
    if let Some(name) = ca_file.and_then(|file| file.template().env_names().next()) {
        let problem = format!("'{{env:{name}}}' has no value: the policy is fetched for no client");
        validator.error("ca_file", &problem);
    }
}

fn of_source(
    validator: &mut Validator,
    name: String,
    sources: &BTreeMap<String, Option<SourceConfig>>,
) -> Option<PolicyPlace> {
    let names: Vec<_> = sources.keys().map(String::as_str).collect();
    if !validator.source_exists("source", &name, &names) {
        return None;
    }
    let source = sources[&name].as_ref()?;
    let SourceConfig::Vault(config) = source else {
        validator.error("source", "expected one of the type \"vault\"");
        return None;
    };
    if let Some(problem) = unfit(source, config) {
        validator.error("source", problem);
        return None;
    }
    let config = config.clone();
    Some(PolicyPlace::Vault { name, config })
}

/// Why a policy cannot be read from `source`, which is `vault`: it is read without a user, without
/// a client, and beside other sources.
fn unfit(source: &SourceConfig, vault: &VaultConfig) -> Option<&'static str> {
    if vault.engine == Engine::Lease {
        return Some("expected one without 'lease': a policy is not issued for a time");
    }
    if source.env_names().next().is_some() {
        return Some(
            "expected one that needs no variables of a client: the policy is fetched for none",
        );
    }
    let method = vault.method();
    if matches!(method, Some(AuthMethod::Oidc { .. })) || source.upstream().is_some() {
        return Some("expected one without a user's sign-in: no key is given before the policy");
    }
    if source.is_wrapped() {
        return Some("expected one without a wrapped secret-id, which is used once");
    }
    None
}
