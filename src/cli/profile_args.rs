//! The profile of a command, as an argument or as an option.

/// A profile: `PROFILE` or `--profile NAME`.
#[derive(Debug, Default, clap::Args)]
pub(super) struct ProfileArgs {
    /// Only this profile
    #[arg(value_name = "PROFILE", conflicts_with = "profile_option")]
    profile: Option<String>,

    /// Only this profile
    #[arg(long = "profile", value_name = "NAME")]
    profile_option: Option<String>,
}

impl ProfileArgs {
    /// This profile.
    pub(super) fn of(name: &str) -> Self {
        Self {
            profile: Some(name.to_owned()),
            profile_option: None,
        }
    }

    /// The profile's name; `None` for all profiles.
    pub(super) fn name(&self) -> Option<String> {
        self.profile
            .as_ref()
            .or(self.profile_option.as_ref())
            .cloned()
    }
}
