//! Which program a shim runs for, and what that program says about the reason.
//!
//! The shim sends both as text; `broker::client_retry` decides what follows from them.

/// A program that runs the shim for its key, as `claviger-helper --client` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientKind {
    /// Claude Code; also a client that does not name itself, or that this version does not know.
    #[default]
    ClaudeCode,
    /// Claude Desktop and Cowork.
    ClaudeDesktop,
    /// OpenAI's Codex CLI.
    Codex,
    /// GitHub Copilot CLI.
    Copilot,
    /// pi.
    Pi,
    /// Hermes.
    Hermes,
    /// A tool that `claviger exec` runs with a key in its environment.
    Exec,
}

impl ClientKind {
    /// All clients.
    const ALL: [Self; 7] = [
        Self::ClaudeCode,
        Self::ClaudeDesktop,
        Self::Codex,
        Self::Copilot,
        Self::Pi,
        Self::Hermes,
        Self::Exec,
    ];

    /// The client with this name.
    #[must_use]
    pub(crate) fn named(name: Option<&str>) -> Self {
        let known = Self::ALL.into_iter().find(|kind| name == Some(kind.name()));
        known.unwrap_or_default()
    }

    /// The name, as the shim sends it.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
            Self::Codex => "codex",
            Self::Copilot => "copilot",
            Self::Pi => "pi",
            Self::Hermes => "hermes",
            Self::Exec => "exec",
        }
    }

    /// The variables that may contain the base URL that the shim sends, for messages.
    #[must_use]
    pub(crate) const fn base_url_variables(self) -> &'static str {
        match self {
            Self::Copilot => "COPILOT_PROVIDER_BASE_URL or ANTHROPIC_BASE_URL",
            Self::ClaudeCode
            | Self::ClaudeDesktop
            | Self::Codex
            | Self::Pi
            | Self::Hermes
            | Self::Exec => "ANTHROPIC_BASE_URL",
        }
    }
}

/// Why a client runs the shim, if it says so (`CLAUDE_HELPER_CONTEXT`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HelperContext {
    /// The client does not say.
    #[default]
    Unstated,
    /// A person waits for the key.
    Interactive,
    /// The gateway has rejected the key that the client was given before.
    Rejected,
    /// No person waits for the key.
    Background,
}

impl HelperContext {
    /// The meaning of a value of `CLAUDE_HELPER_CONTEXT`.
    #[must_use]
    pub(crate) fn stated(value: Option<&str>) -> Self {
        match value {
            Some("mid-session-refresh") => Self::Rejected,
            Some("interactive" | "setup-test") => Self::Interactive,
            Some("background" | "scheduled-task") => Self::Background,
            _ => Self::Unstated,
        }
    }

    /// A value that means this; `None` if the client does not state one.
    #[must_use]
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Unstated => None,
            Self::Interactive => Some("interactive"),
            Self::Rejected => Some("mid-session-refresh"),
            Self::Background => Some("background"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_known_by_its_name_and_any_other_is_claude_code() {
        for kind in ClientKind::ALL {
            assert_eq!(ClientKind::named(Some(kind.name())), kind);
        }
        for other in [None, Some(""), Some("Codex"), Some("gemini"), Some("pi\n")] {
            assert_eq!(
                ClientKind::named(other),
                ClientKind::ClaudeCode,
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_context_means_a_rejection_a_person_or_the_absence_of_one() {
        for (value, expected) in [
            (None, HelperContext::Unstated),
            (Some(""), HelperContext::Unstated),
            (Some("of a later version"), HelperContext::Unstated),
            (Some("interactive"), HelperContext::Interactive),
            (Some("setup-test"), HelperContext::Interactive),
            (Some("mid-session-refresh"), HelperContext::Rejected),
            (Some("background"), HelperContext::Background),
            (Some("scheduled-task"), HelperContext::Background),
        ] {
            assert_eq!(HelperContext::stated(value), expected, "{value:?}");
            assert_eq!(HelperContext::stated(expected.name()), expected);
        }
    }
}
