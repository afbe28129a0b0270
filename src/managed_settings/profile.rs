//! The profile that the settings are for.

use std::time::Duration;

use super::cache_lifetime::{CacheLifetime, cache_lifetime};
use crate::{
    claude_code::variables::BASE_URL,
    config::{BaseUrl, Config, ProfileConfig, SelectError},
};

/// The profile that the settings are for, whose gateway is known.
#[derive(Debug)]
pub(crate) struct Profile<'a> {
    config: &'a Config,
    name: &'a str,
    profile: &'a ProfileConfig,
    base_url: String,
}

/// A profile that no settings can be made for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProfileError {
    /// None is meant, or several are.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The clients' base URL would not be known.
    #[error("profile '{profile}' has no 'gateway', so the client's base URL is not known")]
    NoGateway {
        /// The profile's name.
        profile: String,
    },
    /// Claude Desktop passes neither a profile nor a base URL.
    #[error("Claude Desktop passes no arguments, so its helper does not get profile '{profile}'")]
    NotByDefault {
        /// The profile's name.
        profile: String,
    },
}

impl ProfileError {
    /// What to do now.
    #[must_use]
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Select(_) => "name one, as in 'claviger managed-settings PROFILE'".to_owned(),
            Self::NoGateway { profile } => {
                format!("set 'gateway' in [profile.{profile}] to the address of the gateway")
            }
            Self::NotByDefault { .. } => {
                "call the profile for Claude Desktop 'default' in the configuration".to_owned()
            }
        }
    }
}

impl<'a> Profile<'a> {
    /// The profile `name`, or without a name the one that the shim selects by default.
    ///
    /// # Errors
    ///
    /// [`ProfileError`].
    pub(crate) fn select(config: &'a Config, name: Option<&str>) -> Result<Self, ProfileError> {
        let (name, profile) = config.select(name, None)?;
        let gateway = profile.gateway.as_ref();
        let gateway = gateway.ok_or_else(|| ProfileError::NoGateway {
            profile: name.to_owned(),
        })?;
        Ok(Self {
            config,
            name,
            profile,
            base_url: gateway.as_url().as_str().trim_end_matches('/').to_owned(),
        })
    }

    /// Its name.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        self.name
    }

    /// The client's base URL.
    #[must_use]
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Whether a shim without `--profile` selects it by the client's base URL.
    #[must_use]
    pub(super) fn is_selected_by_gateway(&self) -> bool {
        let base_url = BaseUrl {
            url: &self.base_url,
            variables: BASE_URL,
        };
        self.is(self.config.select(None, Some(base_url)))
    }

    /// Whether a shim selects it that gets neither a profile nor a base URL.
    #[must_use]
    pub(super) fn is_selected_by_default(&self) -> bool {
        self.is(self.config.select(None, None))
    }

    fn is(&self, selected: Result<(&str, &ProfileConfig), SelectError>) -> bool {
        selected.is_ok_and(|(name, _)| name == self.name)
    }

    /// The cache lifetime for a client whose own default is `usual`.
    #[must_use]
    pub(super) fn cache_lifetime(&self, usual: Duration) -> CacheLifetime {
        let source = self.config.sources.get(&self.profile.source);
        cache_lifetime(self.profile, source, usual)
    }
}
