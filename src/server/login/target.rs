//! What a login is for, and the keys that follow from it.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::{
    broker::{AcquireError, AcquireRequest, DropCause},
    client_kind::{ClientKind, HelperContext},
    client_variables::ClientVariables,
    clock::Tick,
    composition::InForce,
    credential::Credential,
    login::{Flow, LoginKey, LoginRequest},
    server::limits::LONGEST_DEADLINE,
    source::SignIn,
};

/// A profile whose source a user signs in to.
pub(super) struct Target {
    pub(super) in_force: InForce,
    /// The profile's name.
    pub(super) profile: String,
    pub(super) variables: ClientVariables,
    /// Of the profile's source, or of the one that this depends on.
    pub(super) sign_in: Arc<dyn SignIn>,
}

impl Target {
    /// The login that it needs.
    pub(super) fn login(&self, flow: Flow) -> LoginRequest {
        let source = self.sign_in.source();
        let needed = self.in_force.config.source_variables(source);
        let (broker, profiles) = (Arc::clone(&self.in_force.broker), self.profiles());
        LoginRequest {
            key: LoginKey {
                source: source.to_owned(),
                variables: self.variables.only(&needed).hash(),
            },
            sign_in: Arc::clone(&self.sign_in),
            flow,
            on_new_user: Box::new(move || {
                for profile in &profiles {
                    broker.discard(profile, DropCause::OtherUser);
                }
            }),
        }
    }

    /// The key that the clients of the profile get.
    pub(super) async fn key(&self, until: Tick) -> Result<Arc<Credential>, AcquireError> {
        let acquire = AcquireRequest {
            cache_lifetime: LONGEST_DEADLINE,
            session: None,
            client: ClientKind::default(),
            context: HelperContext::Interactive,
            is_for_headers: false,
        };
        let broker = &self.in_force.broker;
        let grant = broker
            .acquire(&self.profile, &self.variables, acquire, until)
            .await?;
        Ok(grant.credential)
    }

    /// As [`Self::key`], after a login: all profiles that use it and have been asked for their key
    /// get a new one, too.
    pub(super) async fn new_key(&self, until: Tick) -> Result<Arc<Credential>, AcquireError> {
        let broker = &self.in_force.broker;
        let mut others = JoinSet::new();
        for name in self.profiles() {
            if name != self.profile && broker.has_entries(&name) {
                let broker = Arc::clone(broker);
                let variables = ClientVariables::default();
                others.spawn(async move { broker.refresh(&name, &variables, until).await });
            }
        }
        let refresh = broker.refresh(&self.profile, &self.variables, until);
        let refreshed = refresh.await;
        // Each one's error is in its own status.
        others.join_all().await;
        refreshed?;
        self.key(until).await
    }

    /// The profiles whose keys come from this login.
    fn profiles(&self) -> Vec<String> {
        let config = &self.in_force.config;
        let signed_in = config.sources.get(self.sign_in.source());
        let uses_login = |source: &str| {
            let mut chain = config.chain(source);
            chain.any(|of| signed_in.is_some_and(|signed_in| std::ptr::eq(of, signed_in)))
        };
        let profiles = config.profiles.iter();
        profiles
            .filter(|(_, profile)| uses_login(&profile.source))
            .map(|(name, _)| name.clone())
            .collect()
    }
}
