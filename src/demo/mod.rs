//! `claviger demo`: a rotation of the gateway's keys on loopback, without any configuration.
//!
//! The gateway and the issuer are embedded; the daemon and claviger-helper are the real programs,
//! each in its own process. The daemon is the demo's own: the user's daemon, configuration and
//! environment do not matter, nor does a managed configuration.

mod configuration;
mod error;
pub mod gateway;
mod helper;
mod issuer;
mod places;
mod progress;
mod sandbox;

use std::{
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use serde_json::json;

pub(crate) use self::{configuration::configuration, error::DemoError, places::DemoPlaces};
use self::{gateway::DemoGateway, issuer::Issuer, progress::Progress, sandbox::Sandbox};
use crate::{
    process::{INTERRUPTED, Signals},
    secret::Secret,
};

/// Runs the demo, prints each step and removes everything that it created, also if a signal or a
/// closed stdout ends it.
///
/// With `keep`, the demo prints the settings for Claude Code after the last step and keeps running
/// until Ctrl-C.
///
/// # Errors
///
/// Fails at the first step with an unexpected result, and at a signal.
pub(crate) async fn run(keep: bool) -> Result<(), DemoError> {
    // Before anything is made.
    let mut signals = Signals::install().map_err(|error| {
        let problem = format!("cannot handle signals: {error}");
        DemoError::machine(problem, "check the limits of this session")
    })?;
    let mut demo = Demo {
        progress: Progress::start(),
        gateway: None,
        sandbox: None,
    };
    let mut result = tokio::select! {
        biased;
        code = signals.next() => Err(DemoError::Interrupted(code)),
        result = demo.steps(keep) => result,
    };
    if let (true, Ok(()), Some(sandbox)) = (keep, &result, &mut demo.sandbox) {
        result = tokio::select! {
            biased;
            code = signals.next() => match code {
                INTERRUPTED => Ok(()),
                code => Err(DemoError::Interrupted(code)),
            },
            error = sandbox.ended() => Err(error),
        };
    }
    let was_interrupted = matches!(result, Err(DemoError::Interrupted(_)));
    let cleared = demo.clear().await;
    match result.and(cleared) {
        Err(error) if !was_interrupted => Err(error),
        result => {
            let end = "the daemon and the gateway have ended and all files are removed";
            let printed = demo.progress.done(format_args!("{end}"));
            result.and(printed.map_err(DemoError::from))
        }
    }
}

/// The longest wait for the daemon's first probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the demo has made so far.
struct Demo {
    progress: Progress,
    gateway: Option<DemoGateway>,
    sandbox: Option<Sandbox>,
}

impl Demo {
    async fn steps(&mut self, keep: bool) -> Result<(), DemoError> {
        let helper = helper::find_or_build().await?;
        self.progress.restart();
        let issuer = Arc::new(Issuer::new()?);
        let gateway = self.gateway.insert(start_gateway(&issuer).await?);
        let port = gateway.port();
        self.progress.done(format_args!(
            "the gateway listens on {} and trusts the issuer's signing key {}",
            gateway.url(),
            issuer.key_id()
        ))?;

        let sandbox = self.sandbox.insert(Sandbox::start(helper, port)?);
        let progress = &mut self.progress;
        sandbox.ready().await?;
        sandbox.write_signing_key(&issuer.signing_key())?;
        let first = sandbox.key().await?;
        progress.done(format_args!(
            "the daemon runs, and claviger-helper printed a key: {}",
            first.fingerprint()
        ))?;
        expect_status(sandbox, &first, 200).await?;
        progress.done(format_args!(
            "the gateway answers 200 to a request with that key"
        ))?;
        let again = sandbox.key().await?;
        if again != first {
            let problem = "claviger-helper printed another key instead of the cached one";
            return Err(DemoError::bug(problem));
        }
        progress.done(format_args!(
            "claviger-helper printed it again, from the daemon's cache"
        ))?;

        // A rejection counts only if the gateway has accepted such a key before.
        let probed = tokio::time::timeout(PROBE_TIMEOUT, gateway.probed());
        if probed.await.is_err() {
            let problem = "the daemon has not asked the gateway whether it accepts the key";
            return Err(DemoError::bug(problem));
        }
        progress.done(format_args!(
            "the daemon has asked the gateway, which accepts that key and rejects a wrong one"
        ))?;

        issuer.rotate()?;
        sandbox.write_signing_key(&issuer.signing_key())?;
        progress.done(format_args!(
            "the signing key was rotated: the gateway trusts only {} now",
            issuer.key_id()
        ))?;
        expect_status(sandbox, &first, 401).await?;
        progress.done(format_args!("the gateway answers 401 to the old key"))?;
        let second = sandbox.key().await?;
        expect_status(sandbox, &second, 200).await?;
        progress.done(format_args!(
            "claviger-helper's next run printed a new key, {}, and the gateway answers 200",
            second.fingerprint()
        ))?;

        if keep {
            let mut out = io::stdout().lock();
            writeln!(
                out,
                "\nPut this into a project's .claude/settings.json and run claude there; Ctrl-C here \
                 ends the demo.\n"
            )?;
            writeln!(out, "{:#}", settings(sandbox))?;
        }
        Ok(())
    }

    /// Ends and removes all that there is.
    async fn clear(&mut self) -> Result<(), DemoError> {
        let cleared = match self.sandbox.take() {
            Some(sandbox) => sandbox.clear().await,
            None => Ok(()),
        };
        if let Some(gateway) = self.gateway.take() {
            gateway.stop().await;
        }
        cleared
    }
}

async fn start_gateway(issuer: &Arc<Issuer>) -> Result<DemoGateway, DemoError> {
    let issuer = Arc::clone(issuer);
    let started = DemoGateway::start(move |key: &Secret| issuer.is_trusted(key)).await;
    started.map_err(|error| {
        let problem = format!("cannot listen on a port of 127.0.0.1: {error}");
        DemoError::machine(problem, "allow programs to listen on 127.0.0.1")
    })
}

/// The settings with which Claude Code uses the sandbox and its gateway.
fn settings(sandbox: &Sandbox) -> serde_json::Value {
    json!({
        "apiKeyHelper": sandbox.helper_command(),
        "env": {
            "ANTHROPIC_BASE_URL": sandbox.gateway(),
            "ANTHROPIC_API_KEY": "",
            "ANTHROPIC_AUTH_TOKEN": "",
        },
    })
}

/// Sends a request with this key.
///
/// # Errors
///
/// Fails if the gateway answers with another status.
async fn expect_status(sandbox: &Sandbox, key: &Secret, status: u16) -> Result<(), DemoError> {
    let answered = sandbox.request(key).await?;
    if answered == status {
        return Ok(());
    }
    let problem = format!("expected status {status} from the gateway, got {answered}");
    Err(DemoError::bug(problem))
}
