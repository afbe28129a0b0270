//! `claviger demo`: the whole thing at work on loopback, with nothing configured. The gateway and the issuer are embedded;
//! the daemon and claviger-helper are the real ones, each a process of its own.

pub mod gateway;
mod issuer;
mod progress;
mod sandbox;

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use serde_json::json;

use self::{gateway::DemoGateway, issuer::Issuer, progress::Progress, sandbox::Sandbox};
use crate::secret::Secret;

/// What went wrong; a sentence's end.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Shows it all, says what it does while it does it, and removes what it made; with `keep`, only at Ctrl-C.
///
/// # Errors
///
/// The step that did not do what it should.
pub(crate) async fn run(keep: bool) -> Result<(), Failed> {
    let helper = sandbox::helper().await?;
    let mut progress = Progress::start();
    let issuer = Arc::new(Issuer::new()?);
    let gateway = DemoGateway::start({
        let issuer = Arc::clone(&issuer);
        move |key: &Secret| issuer.is_trusted(key)
    })
    .await?;
    progress.done(format_args!(
        "a gateway listens on {}; it trusts the issuer's signing key {}",
        gateway.url(),
        issuer.key_id()
    ))?;

    let sandbox = Sandbox::new(helper, &gateway.url(), issuer.signing_key())?;
    let first = sandbox.key().await?;
    progress.done(format_args!(
        "claviger-helper started the daemon and printed a key: {}",
        first.fingerprint()
    ))?;
    expect(&sandbox, &first, 200).await?;
    progress.done(format_args!(
        "the gateway answers 200 to a request with that key"
    ))?;
    let again = sandbox.key().await?;
    if again != first {
        return Err("the second key is not the cached one".into());
    }
    progress.done(format_args!(
        "claviger-helper printed it again, out of the daemon's memory"
    ))?;

    issuer.rotate()?;
    sandbox.write_signing_key(issuer.signing_key())?;
    progress.done(format_args!(
        "rotated: the gateway now trusts the signing key {} only",
        issuer.key_id()
    ))?;
    expect(&sandbox, &first, 401).await?;
    progress.done(format_args!("the gateway answers 401 to the old key"))?;
    let second = sandbox.key().await?;
    expect(&sandbox, &second, 200).await?;
    progress.done(format_args!(
        "claviger-helper's next run printed a new key, {}: 200",
        second.fingerprint()
    ))?;

    if keep {
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "\nPut this into a project's .claude/settings.json and start claude there; Ctrl-C here ends it all.\n"
        )?;
        writeln!(out, "{:#}", settings(&sandbox, &gateway))?;
        drop(out);
        tokio::signal::ctrl_c().await?;
    }
    sandbox.clear().await?;
    gateway.stop().await;
    progress.done(format_args!(
        "the daemon has ended and everything that was made is removed"
    ))?;
    Ok(())
}

/// What Claude Code has to be told.
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

/// Sends a request as the client does, with the key in both headers.
async fn expect(sandbox: &Sandbox, key: &Secret, status: u16) -> Result<(), Failed> {
    let answered = sandbox.request(key).await?;
    if answered == status {
        Ok(())
    } else {
        Err(format!("the gateway answered {answered}, not {status}").into())
    }
}
