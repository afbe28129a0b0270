//! The variables that decide which credential Claude Code sends, and to which server.
//!
//! Measured with 2.1.197, 2.1.329 and 2.1.332 on Linux, each variable with a managed helper and a
//! managed [`BASE_URL`]; `tests/it/managed_settings` repeats the measurement. The managed `env` wins
//! over every other settings file, over `--settings` and over the shell, and an empty value there
//! counts as none. Two variables are read before any settings, so that the shell's value remains in
//! force: [`Bypass::shell_wins`].

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
    /// Requests go to another provider or server, not to the gateway; some of them with the
    /// helper's key.
    LeavesGateway,
    /// The helper does not run, as with `--bare`.
    SkipsHelper,
    /// The gateway gets the helper's key, but the client also asks Anthropic's servers, and waits
    /// for up to 20 s if they do not answer.
    AsksAnthropic,
}

/// A variable that gets round the helper or the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bypass {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) effect: Effect,
    /// Whether a value in the shell remains in force although the managed `env` has an empty one.
    pub(crate) shell_wins: bool,
}

const fn bypass(name: &'static str, effect: Effect) -> Bypass {
    Bypass {
        name,
        effect,
        shell_wins: false,
    }
}

const fn of_the_shell(name: &'static str, effect: Effect) -> Bypass {
    Bypass {
        name,
        effect,
        shell_wins: true,
    }
}

/// All variables that get round the helper or the gateway.
///
/// Without an effect beside the two settings are `ANTHROPIC_PROFILE`,
/// `ANTHROPIC_FEDERATION_RULE_ID`, `ANTHROPIC_API_HOST`, `CLAUDE_CODE_API_BASE_URL`,
/// `CLAUDE_CODE_USE_GATEWAY`, `CLAUDE_CODE_GATEWAY_TOKEN`, `CLAUDE_CODE_SESSION_ACCESS_TOKEN`,
/// `CLAUDE_CODE_HOST_CREDS_FILE`, `CLAUDE_CODE_REMOTE`, `CLAUDE_CODE_CUSTOM_OAUTH_URL` and
/// `CLAUDE_CODE_MANAGED_SETTINGS_PATH`.
pub(crate) const BYPASSES: &[Bypass] = &[
    bypass("ANTHROPIC_API_KEY", Effect::ReplacesApiKey),
    bypass("ANTHROPIC_AUTH_TOKEN", Effect::ReplacesBearer),
    bypass("ANTHROPIC_CUSTOM_HEADERS", Effect::ReplacesHeaders),
    bypass("CLAUDE_CODE_OAUTH_TOKEN", Effect::AsksAnthropic),
    bypass("CLAUDE_CODE_SIMPLE", Effect::SkipsHelper),
    bypass("CLAUDE_CODE_USE_ANTHROPIC_AWS", Effect::LeavesGateway),
    bypass(
        "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
        Effect::LeavesGateway,
    ),
    bypass("CLAUDE_CODE_USE_BEDROCK", Effect::LeavesGateway),
    bypass("CLAUDE_CODE_USE_FOUNDRY", Effect::LeavesGateway),
    bypass("CLAUDE_CODE_USE_MANTLE", Effect::LeavesGateway),
    bypass("CLAUDE_CODE_USE_VERTEX", Effect::LeavesGateway),
    of_the_shell("ANTHROPIC_UNIX_SOCKET", Effect::LeavesGateway),
    of_the_shell(
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",
        Effect::LeavesGateway,
    ),
];
