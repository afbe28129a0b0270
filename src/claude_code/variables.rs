//! The variables that decide which credential Claude Code sends, and to which server.

/// The server that Claude Code sends its requests to.
pub(crate) const BASE_URL: &str = "ANTHROPIC_BASE_URL";

/// How long it uses the helper's key, in milliseconds.
pub(crate) const CACHE_LIFETIME: &str = "CLAUDE_CODE_API_KEY_HELPER_TTL_MS";

/// What a variable does beside the helper, if it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Its value is sent as `x-api-key`, in place of the helper's key.
    ReplacesApiKey,
    /// Its value is sent as `Authorization: Bearer`, in place of the helper's key.
    ReplacesBearer,
    /// It adds headers, which can replace either.
    ReplacesHeaders,
    /// Requests go to another provider, not to the gateway.
    LeavesGateway,
}

/// A variable that gets round the helper or the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bypass {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) effect: Effect,
}

const fn bypass(name: &'static str, effect: Effect) -> Bypass {
    Bypass { name, effect }
}

/// All variables that get round the helper or the gateway.
pub(crate) const BYPASSES: &[Bypass] = &[
    bypass("ANTHROPIC_API_KEY", Effect::ReplacesApiKey),
    bypass("ANTHROPIC_AUTH_TOKEN", Effect::ReplacesBearer),
    bypass("ANTHROPIC_CUSTOM_HEADERS", Effect::ReplacesHeaders),
    bypass("CLAUDE_CODE_USE_BEDROCK", Effect::LeavesGateway),
    bypass("CLAUDE_CODE_USE_VERTEX", Effect::LeavesGateway),
    bypass("CLAUDE_CODE_USE_FOUNDRY", Effect::LeavesGateway),
    bypass("CLAUDE_CODE_USE_MANTLE", Effect::LeavesGateway),
    bypass("CLAUDE_CODE_USE_ANTHROPIC_AWS", Effect::LeavesGateway),
    bypass(
        "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
        Effect::LeavesGateway,
    ),
];
