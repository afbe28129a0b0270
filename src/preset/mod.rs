//! Presets: what is known of identity providers and gateways, as data.
//!
//! A preset is one TOML file: the defaults that lie under a user's own keys, the few values that it
//! leaves open and the keys that are made of them, rules about the keys, the errors that the
//! provider is known for, and what administrators must enter. There is no code for any one of them.

mod ask;
mod checklist;
mod error;
mod fact;
mod file;
mod pattern;
mod placeholder;
mod rule;

use std::sync::LazyLock;

use toml::de::DeTable;

pub(crate) use self::{
    ask::Ask,
    checklist::Checklist,
    fact::{Fact, Facts},
    placeholder::{fill, names},
    rule::Rule,
};
use self::{checklist::ChecklistKeys, error::KnownError, file::parse, placeholder::capture};

/// The identity providers that `preset` in a source can name.
static IDPS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    parse(&[
        ("entra", include_str!("idp/entra.toml")),
        ("okta", include_str!("idp/okta.toml")),
        ("google", include_str!("idp/google.toml")),
        ("keycloak", include_str!("idp/keycloak.toml")),
        ("auth0", include_str!("idp/auth0.toml")),
        ("ping", include_str!("idp/ping.toml")),
        ("cognito", include_str!("idp/cognito.toml")),
    ])
});

/// The gateways that `preset` in a profile can name.
static GATEWAYS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    parse(&[
        ("litellm", include_str!("gateway/litellm.toml")),
        ("portkey", include_str!("gateway/portkey.toml")),
        ("bifrost", include_str!("gateway/bifrost.toml")),
        ("kong", include_str!("gateway/kong.toml")),
        ("cloudflare", include_str!("gateway/cloudflare.toml")),
        ("databricks", include_str!("gateway/databricks.toml")),
    ])
});

/// What a configuration without a preset leaves open. No configuration names these.
static PLAIN: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    parse(&[
        ("gateway", include_str!("plain/gateway.toml")),
        ("vault", include_str!("plain/vault.toml")),
    ])
});

/// What is known of one provider.
#[derive(Debug)]
pub(crate) struct Preset {
    /// As a configuration names it.
    pub(crate) name: &'static str,
    /// As its vendor names it.
    pub(crate) title: String,
    /// Whether a gateway takes no tokens of an identity provider.
    pub(crate) refuses_tokens: bool,
    /// The values that it leaves open, in the order in which they are asked.
    pub(crate) asks: Vec<Ask>,
    /// The keys that are made of these values: templates.
    pub(crate) keys: toml::Table,
    /// What the keys must be.
    pub(crate) rules: Vec<Rule>,
    /// Defaults by flow; those of `all` belong to every flow.
    defaults: DeTable<'static>,
    errors: Vec<KnownError>,
    checklist: ChecklistKeys,
}

/// The preset of an identity provider.
pub(crate) fn idp(name: &str) -> Option<&'static Preset> {
    named(&IDPS, name)
}

/// The preset of a gateway.
pub(crate) fn gateway(name: &str) -> Option<&'static Preset> {
    named(&GATEWAYS, name)
}

/// What a profile leaves open whose gateway has no preset.
pub(crate) fn plain_gateway() -> Option<&'static Preset> {
    named(&PLAIN, "gateway")
}

/// What a source of another type leaves open.
pub(crate) fn plain_source(kind: &str) -> Option<&'static Preset> {
    named(&PLAIN, kind).filter(|preset| preset.name != "gateway")
}

/// The identity providers.
pub(crate) fn idps() -> impl Iterator<Item = &'static Preset> {
    IDPS.iter()
}

/// The gateways.
pub(crate) fn gateways() -> impl Iterator<Item = &'static Preset> {
    GATEWAYS.iter()
}

impl Preset {
    /// The tables of defaults for `flow`, which take precedence in this order.
    pub(crate) fn defaults(&self, flow: &str) -> impl Iterator<Item = &DeTable<'static>> {
        let table = |name: &str| self.defaults.get(name)?.get_ref().as_table();
        [table(flow), table("all")].into_iter().flatten()
    }

    /// What to do about an OAuth error of this provider; `None` if it is not known for it.
    pub(crate) fn remedy(
        &self,
        code: &str,
        description: Option<&str>,
        facts: &Facts,
    ) -> Option<String> {
        let mut errors = self.errors.iter();
        let known = errors.find(|known| known.matches(code, description))?;
        Some(fill(&known.remedy, |name| facts.get(name)))
    }

    /// What the administrators of this provider must enter.
    pub(crate) fn checklist(&self, facts: &Facts) -> Checklist {
        self.checklist.of(&self.learn(facts))
    }

    /// `facts`, with what this identity provider's tokens contain. The parts of the issuer, such as
    /// a tenant, are found by its template.
    pub(crate) fn learn(&self, facts: &Facts) -> Facts {
        let issuer = self.keys.get("issuer").and_then(toml::Value::as_str);
        let captured = issuer
            .zip(facts.get("issuer"))
            .and_then(|(template, issuer)| capture(template, &issuer))
            .unwrap_or_default();
        self.checklist.learn(facts, &captured)
    }
}

fn named(presets: &'static [Preset], name: &str) -> Option<&'static Preset> {
    presets.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests;
