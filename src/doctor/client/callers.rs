//! All clients that run a command for their key.

use super::{
    caller::Caller,
    codex, copilot,
    facts::{Facts, place},
    pi,
};
use crate::client_kind::ClientKind;

/// The clients whose settings name a command. Claude Code is the first.
pub(super) fn all(facts: &Facts<'_>) -> Vec<Caller> {
    let claude_code = facts.helper().map(|(helper, command)| Caller {
        kind: ClientKind::ClaudeCode,
        name: "Claude Code",
        place: place(&helper, "apiKeyHelper"),
        scope: Some(helper.scope),
        command,
    });
    let mut callers = Vec::from_iter(claude_code);
    callers.extend(codex::callers(facts));
    callers.extend(copilot::callers(facts));
    callers.extend(pi::callers(facts));
    callers
}
