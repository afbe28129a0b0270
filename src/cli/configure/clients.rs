//! The clients that can be configured.

use crate::client_kind::ClientKind;

/// All of them, the usual ones first.
pub(super) const CLIENTS: [ClientKind; 6] = [
    ClientKind::ClaudeCode,
    ClientKind::ClaudeDesktop,
    ClientKind::Codex,
    ClientKind::Copilot,
    ClientKind::Pi,
    ClientKind::Hermes,
];

/// The client with this name.
pub(super) fn client(name: &str) -> Option<ClientKind> {
    CLIENTS.into_iter().find(|client| client.name() == name)
}

/// The programs that it is installed as, on `PATH`; none for an application of the desktop.
pub(super) const fn program(client: ClientKind) -> Option<&'static str> {
    match client {
        ClientKind::ClaudeCode => Some("claude"),
        ClientKind::Codex => Some("codex"),
        ClientKind::Copilot => Some("copilot"),
        ClientKind::Pi => Some("pi"),
        ClientKind::Hermes => Some("hermes"),
        ClientKind::ClaudeDesktop | ClientKind::Exec => None,
    }
}
