//! `claviger demo`: a rotation of the gateway's keys on loopback, without any configuration.
//!
//! The gateway and the issuer are embedded; the daemon and claviger-helper are the real programs,
//! each in its own process.

mod error;
pub mod gateway;
mod helper;
mod issuer;
mod progress;
mod sandbox;

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use serde_json::json;

use self::{
    error::DemoError, gateway::DemoGateway, issuer::Issuer, progress::Progress, sandbox::Sandbox,
};
use crate::secret::Secret;

/// Runs the demo, prints each step and removes everything that it created.
///
/// With `keep`, the demo prints the settings for Claude Code after the last step and keeps running
/// until Ctrl-C.
///
/// # Errors
///
/// Fails at the first step with an unexpected result.
pub(crate) async fn run(keep: bool) -> Result<(), DemoError> {
    let helper = helper::find_or_build().await?;
    let mut progress = Progress::start();
    let issuer = Arc::new(Issuer::new()?);
    let gateway = DemoGateway::start({
        let issuer = Arc::clone(&issuer);
        move |key: &Secret| issuer.is_trusted(key)
    })
    .await?;
    progress.done(format_args!(
        "the gateway listens on {} and trusts the issuer's signing key {}",
        gateway.url(),
        issuer.key_id()
    ))?;

    let sandbox = Sandbox::new(helper, &gateway.url(), issuer.signing_key())?;
    let first = sandbox.key().await?;
    progress.done(format_args!(
        "claviger-helper started the daemon and printed a key: {}",
        first.fingerprint()
    ))?;
    expect_status(&sandbox, &first, 200).await?;
    progress.done(format_args!(
        "the gateway answers 200 to a request with that key"
    ))?;
    let again = sandbox.key().await?;
    if again != first {
        return Err("claviger-helper printed another key instead of the cached one".into());
    }
    progress.done(format_args!(
        "claviger-helper printed it again, from the daemon's cache"
    ))?;

    issuer.rotate()?;
    sandbox.write_signing_key(issuer.signing_key())?;
    progress.done(format_args!(
        "the signing key was rotated: the gateway trusts only {} now",
        issuer.key_id()
    ))?;
    expect_status(&sandbox, &first, 401).await?;
    progress.done(format_args!("the gateway answers 401 to the old key"))?;
    let second = sandbox.key().await?;
    expect_status(&sandbox, &second, 200).await?;
    progress.done(format_args!(
        "claviger-helper's next run printed a new key, {}, and the gateway answers 200",
        second.fingerprint()
    ))?;

    if keep {
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "\nPut this into a project's .claude/settings.json and run claude there; Ctrl-C here ends the demo.\n"
        )?;
        writeln!(out, "{:#}", settings(&sandbox, &gateway))?;
        drop(out);
        tokio::signal::ctrl_c().await?;
    }
    sandbox.clear().await?;
    gateway.stop().await;
    progress.done(format_args!(
        "the daemon and the gateway have ended and all files are removed"
    ))?;
    Ok(())
}

/// The settings with which Claude Code uses the sandbox and its gateway.
fn settings(sandbox: &Sandbox, gateway: &DemoGateway) -> serde_json::Value {
    let mut env = serde_json::Map::new();
    env.insert("ANTHROPIC_BASE_URL".to_owned(), json!(gateway.url()));
    env.insert("ANTHROPIC_API_KEY".to_owned(), json!(""));
    env.insert("ANTHROPIC_AUTH_TOKEN".to_owned(), json!(""));
    for (name, value) in sandbox.variables() {
        env.insert(name.to_owned(), json!(value));
    }
    json!({ "apiKeyHelper": sandbox.helper_command(), "env": env })
}

/// Sends a request with this key.
///
/// # Errors
///
/// Fails if the gateway answers with another status.
async fn expect_status(sandbox: &Sandbox, key: &Secret, status: u16) -> Result<(), DemoError> {
    let answered = sandbox.request(key).await?;
    if answered == status {
        Ok(())
    } else {
        Err(format!("expected status {status} from the gateway, got {answered}").into())
    }
}
