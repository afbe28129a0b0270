//! What `claviger init` prints at its end: what is to be done elsewhere.

use std::io::{self, Write};

use super::file::Written;
use crate::{
    cli::{helper_program, output},
    config::Config,
    managed_settings::{Helper, Platform, Profile, claude_code},
};

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
    let Ok(profile) = Profile::select(config, Some(profile)) else {
        return Ok(());
    };
    let settings = claude_code::of_user(&profile, &own_helper());
    writeln!(out)?;
    output::paragraph(out, "In Claude Code's settings (~/.claude/settings.json):")?;
    output::json(out, &settings)?;
    output::paragraph(out, "To write that, run claviger configure claude-code")
}

/// The shim beside this program.
fn own_helper() -> Helper {
    let platform = Platform::OF_THIS_MACHINE;
    let own = helper_program::path().ok();
    own.and_then(|own| Helper::at(platform, &own).ok())
        .unwrap_or_else(|| Helper::installed(platform, None))
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
