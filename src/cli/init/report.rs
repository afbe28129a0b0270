//! What `claviger init` prints at its end: what is to be done elsewhere.

use std::io::{self, Write};

use serde_json::json;

use super::file::Written;
use crate::{
    cli::{helper_program, output},
    config::{Config, GatewayKind, IdpName, SourceConfig},
    preset::{Fact, Facts},
    shell_word::shell_word,
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
    let profile = config.profiles.get(profile);
    let gateway = profile.and_then(|profile| profile.gateway.as_ref());
    let Some(gateway) = gateway else {
        return Ok(());
    };
    // Another name is as good in a text that the user copies.
    let helper = helper_program::path().unwrap_or_else(|_| "claviger-helper".to_owned());
    let exec = if cfg!(windows) { "" } else { "exec " };
    let settings = json!({
        "apiKeyHelper": format!("{exec}{}", shell_word(&helper)),
        "env": { "ANTHROPIC_BASE_URL": gateway.as_url().as_str().trim_end_matches('/') },
    });
    writeln!(out)?;
    output::paragraph(out, "In Claude Code's settings (~/.claude/settings.json):")?;
    output::json(out, &settings)?;
    output::paragraph(out, "To write that, run claviger configure claude-code")
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
