//! Asks the daemon.

use std::time::Duration;

use claviger_wire::{
    Acquire, Failure, Format, Request, Response, Variables,
    client::{Client, Deadline, Pending, timed_out, unexpected_response},
    paths::DaemonPaths,
};

use crate::{
    client_kind::HelperContext,
    secret::Secret,
    status_report::{ProfileReport, StatusReport},
};

/// How long the daemon may take, which starts, logs in and fetches in that time: a little longer
/// than a shim waits, so that the daemon's own failure arrives.
const TIMEOUT: Duration = Duration::from_secs(9);

/// The cache lifetime of Claude Code in milliseconds, unless its variable says otherwise.
const CACHE_LIFETIME_MS: u64 = 300_000;

/// What the daemon answered about one profile.
pub(super) struct Asked {
    pub(super) key: Result<Secret, Failure>,
    /// `None` if it did not answer.
    pub(super) status: Option<ProfileReport>,
}

/// A question that the daemon has not answered yet.
pub(super) struct PendingAsk {
    work: Pending<Asked>,
    deadline: Deadline,
}

impl PendingAsk {
    /// Waits for the answer.
    pub(super) fn wait(self) -> Asked {
        self.work.wait(self.deadline).unwrap_or_else(|| Asked {
            key: Err(timed_out(TIMEOUT)),
            status: None,
        })
    }
}

/// Whether a daemon listens.
pub(super) fn listens(paths: &DaemonPaths) -> bool {
    let client = Client::new(paths.clone());
    let request = || Request::Status { profile: None };
    let work = Pending::start(move || client.request(request));
    // A daemon that does not answer is there: the request for a key reports it.
    !matches!(work.wait(Deadline::after(TIMEOUT)), Some(Ok(None)))
}

/// Asks for the key of `profile`, and then for its status. A daemon is started if none listens.
pub(super) fn ask(paths: &DaemonPaths, profile: &str) -> PendingAsk {
    let client = Client::new(paths.clone());
    let profile = profile.to_owned();
    PendingAsk {
        work: Pending::start(move || Asked {
            key: key(&client, &profile),
            status: status(&client, &profile),
        }),
        deadline: Deadline::after(TIMEOUT),
    }
}

/// # Errors
///
/// The daemon's failure, and those of [`Client::request_with_variables`].
fn key(client: &Client, profile: &str) -> Result<Secret, Failure> {
    let request = |variables: &Variables| {
        Request::Acquire(Acquire {
            profile: Some(profile.to_owned()),
            cache_lifetime_ms: CACHE_LIFETIME_MS,
            // Such a request shows nothing about a client's 401.
            format: Format::Headers,
            deadline_ms: TIMEOUT.as_millis() as u64,
            // The daemon opens no browser.
            context: HelperContext::Background.name().map(str::to_owned),
            variables: variables.clone(),
            ..Acquire::default()
        })
    };
    let answer = client.request_with_variables(request)?;
    match answer.into_iter().next() {
        Some(Response::Credential { token, .. }) => {
            let text = String::from_utf8_lossy(token.expose()).into_owned();
            Ok(Secret::new(text))
        }
        Some(Response::Failure(failure)) => Err(failure),
        other => Err(unexpected_response(&other.unwrap_or(Response::Done))),
    }
}

fn status(client: &Client, profile: &str) -> Option<ProfileReport> {
    let request = || Request::Status {
        profile: Some(profile.to_owned()),
    };
    let answer = client.request(request).ok()??;
    let reports: Vec<_> = answer
        .into_iter()
        .filter_map(|response| match response {
            Response::Report(json) => Some(json),
            _ => None,
        })
        .collect();
    StatusReport::parse(&reports)
        .ok()?
        .profiles
        .into_iter()
        .next()
}
