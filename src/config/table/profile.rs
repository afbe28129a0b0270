//! `[profile.NAME]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{super::field::GatewayUrl, validator::Validator};

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "Profile")]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileConfig {
    /// The gateway that the credential is for: matched against ANTHROPIC_BASE_URL, and probed if a
    /// key may have been rejected.
    pub(crate) gateway: Option<GatewayUrl>,
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

    /// Checks what its keys say about each other and about `sources`.
    pub(super) fn validate(&self, validator: &mut Validator, sources: &[&str]) {
        if self.gateway.is_none() && self.probe() != Probe::Off {
            validator.error("probe", "requires 'gateway'; expected 'off' without one");
        }
        validator.source_exists("source", &self.source, sources);
    }
}
