//! `[profile.NAME]`.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::field::{
        CallerPattern, FilePath, GatewayKind, GatewayUrl, HeaderKey, MaxAge, NoProxy, ProxySetting,
    },
    headers::ProbeHeaders,
    network::{NetworkConfig, check_plain_http},
    validator::Validator,
};
use crate::template::Template;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "Profile")]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileConfig {
    /// The kind of gateway, whose defaults apply under the keys of this table.
    pub(crate) preset: Option<GatewayKind>,
    /// The gateway that the credential is for, which is probed if a key may have been rejected. A
    /// client whose ANTHROPIC_BASE_URL is another one gets no key.
    pub(crate) gateway: Option<GatewayUrl>,
    /// Further gateways whose clients get the key; they are not probed.
    #[serde(default)]
    #[schemars(extend("examples" = [["https://llm-gateway.example.com"]]))]
    gateways: Vec<GatewayUrl>,
    /// Whether a client gets the key whatever its ANTHROPIC_BASE_URL is, and so can send it to any
    /// server.
    #[serde(default)]
    any_gateway: bool,
    /// The programs that may have the key, as paths or globs, instead of those at the root; see
    /// there.
    #[schemars(length(min = 1), extend("examples" = [["/usr/bin/claude"]]))]
    pub(crate) allowed_callers: Option<Vec<CallerPattern>>,
    /// The name of the source.
    pub(crate) source: String,
    /// How the gateway is asked whether it accepts a key; "models" by default if 'gateway' is set,
    /// "off" otherwise.
    probe: Option<Probe>,
    /// How long a key without an expiry is served after it was last seen to be current at its
    /// source, from "1s" to "365d"; "12h" by default. Without an end, an outage of the source or a
    /// revoked policy would keep a revoked key in use.
    #[serde(default)]
    max_age: MaxAge,
    /// Whether a probe may use plain http to another host than this one, which sends the key
    /// unencrypted.
    #[serde(default)]
    plain_http: bool,
    /// The proxy for probes, instead of the one in the table 'network'.
    proxy: Option<ProxySetting>,
    /// The hosts that are probed without a proxy, instead of those in the table 'network'.
    no_proxy: Option<NoProxy>,
    /// The CA certificates (PEM) to trust for probes, instead of those in the table 'network' or
    /// the system's. An absolute path, or ~/ and a path.
    ca_file: Option<FilePath>,
    /// The certificate chain (PEM) of the client, if the gateway requires one. An absolute path,
    /// or ~/ and a path.
    cert_file: Option<FilePath>,
    /// The unencrypted private key (PEM) of that certificate; the same file may contain both.
    key_file: Option<FilePath>,
    /// Headers that are sent with a probe. The value of NAME_file is the path of the file that
    /// contains the value of the header NAME.
    #[serde(default)]
    #[schemars(with = "BTreeMap<HeaderKey, String>", extend("propertyNames" = { "format": "header-name" }))]
    pub(crate) headers: ProbeHeaders,
}

/// How the gateway is asked whether it accepts a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Probe {
    /// GET {gateway}/v1/models?limit=1
    Models,
    /// POST {gateway}/v1/messages/count_tokens
    CountTokens,
    /// It is not asked.
    Off,
}

impl ProfileConfig {
    /// How the gateway is asked whether it accepts a key.
    #[must_use]
    pub(crate) fn probe(&self) -> Probe {
        match (self.probe, &self.gateway) {
            (Some(probe), _) => probe,
            (None, Some(_)) => Probe::Models,
            (None, None) => Probe::Off,
        }
    }

    /// How long a key without an expiry is served after it was last seen to be current.
    #[must_use]
    pub(crate) fn max_age(&self) -> Duration {
        self.max_age.get()
    }

    /// The gateways that the credential is for.
    pub(crate) fn gateways(&self) -> impl Iterator<Item = &GatewayUrl> {
        self.gateway.iter().chain(&self.gateways)
    }

    /// Whether one of its gateways is `base_url`, a client's.
    #[must_use]
    pub(crate) fn is_for(&self, base_url: &str) -> bool {
        self.gateways().any(|gateway| gateway.matches(base_url))
    }

    /// Whether a client with this base URL gets the key: every client if the profile has no
    /// gateway.
    #[must_use]
    pub(crate) fn permits(&self, base_url: &str) -> bool {
        self.any_gateway || self.gateways().next().is_none() || self.is_for(base_url)
    }

    /// How the gateway is reached.
    #[must_use]
    pub(crate) fn network(&self) -> NetworkConfig {
        NetworkConfig {
            proxy: self.proxy.clone(),
            no_proxy: self.no_proxy.clone(),
            ca_file: self.ca_file.clone(),
        }
    }

    /// The certificate chain of the client and its private key.
    #[must_use]
    pub(crate) fn identity(&self) -> Option<(&FilePath, &FilePath)> {
        self.cert_file.as_ref().zip(self.key_file.as_ref())
    }

    /// The variables of the client's environment that a probe needs, possibly more than once.
    pub(crate) fn env_names(&self) -> impl Iterator<Item = &str> {
        let of_proxy = match self.probe() {
            Probe::Off => &[],
            Probe::Models | Probe::CountTokens => self.network().env_names(),
        };
        let files = [&self.ca_file, &self.cert_file, &self.key_file];
        let templates = files.into_iter().flatten().map(FilePath::template);
        templates
            .flat_map(Template::env_names)
            .chain(self.headers.env_names())
            .chain(of_proxy.iter().copied())
    }

    /// Fills in the default of `probe`. Takes the keys of `network` that it does not set itself,
    /// unless it sends no probe: a change of that table does not concern it then. Takes `callers`
    /// if it has none itself.
    pub(super) fn inherit(&mut self, network: &NetworkConfig, callers: Option<&[CallerPattern]>) {
        self.probe = Some(self.probe());
        if self.allowed_callers.is_none() {
            self.allowed_callers = callers.map(<[_]>::to_vec);
        }
        if self.probe() == Probe::Off {
            return;
        }
        let NetworkConfig {
            proxy,
            no_proxy,
            ca_file,
        } = self.network().or(network);
        (self.proxy, self.no_proxy, self.ca_file) = (proxy, no_proxy, ca_file);
    }

    /// Checks what its keys say about each other and about `sources`.
    pub(super) fn validate(&self, validator: &mut Validator, sources: &[&str]) {
        if let Some(gateway) = self.gateway.as_ref().filter(|_| self.probe() != Probe::Off) {
            let alternative = ", or 'probe = \"off\"'";
            let plain_http = self.plain_http;
            check_plain_http(
                validator,
                "gateway",
                gateway.as_url(),
                plain_http,
                alternative,
            );
        }
        for (key, other, is_alone) in [
            (
                "cert_file",
                "key_file",
                self.cert_file.is_some() && self.key_file.is_none(),
            ),
            (
                "key_file",
                "cert_file",
                self.key_file.is_some() && self.cert_file.is_none(),
            ),
        ] {
            if is_alone {
                validator.error(key, &format!("requires '{other}'"));
            }
        }
        self.headers.validate(validator);
        if self.gateway.is_none() && self.probe() != Probe::Off {
            validator.error("probe", "requires 'gateway'; expected 'off' without one");
        }
        validator.source_exists("source", &self.source, sources);
    }
}
