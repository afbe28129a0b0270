//! What an administrator distributes so that the clients on all machines use the shim and the
//! gateway, and Claviger's own configuration.
//!
//! The content is a function of the configuration and of the machines it is for ([`claude_code`],
//! [`desktop`]); [`mod@format`] writes it as what an MDM takes. [`install`] writes scripts that
//! install the configuration itself.

mod cache_lifetime;
pub(crate) mod claude_code;
pub(crate) mod desktop;
pub(crate) mod format;
mod helper;
pub(crate) mod install;
mod platform;
mod profile;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub(crate) use self::{
    helper::Helper,
    platform::Platform,
    profile::{Profile, ProfileError},
};

/// A client whose settings are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// Claude Code.
    ClaudeCode,
    /// Claude Desktop and Cowork.
    ClaudeDesktop,
}

/// The settings of one client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    client: Client,
    /// The name of the profile that they are for.
    profile: String,
    /// As the client knows them, by key.
    values: Map<String, Value>,
    /// What the administrator should know before these are distributed.
    warnings: Vec<String>,
}

impl Settings {
    /// The settings as the client knows them, by key.
    #[must_use]
    pub(crate) const fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// What the administrator should know before these are distributed.
    #[must_use]
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Client {
    /// The preference domain on macOS, which is also the type of a profile's payload.
    const fn domain(self) -> &'static str {
        match self {
            Self::ClaudeCode => "com.anthropic.claudecode",
            Self::ClaudeDesktop => "com.anthropic.claudefordesktop",
        }
    }

    /// The key of its policy in the registry of Windows.
    const fn registry_key(self) -> &'static str {
        match self {
            Self::ClaudeCode => r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\ClaudeCode",
            Self::ClaudeDesktop => r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Claude",
        }
    }

    /// The name that people know it by.
    const fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
        }
    }

    /// The last part of a profile's identifier.
    const fn identifier(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
        }
    }
}
