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
}

impl ClientKind {
    /// The client with this name.
    #[must_use]
    pub(crate) fn named(name: Option<&str>) -> Self {
        match name {
            Some("claude-desktop") => Self::ClaudeDesktop,
            Some("codex") => Self::Codex,
            Some("copilot") => Self::Copilot,
            Some("pi") => Self::Pi,
            Some("hermes") => Self::Hermes,
            _ => Self::ClaudeCode,
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
}
