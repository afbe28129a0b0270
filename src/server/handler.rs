//! From a request to its answer: the only file that knows both the wire and the broker.

use std::{sync::Arc, time::Duration};

use claviger_wire::{Acquire, Failure, Request, Response, Token, Variables};

use super::{
    daemon::Daemon,
    limits::{ANSWER_MARGIN, LONGEST_DEADLINE},
    report,
    variables::{self, Received},
};
use crate::{
    broker::AcquireRequest,
    client_process,
    clock::{Tick, whole_seconds},
    composition::InForce,
    config::Config,
    error_report,
    listener::Peer,
    status_report::{DaemonReport, ProfileReport, StatusReport},
};

impl Daemon {
    /// Answers a request. The last of the responses ends the answer.
    pub(super) async fn handle(&self, request: Request, peer: Peer) -> Vec<Response> {
        tracing::debug!(pid = peer.pid, ?request, "request");
        let answer = self.answer(request, peer).await;
        answer.unwrap_or_else(|failure| vec![Response::Failure(failure)])
    }

    async fn answer(&self, request: Request, peer: Peer) -> Result<Vec<Response>, Failure> {
        self.on_request();
        let current = self
            .composition
            .current()
            .map_err(|error| error_report::of_config(&error));
        match request {
            Request::Acquire(acquire) => Ok(vec![self.acquire(&current?, &acquire, peer).await?]),
            Request::Status { profile } => self.status(&current?, profile.as_deref()),
            Request::Refresh { profile, variables } => {
                self.refresh(&current?, profile.as_deref(), &variables)
                    .await
            }
            Request::Logout { profile } => self.logout(&current?, profile.as_deref()).await,
            Request::Stop => {
                self.shutdown.start();
                self.shutdown.listener_closed().await;
                Ok(vec![Response::Done])
            }
            Request::Unknown { .. } => Ok(vec![Response::Unsupported {
                version: claviger_wire::VERSION,
            }]),
        }
    }

    async fn acquire(
        &self,
        in_force: &InForce,
        acquire: &Acquire,
        peer: Peer,
    ) -> Result<Response, Failure> {
        let (name, profile) = in_force
            .config
            .select(acquire.profile.as_deref(), acquire.gateway.as_deref())
            .map_err(|error| error_report::of_select(&error))?;
        let needed = in_force.config.client_variables(&profile.source);
        let variables = match variables::receive(&needed, &acquire.variables) {
            Ok(Received::All(variables)) => variables,
            Ok(Received::Ask(response)) => return Ok(response),
            Err(error) => return Err(error_report::of_variables(name, &error)),
        };
        let request = AcquireRequest {
            cache_lifetime: Duration::from_millis(acquire.cache_lifetime_ms),
            session: peer.pid.or(acquire.pid).and_then(client_process::find),
        };
        let until = self.until(Duration::from_millis(acquire.deadline_ms));
        let acquired = in_force
            .broker
            .acquire(name, &variables, request, until)
            .await;
        let credential = acquired.map_err(|error| {
            let administrator = in_force.config.ask_administrator();
            error_report::of_acquire(name, &profile.source, &error, administrator)
        })?;
        Ok(Response::Credential {
            token: Token::new(credential.secret.expose().as_bytes().to_vec()),
            expires_at: credential
                .expires_at()
                .map(|at| whole_seconds(at).to_string()),
        })
    }

    fn status(&self, in_force: &InForce, profile: Option<&str>) -> Result<Vec<Response>, Failure> {
        let now = self.clock.now();
        let daemon = DaemonReport {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: now.tick.since(self.started.tick).as_secs(),
            socket: self.socket.display().to_string(),
            config: in_force.config.file.display().to_string(),
            config_error: self.composition.last_error().map(|error| error.to_string()),
        };
        let mut profiles = Vec::new();
        for name in named(&in_force.config, profile)? {
            let source = &in_force.config.profiles[&name].source;
            let uses_variables = !in_force.config.client_variables(source).is_empty();
            for entry in in_force.broker.snapshots(&name) {
                let variables = uses_variables.then(|| entry.variables.into());
                let (snapshot, calibration) = (&entry.snapshot, entry.calibration);
                let profile = report::profile(&name, source, snapshot, calibration, now);
                profiles.push(ProfileReport {
                    variables,
                    ..profile
                });
            }
        }
        report::responses(&StatusReport {
            daemon: Some(daemon),
            profiles,
        })
    }

    async fn refresh(
        &self,
        in_force: &InForce,
        profile: Option<&str>,
        variables: &Variables,
    ) -> Result<Vec<Response>, Failure> {
        let until = self.until(LONGEST_DEADLINE);
        let profiles = named(&in_force.config, profile)?;
        let needed = |profile: &String| {
            let source = &in_force.config.profiles[profile].source;
            in_force.config.client_variables(source)
        };
        let unused = profiles
            .iter()
            .filter(|profile| !in_force.broker.has_entries(profile));
        let variables = match variables::receive(&unused.flat_map(needed).collect(), variables) {
            Ok(Received::All(variables)) => variables,
            Ok(Received::Ask(response)) => return Ok(vec![response]),
            Err(error) => {
                let profile = profile.unwrap_or("all");
                return Err(error_report::of_variables(profile, &error));
            }
        };
        let mut refreshes = tokio::task::JoinSet::new();
        for profile in profiles {
            let variables = variables.only(&needed(&profile));
            let broker = Arc::clone(&in_force.broker);
            let source = in_force.config.profiles[&profile].source.clone();
            let administrator = in_force.config.ask_administrator();
            refreshes.spawn(async move {
                let refreshed = broker.refresh(&profile, &variables, until).await;
                refreshed.map_err(|error| {
                    error_report::of_acquire(&profile, &source, &error, administrator)
                })
            });
        }
        // Waits for all of them, even if one fails.
        for refreshed in refreshes.join_all().await {
            refreshed?;
        }
        self.status(in_force, profile)
    }

    async fn logout(
        &self,
        in_force: &InForce,
        profile: Option<&str>,
    ) -> Result<Vec<Response>, Failure> {
        let mut failed = None;
        for profile in named(&in_force.config, profile)? {
            if let Err(error) = in_force.broker.revoke(&profile).await {
                tracing::warn!(profile, %error, "dropped the credential, but could not revoke it");
                let source = &in_force.config.profiles[&profile].source;
                let administrator = in_force.config.ask_administrator();
                let failure = error_report::of_revoke(&profile, source, &error, administrator);
                failed = failed.or(Some(failure));
            }
        }
        failed.map_or(Ok(vec![Response::Done]), Err)
    }

    /// The moment at which a caller with this deadline is answered.
    fn until(&self, deadline: Duration) -> Tick {
        let patience = deadline.min(LONGEST_DEADLINE).saturating_sub(ANSWER_MARGIN);
        self.clock.now().tick + patience
    }
}

/// The profile `profile`; all profiles if it is `None`.
fn named(config: &Config, profile: Option<&str>) -> Result<Vec<String>, Failure> {
    if profile.is_none() {
        return Ok(config.profiles.keys().cloned().collect());
    }
    let selected = config.select(profile, None);
    let (name, _) = selected.map_err(|error| error_report::of_select(&error))?;
    Ok(vec![name.to_owned()])
}
