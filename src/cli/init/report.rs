//! What `claviger init` prints at its end: what is to be done elsewhere.

use std::{
    env,
    io::{self, Write},
};

use super::file::Written;
use crate::{
    cli::output,
    config::{Config, GatewayKind, IdpName, SourceConfig},
    managed_settings::{Helper, Platform, Profile, claude_code},
    preset::{Fact, Facts},
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

/// Prints what administrators must enter for a profile.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn checklist(out: &mut impl Write, config: &Config, profile: &str) -> io::Result<()> {
    let Some(profile) = config.profiles.get(profile) else {
        return Ok(());
    };
    let gateway = profile.preset.and_then(GatewayKind::preset);
    let mut of_gateway = gateway.map_or_else(Vec::new, |gateway| {
        gateway.checklist(&Facts::default()).gateway
    });
    if let Some(SourceConfig::Oauth(oauth)) = config.sources.get(&profile.source)
        && let Some(idp) = oauth.preset.and_then(IdpName::preset)
    {
        let facts = oauth.facts();
        items(out, &idp.title, &idp.checklist(&facts).provider)?;
        let learned = idp.learn(&facts);
        if !gateway.is_some_and(|gateway| gateway.refuses_tokens) {
            of_gateway.extend(token(&learned));
        }
        of_gateway
            .extend(gateway.map_or_else(Vec::new, |gateway| gateway.checklist(&learned).token));
    }
    items(
        out,
        gateway.map_or("the gateway", |gateway| &gateway.title),
        &of_gateway,
    )
}

/// What a gateway that checks the tokens of an identity provider must know.
fn token(learned: &Facts) -> Vec<String> {
    let named = [
        ("The tokens' issuer", Fact::Issuer),
        ("The key set that checks their signatures", Fact::KeySet),
        ("Their audience", Fact::Audience),
        ("The claim that identifies the user", Fact::UserClaim),
    ];
    let known = named.into_iter().filter_map(|(what, fact)| {
        let value = learned.get(fact.name())?;
        Some(format!("{what}: {value}"))
    });
    known.collect()
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
    output::json(out, &settings)
}

/// The shim beside this program.
fn own_helper() -> Helper {
    let platform = Platform::OF_THIS_MACHINE;
    let name = format!("claviger-helper{}", env::consts::EXE_SUFFIX);
    let own = env::current_exe().map(|own| own.with_file_name(name));
    let own = own.ok().and_then(|own| Some(own.to_str()?.to_owned()));
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

fn items(out: &mut impl Write, title: &str, items: &[String]) -> io::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    output::paragraph(out, &format!("For the administrator of {title}:"))?;
    for item in items {
        output::paragraph(out, &format!("- {item}"))?;
    }
    Ok(())
}
