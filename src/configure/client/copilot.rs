//! GitHub Copilot CLI, which reads a provider of one's own from its environment alone
//! (`copilot help providers`).

use super::Helper;

pub(super) fn environment(helper: &Helper<'_>) -> Vec<(&'static str, String)> {
    vec![
        // The API that every gateway for Claude Code has, at the URL that the profile names.
        ("COPILOT_PROVIDER_TYPE", "anthropic".to_owned()),
        ("COPILOT_PROVIDER_BASE_URL", helper.gateway.to_owned()),
        ("COPILOT_PROVIDER_API_KEY_COMMAND", helper.shell_command()),
    ]
}
