//! `type = "exec"`.

use super::{
    super::{duration, model::ExecConfig, raw},
    Scope, TTL,
    scope::is_absolute,
    timeout,
};

/// `[source.NAME]`.
pub(super) fn exec(scope: &mut Scope, raw: raw::Exec) -> Option<ExecConfig> {
    let command = raw
        .command
        .iter()
        .map(|text| scope.template("command", text));
    let command = command
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Option<Vec<_>>>();
    // What `PATH` or the working directory holds is the user's to change; the configuration may be the administrator's.
    if command
        .as_ref()
        .and_then(|command| command.first())
        .is_some_and(|program| !is_absolute(program))
    {
        scope.refuse(
            "command",
            "starts with something that is not a program's absolute path",
        );
    }
    let timeout = timeout(scope, raw.timeout);
    let ttl = raw.ttl.map(|text| duration::parse(&text, &TTL)).transpose();
    let ttl = scope.keep("ttl", ttl);
    Some(ExecConfig {
        command: command?,
        timeout: timeout?,
        ttl: ttl?,
    })
}
