//! Which profile a client means.

use super::{
    model::{Config, ProfileConfig},
    suggest::{list, nearest, quote},
};

/// The profile that is taken where nothing else says which.
const DEFAULT_PROFILE: &str = "default";

/// Why no profile can be picked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectError {
    /// The one that was named is not there.
    #[error("there is no profile {}; the profiles are {}{}", quote(.name), list(.profiles), did_you_mean(.name, .profiles))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        profiles: Vec<String>,
    },
    /// None was named, and more than one could be meant.
    #[error("more than one profile could be meant: {}", list(.profiles))]
    Ambiguous {
        /// Those that could be meant.
        profiles: Vec<String>,
    },
}

impl SelectError {
    /// What to do now.
    #[must_use]
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "name another one with --profile or CLAVIGER_PROFILE",
            Self::Ambiguous { .. } => {
                "name one with --profile or CLAVIGER_PROFILE, or call one 'default'"
            }
        }
    }
}

impl Config {
    /// Picks a profile: the one named `profile`; else, of those whose gateway `gateway` (a client's
    /// `ANTHROPIC_BASE_URL`) means, or of all where it means none's, the one named `default`; else the only one.
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
        let meant = |profile: &ProfileConfig| {
            let url = profile.gateway.as_ref();
            url.zip(gateway)
                .is_some_and(|(url, base_url)| url.matches(base_url))
        };
        let mut candidates: Vec<_> = self
            .profiles
            .iter()
            .filter(|(_, profile)| meant(profile))
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
    let profiles: Vec<_> = profiles.iter().map(String::as_str).collect();
    nearest(name, &profiles).map_or(String::new(), |name| format!("; did you mean '{name}'?"))
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
    fn what_is_picked() {
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
    fn what_cannot_be_picked() {
        let profiles = [("team-a", A), ("team-b", A), ("other", B)];
        for (profile, gateway, expected) in [
            (
                Some("taem-a"),
                None,
                "there is no profile 'taem-a'; the profiles are 'other', 'team-a' and 'team-b'; did you mean 'team-a'?",
            ),
            (
                Some(""),
                None,
                "there is no profile ''; the profiles are 'other', 'team-a' and 'team-b'",
            ),
            (
                None,
                None,
                "more than one profile could be meant: 'other', 'team-a' and 'team-b'",
            ),
            (
                None,
                Some(A),
                "more than one profile could be meant: 'team-a' and 'team-b'",
            ),
            (
                None,
                Some("no URL"),
                "more than one profile could be meant: 'other', 'team-a' and 'team-b'",
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
