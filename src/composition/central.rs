//! The central policy, applied to the profiles of a configuration.

use std::{path::Path, sync::Arc};

use super::{InForce, Recorder};
use crate::{
    broker::{DropCause, Jitter, RotateAfter},
    clock::Clock,
    config::ProgramVersion,
    policy::{self, Accepted, Denial, Request},
    policy_watch::PolicyWatch,
    source::catalog,
};

/// The policy of a daemon that keeps the last good one in `state_dir` as `instance`.
#[must_use]
pub(crate) fn policy_watch(
    state_dir: &Path,
    instance: &str,
    clock: &Arc<dyn Clock>,
    jitter: &Jitter,
    recorder: &Arc<Recorder>,
) -> Arc<PolicyWatch> {
    let secrets = {
        let clock = Arc::clone(clock);
        move |name: &str, config: &_| catalog::vault_without_user(name, config, &clock)
    };
    Arc::new(PolicyWatch::new(
        state_dir,
        instance,
        Arc::clone(clock),
        Arc::clone(jitter),
        Arc::<Recorder>::clone(recorder),
        Box::new(secrets),
    ))
}

/// What a policy means for one profile of what is in force. The rules are selected once for all
/// questions: one of them may name every user of a company.
pub(crate) struct ProfilePolicy<'a> {
    in_force: &'a InForce,
    policy: &'a Accepted,
    profile: &'a str,
    /// Those that are about the user and the profile.
    rules: policy::InForce<'a>,
}

impl InForce {
    /// Has the broker reject what `policy` rejects, and drops the keys of profiles that it denies.
    pub(crate) fn apply(&self, policy: &Accepted) {
        for profile in self.config.profiles.keys() {
            if self.profile_policy(policy, profile).enforce(None).is_err() {
                self.broker.discard(profile, DropCause::Policy);
            }
        }
    }

    /// What `policy` means for the user and `profile`, which must exist.
    #[must_use]
    pub(crate) fn profile_policy<'a>(
        &'a self,
        policy: &'a Accepted,
        profile: &'a str,
    ) -> ProfilePolicy<'a> {
        ProfilePolicy {
            in_force: self,
            policy,
            profile,
            rules: policy.signed.document.in_force(&self.user, profile),
        }
    }
}

impl<'a> ProfilePolicy<'a> {
    /// The rules that are about the user and the profile.
    #[must_use]
    pub(crate) const fn rules(&self) -> &policy::InForce<'a> {
        &self.rules
    }

    /// Has the broker reject the profile's keys that the policy rejects, and checks that a client
    /// of `gateway` may have one.
    ///
    /// # Errors
    ///
    /// [`Self::denial`].
    pub(crate) fn enforce(&self, gateway: Option<&str>) -> Result<(), Denial> {
        let rotation = self.rules.rotate_after().and_then(|at| {
            let known_since = self.policy.known_since(at)?;
            Some(RotateAfter { at, known_since })
        });
        self.in_force.broker.rotate_after(self.profile, rotation);
        self.denial(gateway).map_or(Ok(()), Err)
    }

    /// Why the policy denies the profile's key to a client of `gateway`, apart from what program it
    /// is; `None` if it does not. If the client names no gateway, the policy must allow all those
    /// of the profile.
    #[must_use]
    pub(crate) fn denial(&self, gateway: Option<&str>) -> Option<Denial> {
        let config = &self.in_force.config;
        let profile = &config.profiles[self.profile];
        let version = ProgramVersion::current();
        let sources: Vec<_> = config.chain_names(&profile.source).collect();
        let audiences = config.sources[&profile.source].audiences();
        let check = |gateway| {
            let request = Request {
                version: &version,
                gateway,
                audiences: &audiences,
                sources: &sources,
            };
            self.rules.check(&request).err()
        };
        if gateway.is_some() {
            return check(gateway);
        }
        let mut gateways = profile.gateways().peekable();
        match gateways.peek() {
            None => check(None),
            Some(_) => gateways.find_map(|gateway| check(Some(gateway.as_url().as_str()))),
        }
    }

    /// Whether the policy allows the profile's key to the clients of at least one of its gateways.
    #[must_use]
    pub(crate) fn is_allowed_somewhere(&self) -> bool {
        let gateways = self.in_force.config.profiles[self.profile].gateways();
        let mut urls = gateways.map(|gateway| gateway.as_url().as_str());
        urls.any(|url| self.denial(Some(url)).is_none())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        broker::{Broker, RouteBuilder},
        clock::SystemClock,
        config,
        policy::signed_policies::accepted,
    };

    const CONFIG: &str = "version = 1\n\
        [profile.one]\nsource = 'own'\ngateway = 'https://a.test'\n\
        [profile.two]\nsource = 'own'\ngateway = 'https://a.test'\ngateways = ['https://b.test']\n\
        [profile.none]\nsource = 'own'\n\
        [source.own]\ntype = 'exec'\ncommand = ['/bin/key']\n";

    /// Whether a policy with `rules` denies `profile` to the user `ana` as a client of `gateway`.
    fn denies(rules: &str, profile: &str, gateway: Option<&str>) -> bool {
        let config = config::parse(Path::new("/c.toml"), CONFIG).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let routes = BTreeMap::<String, RouteBuilder>::new();
        let jitter: Jitter = Arc::new(|| 0.5);
        let broker = Broker::new(routes, &clock, &jitter);
        let in_force = InForce::new(Arc::new(config), broker, &Arc::from("ana"));
        let policy = accepted(&format!("version = 1\ncounter = 1\n{rules}"));
        let policy = in_force.profile_policy(&policy, profile);
        policy.denial(gateway).is_some()
    }

    #[test]
    fn the_clients_gateway_counts_and_without_it_all_of_the_profile() {
        let rules = "[rule.r]\nallowed_gateways = ['https://a.test']";
        let (a, b) = (Some("https://a.test/"), Some("https://b.test"));
        for (profile, gateway, expected) in [
            ("one", None, false),
            ("one", a, false),
            ("two", a, false),
            ("two", b, true),
            ("two", None, true),
            ("none", None, true),
            ("none", a, false),
        ] {
            assert_eq!(
                denies(rules, profile, gateway),
                expected,
                "{profile} {gateway:?}"
            );
        }
    }

    #[test]
    fn a_rule_is_about_its_user_and_its_sources() {
        let disabled = |users| format!("[rule.r]\nusers = ['{users}']\ndisabled = 'call 1234'");
        assert!(denies(&disabled("Ana"), "one", None));
        assert!(!denies(&disabled("bob"), "one", None));
        let source = |name| format!("[rule.r]\nallowed_sources = ['{name}']");
        assert!(!denies(&source("own"), "one", None));
        assert!(denies(&source("corp"), "one", None));
        assert!(denies("minimum_version = '999.0.0'", "one", None));
    }
}
