//! The request to sign in: its reports are sent when they arise.
//!
//! - `target`: what a login is for, and the keys that follow from it
//! - `prompt`: the daemon turns to the user on its own

mod prompt;
mod target;

use std::sync::Arc;

use claviger_wire::{self as wire, Failure, Response, Variables};
use tokio::sync::mpsc;

use self::target::Target;
use super::{
    daemon::Daemon,
    limits::LONGEST_DEADLINE,
    report,
    variables::{self, Received},
};
use crate::{
    audit::Record,
    broker::{AcquireError, slot::Reason},
    composition::{InForce, Recorder},
    credential::Credential,
    error_report,
    login::{Entered, Flow, LoginError, LoginEvent, Watch},
    login_report::LoginReport,
    source::{Login, SourceError},
};

/// The reports of one answer on their way to the client.
pub(super) type Reports = mpsc::Sender<Response>;

/// A request to sign in.
struct Request<'a> {
    target: Target,
    reports: &'a Reports,
    recorder: &'a Recorder,
}

impl Daemon {
    /// Signs the user in, unless the login is good. Returns the response that ends the answer. If
    /// this is dropped, the login is not watched any more.
    pub(super) async fn log_in(&self, login: &wire::Login, reports: &Reports) -> Response {
        self.on_request();
        let answer = tokio::select! {
            // Nothing is started while the lock is on; a login under way is not watched any more.
            biased;
            locked = self.lock.locked() => Err(error_report::of_locked(&locked)),
            answer = self.answer_login(login, reports) => answer,
        };
        // The time without a request starts now.
        self.on_request();
        answer.unwrap_or_else(Response::Failure)
    }

    async fn answer_login(
        &self,
        login: &wire::Login,
        reports: &Reports,
    ) -> Result<Response, Failure> {
        let current = self.composition.current();
        let in_force = &current.map_err(|error| error_report::of_config(&error))?;
        let (name, profile) = in_force
            .config
            .select(login.profile.as_deref(), None)
            .map_err(|error| error_report::of_select(&error))?;
        let deadline = self.until(LONGEST_DEADLINE);
        self.check_policy(in_force, name, deadline).await?;
        let variables = match received(in_force, name, &login.variables)? {
            Received::All(variables) => variables,
            Received::Ask(response) => return Ok(response),
        };
        let source = &profile.source;
        let sign_in = in_force.broker.source(name, &variables).sign_in();
        let sign_in = sign_in.map_err(|error| {
            let administrator = in_force.config.ask_administrator();
            error_report::of_sign_in(name, source, &error, administrator)
        })?;
        let target = Target {
            in_force: in_force.clone(),
            profile: name.to_owned(),
            variables,
            sign_in: sign_in.ok_or_else(|| error_report::of_no_login(name, source))?,
        };
        let request = Request {
            target,
            reports,
            recorder: &self.recorder,
        };
        self.sign_in(&request, flow(login.flow), login.force).await
    }

    async fn sign_in(
        &self,
        request: &Request<'_>,
        flow: Flow,
        is_forced: bool,
    ) -> Result<Response, Failure> {
        let mut watch = loop {
            if !is_forced && let Some(login) = self.good_login(request).await? {
                match request.target.key(self.until(LONGEST_DEADLINE)).await {
                    Err(error) if requires_login(&error) => {}
                    key => return request.signed_in(login, true, key).await,
                }
            }
            match self.logins.enter(request.target.login(flow)) {
                Entered::Watching { watch, is_joined } => {
                    request.report(request.started(is_joined)).await?;
                    break watch;
                }
                Entered::Busy { source, mut end } => {
                    request.report(LoginReport::Queued { source }).await?;
                    end.wait().await;
                }
            }
        };
        let login = self.watch(request, &mut watch).await?;
        let key = request.target.new_key(self.until(LONGEST_DEADLINE)).await;
        request.signed_in(login, false, key).await
    }

    /// The login that is in force, if it has not expired.
    async fn good_login(&self, request: &Request<'_>) -> Result<Option<Login>, Failure> {
        let login = request.target.sign_in.login().await;
        let login = login.map_err(|error| request.failure(&error.into()))?;
        let now = self.clock.now().wall;
        Ok(login.filter(|login| login.expires_at.is_none_or(|at| at > now)))
    }

    /// Reports the events of a login until it ends.
    async fn watch(&self, request: &Request<'_>, watch: &mut Watch) -> Result<Login, Failure> {
        while let Some(event) = watch.next().await {
            match event {
                LoginEvent::Ended(Ok(login)) => return Ok(login),
                LoginEvent::Ended(Err(error)) => return Err(request.failure(&error)),
                step => {
                    if let Some(report) = report::login::step(step, self.clock.now()) {
                        request.report(report).await?;
                    }
                }
            }
        }
        // The last event is the end.
        Err(request.failure(&SourceError::Forgotten.into()))
    }
}

impl Request<'_> {
    fn started(&self, joined: bool) -> LoginReport {
        LoginReport::Started {
            profile: self.target.profile.clone(),
            source: self.target.sign_in.source().to_owned(),
            host: self.target.sign_in.host().to_owned(),
            joined,
        }
    }

    fn failure(&self, error: &LoginError) -> Failure {
        let Target {
            in_force,
            profile,
            sign_in,
            ..
        } = &self.target;
        let administrator = in_force.config.ask_administrator();
        error_report::of_login(profile, sign_in.source(), error, administrator)
    }

    /// Reports the login that is in force, and the key or why there is none.
    async fn signed_in(
        &self,
        login: Login,
        already: bool,
        key: Result<Arc<Credential>, AcquireError>,
    ) -> Result<Response, Failure> {
        let Target {
            in_force,
            profile: name,
            sign_in,
            ..
        } = &self.target;
        if !already {
            self.recorder.record("login", "signed-in", |record| Record {
                profile: Some(name.clone()),
                source: Some(sign_in.source().to_owned()),
                ..record
            });
        }
        let profile = &in_force.config.profiles[name];
        self.report(LoginReport::SignedIn {
            profile: name.clone(),
            source: sign_in.source().to_owned(),
            gateway: report::gateway(profile),
            already,
            login: report::login::user(&**sign_in, login),
            key: key
                .as_ref()
                .ok()
                .map(|credential| report::login::key(credential)),
        })
        .await?;
        key.map(|_| Response::Done).map_err(|error| {
            let administrator = in_force.config.ask_administrator();
            error_report::of_acquire(name, &profile.source, &error, administrator)
        })
    }

    async fn report(&self, report: LoginReport) -> Result<(), Failure> {
        // It fails only if the client has gone.
        let _ = self.reports.send(report::serialized(&report)?).await;
        Ok(())
    }
}

fn flow(flow: wire::LoginFlow) -> Flow {
    match flow {
        wire::LoginFlow::Configured => Flow::Configured,
        wire::LoginFlow::Device => Flow::Device,
        wire::LoginFlow::NoBrowser => Flow::NoBrowser,
    }
}

/// Whether only a new login helps: what the store has is not good any more.
pub(super) fn requires_login(error: &AcquireError) -> bool {
    let AcquireError::Unavailable(unavailable) = error else {
        return false;
    };
    let error = match &unavailable.reason {
        Reason::Source(error) => Some(error),
        Reason::TooOld { error, .. } => error.as_deref(),
        Reason::Outdated(_) | Reason::Rejected(_) => None,
    };
    matches!(error, Some(SourceError::LoginRequired { .. }))
}

fn received(in_force: &InForce, name: &str, sent: &Variables) -> Result<Received, Failure> {
    variables::receive(&in_force.config.client_variables(name), sent)
        .map_err(|error| error_report::of_variables(name, &error))
}

#[cfg(test)]
mod tests;
