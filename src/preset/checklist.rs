//! What administrators must enter.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    fact::{Fact, Facts},
    placeholder::fill,
};

/// The templates of a preset's checklist.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChecklistKeys {
    /// At the identity provider.
    #[serde(default)]
    provider: Vec<String>,
    /// At the gateway.
    #[serde(default)]
    gateway: Vec<String>,
    /// At the gateway, if the key is a token of an identity provider.
    #[serde(default)]
    token: Vec<String>,
    /// What the tokens of an identity provider contain.
    #[serde(skip)]
    pub(super) contents: Option<TokenKeys>,
}

/// What the tokens of an identity provider contain: templates.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenKeys {
    /// The address of the keys that sign them.
    key_set: String,
    /// The audience of an access token.
    audience: String,
    /// The claim with the user's name.
    user_claim: String,
}

/// What administrators must enter, one sentence each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checklist {
    /// At the identity provider.
    pub(crate) provider: Vec<String>,
    /// At the gateway.
    pub(crate) gateway: Vec<String>,
    /// At the gateway, if the key is a token of an identity provider.
    pub(crate) token: Vec<String>,
}

impl ChecklistKeys {
    /// The checklist with what is known.
    pub(super) fn of(&self, facts: &Facts) -> Checklist {
        let filled = |templates: &[String]| {
            let templates = templates.iter();
            templates
                .map(|template| fill(template, |name| facts.get(name)))
                .collect()
        };
        Checklist {
            provider: filled(&self.provider),
            gateway: filled(&self.gateway),
            token: filled(&self.token),
        }
    }

    /// `facts`, with what the tokens contain; `captured` are the parts of the issuer.
    pub(super) fn learn(&self, facts: &Facts, captured: &BTreeMap<&str, String>) -> Facts {
        let mut learned = facts.clone();
        let Some(contents) = &self.contents else {
            return learned;
        };
        let audience = match facts.is_id_token {
            true => "{client_id}",
            false => contents.audience.as_str(),
        };
        for (fact, template) in [
            (Fact::KeySet, contents.key_set.as_str()),
            (Fact::Audience, audience),
            (Fact::UserClaim, contents.user_claim.as_str()),
        ] {
            let value = |name: &str| captured.get(name).cloned().or_else(|| facts.get(name));
            learned.set(fact, fill(template, value));
        }
        learned
    }
}
