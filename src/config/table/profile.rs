//! `[profile.NAME]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{super::field::GatewayUrl, validator::Validator};

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "Profile")]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileConfig {
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
    /// The name of the source.
    pub(crate) source: String,
    /// How the gateway is asked whether it accepts a key; "models" by default if 'gateway' is set,
    /// "off" otherwise.
    probe: Option<Probe>,
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

    /// Checks what its keys say about each other and about `sources`.
    pub(super) fn validate(&self, validator: &mut Validator, sources: &[&str]) {
        if self.gateway.is_none() && self.probe() != Probe::Off {
            validator.error("probe", "requires 'gateway'; expected 'off' without one");
        }
        validator.source_exists("source", &self.source, sources);
    }
}
