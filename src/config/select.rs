//! Selects the profile that a client means.

use super::{
    gateway_rule::{BaseUrl, OtherGateway},
    suggest::{one_of, quote, suggest},
    table::{Config, ProfileConfig},
};

/// The profile that is selected if nothing else decides.
const DEFAULT_PROFILE: &str = "default";

/// A request that does not select a profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectError {
    /// The named profile does not exist.
    #[error("unknown profile {}{}", quote(.name), did_you_mean(.name, .profiles))]
    Unknown {
        /// The name in the request.
        name: String,
        /// The profiles of the configuration.
        profiles: Vec<String>,
    },
    /// No profile was named, and several match.
    #[error("ambiguous profile: {}", one_of(.profiles))]
    Ambiguous {
        /// Those that match.
        profiles: Vec<String>,
    },
    /// The profile's key is not for the client's gateway.
    #[error(transparent)]
    OtherGateway(Box<OtherGateway>),
}

impl SelectError {
    /// What to do now.
    #[must_use]
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Unknown { .. } => {
                "name an existing one with --profile or CLAVIGER_PROFILE".to_owned()
            }
            Self::Ambiguous { .. } => {
                "name one with --profile or CLAVIGER_PROFILE, or call one 'default'".to_owned()
            }
            Self::OtherGateway(other) => other.hint.clone(),
        }
    }
}

impl Config {
    /// Selects the profile named `profile`; without a name, among those with the gateway `base_url`
    /// (such as a client's `ANTHROPIC_BASE_URL`), or among all if there are none, the one named
    /// `default` or the only one. An empty `base_url` counts as none, as it does for the client.
    ///
    /// # Errors
    ///
    /// [`SelectError`]: also if the selected profile's key is not for the client's gateway.
    pub(crate) fn select(
        &self,
        profile: Option<&str>,
        base_url: Option<BaseUrl<'_>>,
    ) -> Result<(&str, &ProfileConfig), SelectError> {
        let base_url = base_url.filter(|base_url| !base_url.url.trim().is_empty());
        let (name, profile) = match profile {
            Some(name) => self.named(name)?,
            None => self.matching(base_url.map(|base_url| base_url.url))?,
        };
        if let Some(base_url) = base_url {
            self.check_gateway(name, profile, base_url)
                .map_err(|other| SelectError::OtherGateway(Box::new(other)))?;
        }
        Ok((name, profile))
    }

    fn named(&self, name: &str) -> Result<(&str, &ProfileConfig), SelectError> {
        let found = self.profiles.get_key_value(name);
        found.map(as_strs).ok_or_else(|| SelectError::Unknown {
            name: name.to_owned(),
            profiles: self.profiles.keys().cloned().collect(),
        })
    }

    fn matching(&self, base_url: Option<&str>) -> Result<(&str, &ProfileConfig), SelectError> {
        let is_meant = |profile: &ProfileConfig| base_url.is_some_and(|url| profile.is_for(url));
        let mut candidates: Vec<_> = self
            .profiles
            .iter()
            .filter(|(_, profile)| is_meant(profile))
            .collect();
        if candidates.is_empty() {
            candidates = self.profiles.iter().collect();
        }
        let default = candidates.iter().find(|(name, _)| *name == DEFAULT_PROFILE);
        match (default, candidates.as_slice()) {
            (Some(one), _) | (None, [one]) => Ok(as_strs(*one)),
            _ => Err(SelectError::Ambiguous {
                profiles: candidates
                    .into_iter()
                    .map(|(name, _)| name.clone())
                    .collect(),
            }),
        }
    }
}

fn as_strs<'a>((name, profile): (&'a String, &'a ProfileConfig)) -> (&'a str, &'a ProfileConfig) {
    (name, profile)
}

fn did_you_mean(name: &str, profiles: &[String]) -> String {
    suggest(name, profiles.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{super::parse, BaseUrl};

    fn select(
        profiles: &[(&str, &str)],
        profile: Option<&str>,
        gateway: Option<&str>,
    ) -> Result<String, String> {
        let mut text =
            "version = 1\nsource.s = { type = 'exec', command = ['/bin/key'] }\n".to_owned();
        for (name, gateway) in profiles {
            text.push_str(&format!("[profile.{name}]\nsource = 's'\n"));
            if !gateway.is_empty() {
                text.push_str(&format!("gateway = '{gateway}'\n"));
            }
        }
        let config = parse(Path::new("/c.toml"), &text).unwrap();
        let base_url = gateway.map(|url| BaseUrl {
            url,
            variables: "ANTHROPIC_BASE_URL",
        });
        let selected = config.select(profile, base_url);
        selected
            .map(|(name, _)| name.to_owned())
            .map_err(|error| error.to_string())
    }

    const A: &str = "https://a.example";
    const B: &str = "https://b.example";

    #[test]
    fn the_named_the_matching_the_default_or_the_only_profile_is_selected() {
        let two = [("a", A), ("b", B)];
        let three = [("a", A), ("b", B), ("default", "")];
        for (profiles, profile, gateway, expected) in [
            (&two[..], Some("b"), None, "b"),
            (&two, Some("b"), Some(B), "b"),
            (&two, None, Some("https://A.example/"), "a"),
            (&three, None, Some(B), "b"),
            (&three, None, Some("https://c.example"), "default"),
            (&three, None, None, "default"),
            (&[("a", A)], None, None, "a"),
            (&[("a", "")], None, Some(B), "a"),
            (
                &[("a", A), ("default", A), ("b", B)],
                None,
                Some(A),
                "default",
            ),
        ] {
            assert_eq!(
                select(profiles, profile, gateway).as_deref(),
                Ok(expected),
                "{profile:?} {gateway:?}"
            );
        }
    }

    #[test]
    fn unknown_and_ambiguous_profiles_are_errors() {
        let profiles = [("team-a", A), ("team-b", A), ("other", B)];
        for (profile, gateway, expected) in [
            (
                Some("taem-a"),
                None,
                "unknown profile 'taem-a'; did you mean 'team-a'?",
            ),
            (
                Some(""),
                None,
                "unknown profile ''; expected 'other', 'team-a' or 'team-b'",
            ),
            (
                None,
                None,
                "ambiguous profile: 'other', 'team-a' or 'team-b'",
            ),
            (None, Some(A), "ambiguous profile: 'team-a' or 'team-b'"),
            (
                None,
                Some("not a URL"),
                "ambiguous profile: 'other', 'team-a' or 'team-b'",
            ),
        ] {
            assert_eq!(
                select(&profiles, profile, gateway).unwrap_err(),
                expected,
                "{profile:?} {gateway:?}"
            );
        }
    }
}
