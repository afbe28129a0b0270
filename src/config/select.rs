//! Selects the profile that a client means.

use super::{
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
}

impl SelectError {
    /// What to do now.
    #[must_use]
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "name an existing one with --profile or CLAVIGER_PROFILE",
            Self::Ambiguous { .. } => {
                "name one with --profile or CLAVIGER_PROFILE, or call one 'default'"
            }
        }
    }
}

impl Config {
    /// Selects the profile named `profile`; without a name, among those whose gateway matches
    /// `gateway` (a client's `ANTHROPIC_BASE_URL`), or among all if none matches, the one named
    /// `default` or the only one.
    ///
    /// # Errors
    ///
    /// [`SelectError`].
    pub(crate) fn select(
        &self,
        profile: Option<&str>,
        gateway: Option<&str>,
    ) -> Result<(&str, &ProfileConfig), SelectError> {
        if let Some(name) = profile {
            return self.profiles.get_key_value(name).map(named).ok_or_else(|| {
                SelectError::Unknown {
                    name: name.to_owned(),
                    profiles: self.profiles.keys().cloned().collect(),
                }
            });
        }
        let is_meant = |profile: &ProfileConfig| {
            let url = profile.gateway.as_ref();
            url.zip(gateway)
                .is_some_and(|(url, base_url)| url.matches(base_url))
        };
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
            (Some(one), _) | (None, [one]) => Ok(named(*one)),
            _ => Err(SelectError::Ambiguous {
                profiles: candidates
                    .into_iter()
                    .map(|(name, _)| name.clone())
                    .collect(),
            }),
        }
    }
}

fn named<'a>((name, profile): (&'a String, &'a ProfileConfig)) -> (&'a str, &'a ProfileConfig) {
    (name, profile)
}

fn did_you_mean(name: &str, profiles: &[String]) -> String {
    suggest(name, profiles.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::parse;

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
        let selected = config.select(profile, gateway);
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
            (&two, Some("b"), Some(A), "b"),
            (&two, None, Some("https://A.example/"), "a"),
            (&three, None, Some(B), "b"),
            (&three, None, Some("https://c.example"), "default"),
            (&three, None, None, "default"),
            (&[("a", A)], None, None, "a"),
            (&[("a", A)], None, Some(B), "a"),
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
