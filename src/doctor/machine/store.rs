//! The secret store of the sources that a user signs in to.

use crate::{
    config::{SourceConfig, StoreKind},
    doctor::{
        Context,
        check::Check,
        finding::{Finding, Severity},
    },
    store::{StoreError, Stores},
};

/// The store is locked.
pub(super) const LOCKED: Check = super::check_of(
    Severity::Fatal,
    "machine.store-locked",
    "the system's secret store is locked",
);

/// The store cannot be used.
pub(super) const UNAVAILABLE: Check = super::check_of(
    Severity::Fatal,
    "machine.store-unavailable",
    "the system's secret store is absent, does not answer or refuses access",
);

/// What was observed.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The sources whose logins the store keeps.
    pub(super) sources: Vec<String>,
    /// Why it does not keep a value.
    pub(super) error: Option<StoreError>,
}

/// Stores, reads and removes a random value, as a sign-in does before it starts, if a source uses
/// the system's store.
pub(super) async fn observe(context: &Context<'_>) -> Facts {
    let (Ok(config), Ok(places)) = (context.config, context.places) else {
        return Facts::default();
    };
    let uses = |source: &SourceConfig| match source {
        SourceConfig::Oauth(oauth) => oauth.has_user() && oauth.store == StoreKind::System,
        _ => false,
    };
    let used = config.sources.iter().filter(|(_, source)| uses(source));
    let sources: Vec<_> = used.map(|(name, _)| name.clone()).collect();
    let error = match places.state_dir() {
        Some(state_dir) if !sources.is_empty() => {
            let store = Stores::new(state_dir).open(StoreKind::System);
            store.round_trip().await.err()
        }
        _ => None,
    };
    Facts { sources, error }
}

/// Checks the secret store.
pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(error) = &facts.error else {
        return Vec::new();
    };
    let check = match error {
        StoreError::Locked { .. } => LOCKED,
        _ => UNAVAILABLE,
    };
    let sources = facts.sources.iter().map(|name| format!("'{name}'"));
    let sources = sources.collect::<Vec<_>>().join(", ");
    let used = format!("it would keep the logins of {sources}");
    vec![check.found(error.to_string(), [used], error.hint())]
}
