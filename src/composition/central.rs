//! The central policy, applied to the profiles of a configuration.

use super::InForce;
use crate::{
    broker::{DropCause, RotateAfter},
    config::ProgramVersion,
    policy::{self, Accepted, Denial, Request},
};

impl InForce {
    /// Has the broker reject what `policy` rejects, and drops the keys of profiles that it denies.
    pub(crate) fn apply(&self, policy: &Accepted) {
        for profile in self.config.profiles.keys() {
            self.apply_to(policy, profile);
            if self.denial(policy, profile, None).is_some() {
                self.broker.discard(profile, DropCause::Policy);
            }
        }
    }

    /// Has the broker reject the keys of `profile` that `policy` rejects.
    pub(crate) fn apply_to(&self, policy: &Accepted, profile: &str) {
        let rotation = self.rules(policy, profile).rotate_after().and_then(|at| {
            let known_since = policy.known_since(at)?;
            Some(RotateAfter { at, known_since })
        });
        self.broker.rotate_after(profile, rotation);
    }

    /// Why `policy` denies the key of `profile`, which must exist, to a client of `gateway`, apart
    /// from what program it is; `None` if it does not. If the client names no gateway, the policy
    /// must allow all those of the profile.
    #[must_use]
    pub(crate) fn denial(
        &self,
        policy: &Accepted,
        profile: &str,
        gateway: Option<&str>,
    ) -> Option<Denial> {
        let config = &self.config.profiles[profile];
        let version = ProgramVersion::current();
        let sources: Vec<_> = self.config.chain_names(&config.source).collect();
        let audiences = self.config.sources[&config.source].audiences();
        let rules = self.rules(policy, profile);
        let check = |gateway| {
            let request = Request {
                version: &version,
                gateway,
                audiences: &audiences,
                sources: &sources,
            };
            rules.check(&request).err()
        };
        if gateway.is_some() {
            return check(gateway);
        }
        let mut gateways = config.gateways().peekable();
        match gateways.peek() {
            None => check(None),
            Some(_) => gateways.find_map(|gateway| check(Some(gateway.as_url().as_str()))),
        }
    }

    /// Whether `policy` allows the key of `profile`, which must exist, to the clients of at least
    /// one of its gateways.
    #[must_use]
    pub(crate) fn is_allowed_somewhere(&self, policy: &Accepted, profile: &str) -> bool {
        let gateways = self.config.profiles[profile].gateways();
        let mut urls = gateways.map(|gateway| gateway.as_url().as_str());
        urls.any(|url| self.denial(policy, profile, Some(url)).is_none())
    }

    /// What `policy` means for the user and `profile`.
    #[must_use]
    pub(crate) fn rules<'p>(&self, policy: &'p Accepted, profile: &str) -> policy::InForce<'p> {
        policy.signed.document.in_force(&self.user, profile)
    }
}
