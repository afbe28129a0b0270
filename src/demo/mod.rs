//! `claviger demo`: the whole thing at work on loopback, with nothing configured. The gateway and the issuer are embedded;
//! the daemon and claviger-helper are the real ones, each a process of its own.

pub mod gateway;
mod issuer;
mod stage;
mod steps;

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use serde_json::json;

use self::{gateway::Gateway, issuer::Issuer, stage::Stage, steps::Steps};
use crate::secret::Secret;

/// What went wrong; a sentence's end.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Shows it all, says what it does while it does it, and removes what it made; with `keep`, only at Ctrl-C.
///
/// # Errors
///
/// The step that did not do what it should.
pub(crate) async fn run(keep: bool) -> Result<(), Failed> {
    let helper = stage::helper().await?;
    let mut steps = Steps::start();
    let issuer = Arc::new(Issuer::new()?);
    let gateway = Gateway::with_verifier({
        let issuer = Arc::clone(&issuer);
        move |key: &Secret| issuer.is_trusted(key)
    })
    .await?;
    steps.done(format_args!(
        "a gateway listens on {}; it trusts the issuer's signing key {}",
        gateway.url(),
        issuer.key_id()
    ))?;

    let stage = Stage::new(helper, &gateway.url(), issuer.signing_key())?;
    let first = stage.key().await?;
    steps.done(format_args!(
        "claviger-helper started the daemon and printed a key: {}",
        first.fingerprint()
    ))?;
    expect(&stage, &first, 200).await?;
    steps.done(format_args!(
        "the gateway answers 200 to a request with that key"
    ))?;
    let again = stage.key().await?;
    if again != first {
        return Err("the second key is not the cached one".into());
    }
    steps.done(format_args!(
        "claviger-helper printed it again, out of the daemon's memory"
    ))?;

    issuer.rotate()?;
    stage.write_signing_key(issuer.signing_key())?;
    steps.done(format_args!(
        "rotated: the gateway now trusts the signing key {} only",
        issuer.key_id()
    ))?;
    expect(&stage, &first, 401).await?;
    steps.done(format_args!("the gateway answers 401 to the old key"))?;
    let second = stage.key().await?;
    expect(&stage, &second, 200).await?;
    steps.done(format_args!(
        "claviger-helper's next run printed a new key, {}: 200",
        second.fingerprint()
    ))?;

    if keep {
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "\nPut this into a project's .claude/settings.json and start claude there; Ctrl-C here ends it all.\n"
        )?;
        writeln!(out, "{:#}", settings(&stage, &gateway))?;
        drop(out);
        tokio::signal::ctrl_c().await?;
    }
    stage.clear().await?;
    steps.done(format_args!(
        "the daemon has ended and everything that was made is removed"
    ))?;
    Ok(())
}

/// What Claude Code has to be told.
fn settings(stage: &Stage, gateway: &Gateway) -> serde_json::Value {
    let mut env = serde_json::Map::new();
    env.insert("ANTHROPIC_BASE_URL".to_owned(), json!(gateway.url()));
    env.insert("ANTHROPIC_API_KEY".to_owned(), json!(""));
    env.insert("ANTHROPIC_AUTH_TOKEN".to_owned(), json!(""));
    for (name, value) in stage.variables() {
        env.insert(name.to_owned(), json!(value));
    }
    json!({ "apiKeyHelper": stage.helper_command(), "env": env })
}

/// Sends a request as the client does, with the key in both headers.
async fn expect(stage: &Stage, key: &Secret, status: u16) -> Result<(), Failed> {
    let answered = stage.request(key).await?;
    if answered == status {
        Ok(())
    } else {
        Err(format!("the gateway answered {answered}, not {status}").into())
    }
}
