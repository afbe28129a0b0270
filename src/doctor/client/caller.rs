//! A client that runs a command for its key.

use super::{command::Command, facts::Facts};
use crate::{
    claude_code::settings::Scope,
    client_kind::ClientKind,
    doctor::{check::Check, finding::Finding},
};

/// A client with the command that it runs for its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// Which client it is.
    pub(super) kind: ClientKind,
    /// Its name, for messages.
    pub(super) name: &'static str,
    /// The file and key, or the variable, that names the command.
    pub(super) place: String,
    /// Whose settings those are; `None` if they are not Claude Code's.
    pub(super) scope: Option<Scope>,
    /// The command.
    pub(super) command: Command,
}

impl Caller {
    /// What `check` found about the command, and what to do: `fix`, or to ask the administrator for
    /// it.
    pub(super) fn found(
        &self,
        facts: &Facts<'_>,
        check: Check,
        finding: String,
        fix: &str,
    ) -> Finding {
        let remedy = facts.remedy(self.scope, fix);
        check.found(finding, [self.place.clone()], remedy)
    }
}
