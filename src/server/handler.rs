//! From a request to its answer. The requests of the commands are in `commands`.

use std::{sync::Arc, time::Duration};

use claviger_wire::{Acquire, Failure, Format, Request, Response, Token};

use super::{
    access, central,
    daemon::Daemon,
    limits::{ANSWER_MARGIN, LONGEST_DEADLINE},
    login,
    request_log::{self, RequestLog},
    variables::{self, Received},
};
use crate::{
    broker::AcquireRequest,
    client_kind::{ClientKind, HelperContext},
    client_process,
    clock::{Tick, whole_seconds},
    composition::InForce,
    config::BaseUrl,
    error_report,
    listener::Peer,
    login::AskingClient,
    policy::Accepted,
};

impl Daemon {
    /// Answers a request. The last of the responses ends the answer.
    pub(super) async fn handle(self: &Arc<Self>, request: Request, peer: Peer) -> Vec<Response> {
        tracing::debug!(pid = peer.pid, ?request, "request");
        let answer = self.answer(request, peer).await;
        answer.unwrap_or_else(|failure| vec![Response::Failure(failure)])
    }

    async fn answer(
        self: &Arc<Self>,
        request: Request,
        peer: Peer,
    ) -> Result<Vec<Response>, Failure> {
        self.on_request();
        self.drop_unused_keys();
        let current = self
            .composition
            .current()
            .map_err(|error| error_report::of_config(&error));
        match request {
            Request::Acquire(acquire) => Ok(vec![self.acquire(&current?, &acquire, peer).await?]),
            Request::Status { profile } => self.status(current, profile.as_deref()).await,
            Request::Refresh { profile, variables } => {
                self.refresh(&current?, profile.as_deref(), &variables)
                    .await
            }
            Request::Logout { profile } => self.logout(&current?, profile.as_deref()).await,
            Request::Metrics => self.metrics(current.ok().as_ref()).await,
            Request::Lock => self.turn_lock_on().await,
            Request::Unlock => self.turn_lock_off().await,
            Request::Stop => {
                self.shutdown.start();
                self.shutdown.listener_closed().await;
                Ok(vec![Response::Done])
            }
            // A login's answer is written while it happens, by the connection.
            Request::Login(_) | Request::Unknown { .. } => Ok(vec![Response::Unsupported {
                version: claviger_wire::VERSION,
            }]),
        }
    }

    async fn acquire(
        self: &Arc<Self>,
        in_force: &InForce,
        acquire: &Acquire,
        peer: Peer,
    ) -> Result<Response, Failure> {
        let client = ClientKind::named(acquire.client.as_deref());
        let base_url = acquire.gateway.as_deref().map(|url| BaseUrl {
            url,
            variables: client.base_url_variables(),
        });
        let (name, profile) = in_force
            .config
            .select(acquire.profile.as_deref(), base_url)
            .map_err(|error| {
                let failure = error_report::of_select(&error);
                let asked = acquire.profile.as_deref();
                request_log::unselected(&self.recorder, peer, client, asked, &failure);
                failure
            })?;
        let process = peer.process.and_then(client_process::find);
        let request = AcquireRequest {
            cache_lifetime: Duration::from_millis(acquire.cache_lifetime_ms),
            session: process.as_ref().map(|client| client.session),
            client,
            context: HelperContext::stated(acquire.context.as_deref()),
            is_for_headers: acquire.format == Format::Headers,
        };
        let asked = self.clock.now().tick;
        let log = RequestLog {
            profile: name,
            source: &profile.source,
            shim: peer.pid,
            request: &request,
            process: process.as_ref(),
            recorder: &self.recorder,
        };
        let count = |outcome| {
            let duration = self.clock.now().tick.since(asked);
            let counters = in_force.broker.counters(name);
            counters.on_request(client, outcome, duration);
        };
        let until = self.until(Duration::from_millis(acquire.deadline_ms));
        let deny = |failure| {
            log.refused(&failure, request_log::DENIED);
            count(request_log::DENIED);
            Err(failure)
        };
        let permit = |policy: &Accepted| {
            let gateway = acquire.gateway.as_deref();
            central::permit_client(in_force, policy, name, gateway, process.as_ref())
        };
        let policy = self.policy(in_force, until).await.and_then(|policy| {
            policy.as_deref().map_or(Ok(()), permit)?;
            Ok(policy)
        });
        let policy = match policy {
            Ok(policy) => policy,
            Err(failure) => return deny(failure),
        };
        let refusal =
            access::refusal_of_key(&in_force.config, name, process.as_ref(), acquire.reveal);
        if let Some(failure) = refusal {
            return deny(failure);
        }
        let needed = in_force.config.client_variables(name);
        let variables = match variables::receive(&needed, &acquire.variables) {
            Ok(Received::All(variables)) => variables,
            Ok(Received::Ask(response)) => return Ok(response),
            Err(error) => return Err(error_report::of_variables(name, &error)),
        };
        let acquired = in_force
            .broker
            .acquire(name, &variables, request, until)
            .await;
        // The request may have waited, and a newer policy may have come.
        if let Some(newer) = self.policy.newer_than(policy.as_ref())
            && let Err(failure) = permit(&newer)
        {
            return deny(failure);
        }
        let grant = acquired.map_err(|error| {
            if login::requires_login(&error) {
                let client = AskingClient {
                    context: request.context,
                    has_session: request.session.is_some(),
                };
                self.prompt(in_force, name, &variables, client);
            }
            let administrator = in_force.config.ask_administrator();
            let failure = error_report::of_acquire(name, &profile.source, &error, administrator);
            let outcome = request_log::outcome(&error, failure.code);
            log.refused(&failure, outcome);
            count(outcome);
            failure
        })?;
        log.granted(&grant);
        count(request_log::SERVED);
        let credential = grant.credential;
        Ok(Response::Credential {
            token: Token::new(credential.secret.expose().as_bytes().to_vec()),
            expires_at: credential
                .expires_at()
                .map(|at| whole_seconds(at).to_string()),
            expires_in: credential
                .remaining(self.clock.now())
                .map(|left| left.as_secs()),
        })
    }

    /// The moment at which a caller with this deadline is answered.
    pub(super) fn until(&self, deadline: Duration) -> Tick {
        let patience = deadline.min(LONGEST_DEADLINE).saturating_sub(ANSWER_MARGIN);
        self.clock.now().tick + patience
    }
}
