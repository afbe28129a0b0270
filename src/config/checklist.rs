//! What administrators must enter elsewhere, so that a profile works: by the presets of its gateway
//! and its source.

use serde::{Deserialize, Serialize};

use super::{
    field::{GatewayKind, IdpName},
    table::{Config, SourceConfig},
};
use crate::preset::{Fact, Facts};

/// What one administrator must enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChecklistEntry {
    /// What is administered: a product's name, or "the gateway".
    pub(crate) administrator_of: String,
    /// One sentence each.
    pub(crate) items: Vec<String>,
}

/// The checklist for a profile: the identity provider's, then the gateway's. An administrator with
/// nothing to enter has no entry.
#[must_use]
pub(crate) fn checklist(config: &Config, profile: &str) -> Vec<ChecklistEntry> {
    let Some(profile) = config.profiles.get(profile) else {
        return Vec::new();
    };
    let gateway = profile.preset.and_then(GatewayKind::preset);
    let mut of_gateway = gateway.map_or_else(Vec::new, |gateway| {
        gateway.checklist(&Facts::default()).gateway
    });
    let mut entries = Vec::new();
    if let Some(SourceConfig::Oauth(oauth)) = config.sources.get(&profile.source)
        && let Some(idp) = oauth.preset.and_then(IdpName::preset)
    {
        let facts = oauth.facts();
        entries.push(ChecklistEntry {
            administrator_of: idp.title.clone(),
            items: idp.checklist(&facts).provider,
        });
        let learned = idp.learn(&facts);
        if !gateway.is_some_and(|gateway| gateway.refuses_tokens) {
            of_gateway.extend(token(&learned));
        }
        of_gateway
            .extend(gateway.map_or_else(Vec::new, |gateway| gateway.checklist(&learned).token));
    }
    entries.push(ChecklistEntry {
        administrator_of: gateway
            .map_or("the gateway", |gateway| &gateway.title)
            .to_owned(),
        items: of_gateway,
    });
    entries.retain(|entry| !entry.items.is_empty());
    entries
}

/// What a gateway that checks the tokens of an identity provider must know.
fn token(learned: &Facts) -> Vec<String> {
    let named = [
        ("The tokens' issuer", Fact::Issuer),
        ("The key set that checks their signatures", Fact::KeySet),
        ("Their audience", Fact::Audience),
        ("The claim that identifies the user", Fact::UserClaim),
    ];
    let known = named.into_iter().filter_map(|(what, fact)| {
        let value = learned.get(fact.name())?;
        Some(format!("{what}: {value}"))
    });
    known.collect()
}
