//! What is known of a resolved configuration, for the placeholders of messages.

use std::collections::BTreeMap;

/// The placeholders of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    /// The issuer.
    Issuer,
    /// The client's identifier.
    ClientId,
    /// The redirect to register.
    RedirectUri,
    /// The scopes, separated by blanks.
    Scope,
    /// The audience that the configuration asks for; after [`Preset::learn`](super::Preset::learn)
    /// that of the token.
    Audience,
    /// The address of the keys that sign tokens.
    KeySet,
    /// The claim with the user's name.
    UserClaim,
}

/// What is known of a resolved configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    values: BTreeMap<Fact, String>,
    /// Whether the credential is an ID token, whose audience is the client.
    pub(super) is_id_token: bool,
}

impl Fact {
    const ALL: [Self; 7] = [
        Self::Issuer,
        Self::ClientId,
        Self::RedirectUri,
        Self::Scope,
        Self::Audience,
        Self::KeySet,
        Self::UserClaim,
    ];

    /// Its placeholder.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::ClientId => "client_id",
            Self::RedirectUri => "redirect_uri",
            Self::Scope => "scope",
            Self::Audience => "audience",
            Self::KeySet => "key_set",
            Self::UserClaim => "user_claim",
        }
    }
}

impl Facts {
    /// Nothing but whether the credential is an ID token.
    pub(crate) fn new(is_id_token: bool) -> Self {
        Self {
            is_id_token,
            ..Self::default()
        }
    }

    /// Adds or replaces a fact.
    pub(crate) fn set(&mut self, fact: Fact, value: impl Into<String>) {
        self.values.insert(fact, value.into());
    }

    /// The fact with this placeholder.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let fact = Fact::ALL.into_iter().find(|fact| fact.name() == name)?;
        self.values.get(&fact).cloned()
    }
}
