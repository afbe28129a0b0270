//! What a policy means for one user and profile. Every rule only restricts, so that one more rule
//! never permits more: the strictest of all that match counts.

use super::document::{PolicyDocument, Rule};
use crate::{
    client_process::Program,
    clock::Timestamp,
    config::{self, CallerPattern, CallerRefusal, GatewayUrl, Name, ProgramVersion},
};

/// The part of a policy that is about one user and profile.
#[derive(Clone, Debug)]
pub(crate) struct InForce<'p> {
    minimum_version: Option<&'p ProgramVersion>,
    /// The rules that match, in the order of their names.
    rules: Vec<(&'p str, &'p Rule)>,
}

/// A request for a key.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    /// The version of the program that answers it.
    pub(crate) version: &'a ProgramVersion,
    /// The gateway that the key is for; `None` if it is not known.
    pub(crate) gateway: Option<&'a str>,
    /// What the profile's own source says that the key is for.
    pub(crate) audiences: &'a [&'a str],
    /// The profile's source, and those whose credentials it presents, by name.
    pub(crate) sources: &'a [&'a str],
}

/// The reason why a key is denied, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denial {
    /// The program is too old.
    #[error("this is Claviger {version}, and the company's policy demands at least {minimum}")]
    Version {
        /// The program's.
        version: String,
        /// The policy's.
        minimum: String,
    },
    /// A rule says `disabled`.
    #[error("{message} (rule '{rule}' of the company's policy)")]
    Disabled {
        /// The rule.
        rule: String,
        /// Its message.
        message: String,
    },
    /// A list lacks what the key is for or from.
    #[error("{what} is not allowed by rule '{rule}' of the company's policy")]
    NotListed {
        /// The rule.
        rule: String,
        /// What its list lacks: `the source 'x'`.
        what: String,
    },
}

/// A client whose program a rule does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallerDenial {
    /// The rule.
    pub(crate) rule: String,
    /// What is wrong with the client.
    pub(crate) refusal: CallerRefusal,
}

impl PolicyDocument {
    /// What this policy means for `user`, by the name on the machine, and `profile`.
    #[must_use]
    pub(crate) fn in_force(&self, user: &str, profile: &str) -> InForce<'_> {
        let rules = self.rules.iter();
        InForce {
            minimum_version: self.minimum_version.as_ref(),
            rules: rules
                .filter(|(_, rule)| rule.is_about(user, profile))
                .map(|(name, rule)| (name.as_str(), rule))
                .collect(),
        }
    }
}

impl Rule {
    /// Names of users are compared without case, as Windows does: a rule for one user too many is
    /// noticed, one too few is not.
    fn is_about(&self, user: &str, profile: &str) -> bool {
        let user = user.to_lowercase();
        let is_user = |users: &Vec<String>| users.iter().any(|name| name.to_lowercase() == user);
        let is_profile = |names: &Vec<Name>| names.iter().any(|name| name.as_str() == profile);
        self.users.as_ref().is_none_or(is_user) && self.profiles.as_ref().is_none_or(is_profile)
    }
}

impl<'p> InForce<'p> {
    /// The rules, in the order of their names.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&'p str, &'p Rule)> {
        self.rules.iter().copied()
    }

    /// Credentials that were obtained before this moment are dropped: the latest of all rules.
    #[must_use]
    pub(crate) fn rotate_after(&self) -> Option<Timestamp> {
        let moments = self.rules.iter().filter_map(|(_, rule)| rule.rotate_after);
        moments.map(|moment| moment.get()).max()
    }

    /// Checks that there are keys at all with this version of the program.
    ///
    /// # Errors
    ///
    /// [`Denial::Version`], or else [`Denial::Disabled`] by the first rule.
    pub(crate) fn check_enabled(&self, version: &ProgramVersion) -> Result<(), Denial> {
        if let Some(minimum) = self.minimum_version
            && version < minimum
        {
            return Err(Denial::Version {
                version: version.to_string(),
                minimum: minimum.to_string(),
            });
        }
        for (name, rule) in &self.rules {
            if let Some(message) = &rule.disabled {
                return Err(Denial::Disabled {
                    rule: (*name).to_owned(),
                    message: message.clone(),
                });
            }
        }
        Ok(())
    }

    /// Checks that a request may have a key, apart from its caller.
    ///
    /// # Errors
    ///
    /// As [`InForce::check_enabled`], or else [`Denial::NotListed`] by the first rule.
    pub(crate) fn check(&self, request: &Request<'_>) -> Result<(), Denial> {
        self.check_enabled(request.version)?;
        for (name, rule) in &self.rules {
            if let Some(what) = rule.lacks(request) {
                let rule = (*name).to_owned();
                return Err(Denial::NotListed { rule, what });
            }
        }
        Ok(())
    }
}

impl InForce<'_> {
    /// Whether a rule restricts which programs may have a key.
    #[must_use]
    pub(crate) fn restricts_callers(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|(_, rule)| rule.allowed_callers.is_some())
    }

    /// Checks that a client may have a key whose `programs` are what stands between the shim and
    /// the client, as for [`config::permits`].
    ///
    /// # Errors
    ///
    /// [`CallerDenial`] by the first rule.
    pub(crate) fn check_caller(&self, programs: Option<&[Program]>) -> Result<(), CallerDenial> {
        for (name, rule) in &self.rules {
            let Some(allowed) = &rule.allowed_callers else {
                continue;
            };
            // A policy is for all systems: the paths of the others are no program's here.
            let exact = allowed.iter().filter_map(|path| CallerPattern::exact(path));
            let exact: Vec<_> = exact.collect();
            config::permits(&exact, programs).map_err(|refusal| CallerDenial {
                rule: (*name).to_owned(),
                refusal,
            })?;
        }
        Ok(())
    }
}

impl Rule {
    /// What of `request` one of the lists lacks.
    fn lacks(&self, request: &Request<'_>) -> Option<String> {
        if let Some(gateways) = &self.allowed_gateways {
            match request.gateway {
                None => return Some("a key without a known gateway".to_owned()),
                Some(url) if !gateways.iter().any(|gateway| gateway.matches(url)) => {
                    let shown = GatewayUrl::of_client(url).map(|gateway| gateway.origin());
                    let shown = shown.unwrap_or_else(|_| "with an invalid URL".to_owned());
                    return Some(format!("the gateway '{shown}'"));
                }
                Some(_) => {}
            }
        }
        if let Some(audiences) = &self.allowed_audiences {
            let is_listed = |audience: &str| audiences.iter().any(|listed| listed == audience);
            if let Some(other) = request.audiences.iter().find(|name| !is_listed(name)) {
                return Some(format!("the audience '{other}'"));
            }
        }
        let sources = self.allowed_sources.as_ref()?;
        let is_listed = |source: &str| sources.iter().any(|listed| listed.as_str() == source);
        let other = request.sources.iter().find(|name| !is_listed(name))?;
        Some(format!("the source '{other}'"))
    }
}

#[cfg(test)]
#[path = "tests/evaluate.rs"]
mod tests;
