//! The request to sign in: its reports are sent when they arise.

use std::sync::Arc;

use claviger_wire::{self as wire, Failure, Response, Variables};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    daemon::Daemon,
    limits::LONGEST_DEADLINE,
    report,
    variables::{self, Received},
};
use crate::{
    broker::{AcquireError, AcquireRequest, slot::Reason},
    client_kind::{ClientKind, HelperContext},
    client_variables::ClientVariables,
    composition::InForce,
    credential::Credential,
    error_report,
    login::{Entered, Flow, LoginError, LoginEvent, LoginKey, LoginRequest, Watch},
    login_report::LoginReport,
    source::{Login, SignIn, SourceError},
};

/// The reports of one answer on their way to the client.
pub(super) type Reports = mpsc::Sender<Response>;

/// A request to sign in, with what it is about.
struct Request<'a> {
    in_force: &'a InForce,
    /// The profile.
    name: &'a str,
    /// Its source.
    source: &'a str,
    variables: ClientVariables,
    sign_in: Arc<dyn SignIn>,
    reports: &'a Reports,
}

impl Daemon {
    /// Signs the user in, unless the login is good. Returns the response that ends the answer. If
    /// this is dropped, the login is not watched any more.
    pub(super) async fn log_in(&self, login: &wire::Login, reports: &Reports) -> Response {
        self.on_request();
        let answer = self.answer_login(login, reports).await;
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
        let request = Request {
            in_force,
            name,
            source,
            variables,
            sign_in: sign_in.ok_or_else(|| error_report::of_no_login(name, source))?,
            reports,
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
                match self.key(request).await {
                    Err(error) if requires_login(&error) => {}
                    key => return request.signed_in(login, true, key).await,
                }
            }
            match self.logins.enter(request.login(flow)) {
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
        let key = self.new_key(request).await;
        request.signed_in(login, false, key).await
    }

    /// The login that is in force, if it has not expired.
    async fn good_login(&self, request: &Request<'_>) -> Result<Option<Login>, Failure> {
        let login = request.sign_in.login().await;
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

    /// The key that the clients of the profile get.
    async fn key(&self, request: &Request<'_>) -> Result<Arc<Credential>, AcquireError> {
        let acquire = AcquireRequest {
            cache_lifetime: LONGEST_DEADLINE,
            session: None,
            client: ClientKind::default(),
            context: HelperContext::Interactive,
            is_for_headers: false,
        };
        let until = self.until(LONGEST_DEADLINE);
        let broker = &request.in_force.broker;
        broker
            .acquire(request.name, &request.variables, acquire, until)
            .await
    }

    /// As [`Self::key`], after a login: all profiles that use it and have been asked for their key
    /// get a new one, too.
    async fn new_key(&self, request: &Request<'_>) -> Result<Arc<Credential>, AcquireError> {
        let broker = &request.in_force.broker;
        let until = self.until(LONGEST_DEADLINE);
        let mut others = JoinSet::new();
        for name in request.profiles() {
            if name != request.name && broker.has_entries(&name) {
                let broker = Arc::clone(broker);
                let variables = ClientVariables::default();
                others.spawn(async move { broker.refresh(&name, &variables, until).await });
            }
        }
        let refresh = broker.refresh(request.name, &request.variables, until);
        let refreshed = refresh.await;
        // Each one's error is in its own status.
        others.join_all().await;
        refreshed?;
        self.key(request).await
    }
}

impl Request<'_> {
    fn login(&self, flow: Flow) -> LoginRequest {
        let source = self.sign_in.source();
        let (broker, profiles) = (Arc::clone(&self.in_force.broker), self.profiles());
        let needed = self.in_force.config.source_variables(source);
        LoginRequest {
            key: LoginKey {
                source: source.to_owned(),
                variables: self.variables.only(&needed).hash(),
            },
            sign_in: Arc::clone(&self.sign_in),
            flow,
            on_new_user: Box::new(move || {
                profiles.iter().for_each(|profile| broker.discard(profile));
            }),
        }
    }

    /// The profiles whose keys come from this login.
    fn profiles(&self) -> Vec<String> {
        let config = &self.in_force.config;
        let signed_in = config.sources.get(self.sign_in.source());
        let uses_login = |source: &str| {
            let mut chain = config.chain(source);
            chain.any(|of| signed_in.is_some_and(|signed_in| std::ptr::eq(of, signed_in)))
        };
        let profiles = config.profiles.iter();
        profiles
            .filter(|(_, profile)| uses_login(&profile.source))
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn started(&self, joined: bool) -> LoginReport {
        LoginReport::Started {
            profile: self.name.to_owned(),
            source: self.sign_in.source().to_owned(),
            host: self.sign_in.host().to_owned(),
            joined,
        }
    }

    fn failure(&self, error: &LoginError) -> Failure {
        let administrator = self.in_force.config.ask_administrator();
        error_report::of_login(self.name, self.sign_in.source(), error, administrator)
    }

    /// Reports the login that is in force, and the key or why there is none.
    async fn signed_in(
        &self,
        login: Login,
        already: bool,
        key: Result<Arc<Credential>, AcquireError>,
    ) -> Result<Response, Failure> {
        let profile = &self.in_force.config.profiles[self.name];
        self.report(LoginReport::SignedIn {
            profile: self.name.to_owned(),
            source: self.sign_in.source().to_owned(),
            gateway: report::gateway(profile),
            already,
            login: report::login::user(&*self.sign_in, login),
            key: key
                .as_ref()
                .ok()
                .map(|credential| report::login::key(credential)),
        })
        .await?;
        key.map(|_| Response::Done).map_err(|error| {
            let administrator = self.in_force.config.ask_administrator();
            error_report::of_acquire(self.name, self.source, &error, administrator)
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
fn requires_login(error: &AcquireError) -> bool {
    let AcquireError::Unavailable(unavailable) = error else {
        return false;
    };
    let error = match &unavailable.reason {
        Reason::Source(error) => Some(error),
        Reason::TooOld { error, .. } => error.as_deref(),
        Reason::Rejected(_) => None,
    };
    matches!(error, Some(SourceError::LoginRequired { .. }))
}

fn received(in_force: &InForce, name: &str, sent: &Variables) -> Result<Received, Failure> {
    variables::receive(&in_force.config.client_variables(name), sent)
        .map_err(|error| error_report::of_variables(name, &error))
}

#[cfg(test)]
mod tests;
