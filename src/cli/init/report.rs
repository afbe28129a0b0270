//! What `claviger init` prints at its end: what is to be done elsewhere.

use std::{
    env,
    io::{self, Write},
};

use serde_json::json;

use super::file::Written;
use crate::{cli::output, config::Config, shell_word::shell_word};

/// Prints the file's name, and that of a backup.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn written(out: &mut impl Write, written: &Written) -> io::Result<()> {
    output::paragraph(out, &format!("wrote {}", written.path.display()))?;
    match &written.backup {
        Some(backup) => output::paragraph(out, &format!("the file before is {}", backup.display())),
        None => Ok(()),
    }
}

/// Prints what Claude Code's settings need.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn settings(out: &mut impl Write, config: &Config, profile: &str) -> io::Result<()> {
    let profile = config.profiles.get(profile);
    let gateway = profile.and_then(|profile| profile.gateway.as_ref());
    let Some(gateway) = gateway else {
        return Ok(());
    };
    let helper = format!("claviger-helper{}", env::consts::EXE_SUFFIX);
    let helper = env::current_exe().map_or_else(
        |_| helper.clone(),
        |own| own.with_file_name(&helper).display().to_string(),
    );
    let exec = if cfg!(windows) { "" } else { "exec " };
    let settings = json!({
        "apiKeyHelper": format!("{exec}{}", shell_word(&helper)),
        "env": { "ANTHROPIC_BASE_URL": gateway.as_url().as_str().trim_end_matches('/') },
    });
    writeln!(out)?;
    output::paragraph(out, "In Claude Code's settings (~/.claude/settings.json):")?;
    output::json(out, &settings)
}

/// Prints how to sign in.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn sign_in(out: &mut impl Write, profile: &str) -> io::Result<()> {
    writeln!(out)?;
    output::paragraph(out, &format!("To sign in, run claviger login {profile}"))
}
