//! What a policy means for a user's profiles.

use claviger_wire::{ExitCode, Failure};

use crate::{
    clock::Timestamp,
    config::{Config, ProgramVersion},
    policy::{Denial, PolicyDocument, Request},
};

/// A profile, as far as a policy restricts it.
pub(super) struct Profile<'c> {
    name: &'c str,
    /// `None` if no configuration is known.
    uses: Option<Uses<'c>>,
}

/// What a profile uses.
struct Uses<'c> {
    /// Empty if the profile has none.
    gateways: Vec<&'c str>,
    audiences: Vec<&'c str>,
    sources: Vec<&'c str>,
}

/// What a policy means for one profile.
pub(super) struct Effect {
    pub(super) profile: String,
    /// The names of the rules that match.
    pub(super) rules: Vec<String>,
    pub(super) rotate_after: Option<Timestamp>,
    /// Why clients get no key: of all gateways or, if it is about one of several, of that one.
    pub(super) denials: Vec<Denial>,
    /// Whether the clients of some gateway get a key.
    pub(super) is_allowed: bool,
}

impl<'c> Profile<'c> {
    /// A profile whose configuration is not known.
    pub(super) fn unknown(name: &'c str) -> Self {
        Self { name, uses: None }
    }

    /// The profiles of `config`, or only the one called `name`.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] if the configuration lacks that profile.
    pub(super) fn of_config(config: &'c Config, name: Option<&str>) -> Result<Vec<Self>, Failure> {
        if let Some(name) = name
            && !config.profiles.contains_key(name)
        {
            let problem = format!("'{}' has no profile '{name}'", config.file.display());
            let hint = "name one of its profiles";
            return Err(Failure::new(ExitCode::Usage, problem, hint));
        }
        let names = config.profiles.keys().map(String::as_str);
        Ok(names
            .filter(|other| name.is_none_or(|name| name == *other))
            .map(|name| Self::of(config, name))
            .collect())
    }

    fn of(config: &'c Config, name: &'c str) -> Self {
        let profile = &config.profiles[name];
        let gateways = profile.gateways().map(|gateway| gateway.as_url().as_str());
        Self {
            name,
            uses: Some(Uses {
                gateways: gateways.collect(),
                audiences: config.sources[&profile.source].audiences(),
                sources: config.chain_names(&profile.source).collect(),
            }),
        }
    }
}

impl Effect {
    /// What `policy` means for `user` and `profile`, with this version of the program.
    pub(super) fn new(policy: &PolicyDocument, user: &str, profile: &Profile<'_>) -> Self {
        let in_force = policy.in_force(user, profile.name);
        let version = ProgramVersion::current();
        let results = match &profile.uses {
            None => vec![in_force.check_enabled(&version)],
            Some(uses) => {
                let check = |gateway| {
                    in_force.check(&Request {
                        version: &version,
                        gateway,
                        audiences: &uses.audiences,
                        sources: &uses.sources,
                    })
                };
                match uses.gateways.as_slice() {
                    [] => vec![check(None)],
                    gateways => gateways.iter().map(|url| check(Some(*url))).collect(),
                }
            }
        };
        let is_allowed = results.iter().any(Result::is_ok);
        let mut denials: Vec<_> = results.into_iter().filter_map(Result::err).collect();
        denials.dedup();
        Self {
            profile: profile.name.to_owned(),
            rules: in_force.rules().map(|(name, _)| name.to_owned()).collect(),
            rotate_after: in_force.rotate_after(),
            denials,
            is_allowed,
        }
    }
}
