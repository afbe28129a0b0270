//! What an early request tells about the key that the client session was served before.
//!
//! Claude Code runs its helper again when its cache lifetime is over and when the gateway answered
//! 401, and does not tell which. A request that comes early therefore hints at a 401 for the key
//! that **this session** was served. It proves nothing: a changed settings file causes the same
//! request, so a hint leads to a probe of the gateway, not to a new key. Other clients have other
//! habits: `rules` has a row for each.
//!
//! Pure: the time of a request is an argument, and all that is kept is what each session was served
//! and when (`history`).

pub(super) mod history;
pub(crate) mod rules;

use std::{collections::HashMap, time::Duration};

use self::{history::History, rules::EarlyRequest};
use super::request::AcquireRequest;
use crate::{
    client_kind::HelperContext, client_session::ClientSession, clock::Tick, secret::Fingerprint,
};

/// The most sessions that are remembered; beyond it the one that was silent longest is dropped. A
/// developer has a handful, and 1,024 of them take less than half a megabyte.
const MAX_SESSIONS: usize = 1024;

/// What a request tells about the key that its session was served before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Nothing is wrong: it is the session's first request, its cache lifetime is over, the key has
    /// been replaced since, or the session had no time to use it.
    None,
    /// Such a request comes as often without a 401; the key may be rejected all the same.
    Uninformative(Option<EarlyAsk>),
    /// The request came early: the gateway may have rejected the key.
    PossibleReject(EarlyAsk),
}

/// An early request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EarlyAsk {
    /// When the session was last served the key.
    pub(crate) served_at: Tick,
    /// Whether the client had no time to meet a 401 since.
    pub(crate) is_immediate: bool,
    /// Since when the client has been meeting one 401 after another, if it has.
    pub(crate) retrying_since: Option<Tick>,
}

/// What each client session was served, and when.
#[derive(Debug, Default)]
pub(crate) struct Sessions(HashMap<ClientSession, History>);

impl Sessions {
    /// Returns what `request` tells at `now`, if it would be served the key `current`.
    #[must_use]
    pub(crate) fn signal(
        &self,
        request: AcquireRequest,
        current: &Fingerprint,
        now: Tick,
    ) -> Signal {
        if request.is_for_headers {
            // One of several helpers of the same client, which may run at any time.
            return Signal::None;
        }
        let rule = rules::rule(request.client, request.cache_lifetime);
        let history = self.history(request);
        if request.context == HelperContext::Rejected {
            return stated(history, current, now);
        }
        let Some(history) = history else {
            return match rule.early_request {
                EarlyRequest::Uninformative => Signal::Uninformative(None),
                _ if request.session.is_none() => Signal::Uninformative(None),
                EarlyRequest::PossibleReject | EarlyRequest::Nothing => Signal::None,
            };
        };
        if history.key != *current {
            return Signal::None;
        }
        let ask = EarlyAsk {
            served_at: history.last,
            is_immediate: now.since(history.last) < rule.min_retry_delay,
            retrying_since: history.is_retrying(now).then(|| history.series_start()),
        };
        match rule.early_request {
            EarlyRequest::Uninformative => Signal::Uninformative(Some(ask)),
            EarlyRequest::PossibleReject if history.is_early(now) => Signal::PossibleReject(ask),
            EarlyRequest::PossibleReject | EarlyRequest::Nothing => Signal::None,
        }
    }

    /// Whether the session of `request` has just been refused the key `current`.
    #[must_use]
    pub(crate) fn is_refused(
        &self,
        request: AcquireRequest,
        current: &Fingerprint,
        now: Tick,
    ) -> bool {
        self.history(request)
            .is_some_and(|history| history.key == *current && history.is_refused(now))
    }

    /// Since when the session of `request` keeps coming back for `key`, if it does.
    #[must_use]
    pub(crate) fn retrying_since(
        &self,
        request: AcquireRequest,
        key: &Fingerprint,
        now: Tick,
    ) -> Option<Tick> {
        let history = self.history(request)?;
        let is_retrying = history.is_retrying(now) || history.has_stated;
        (history.key == *key && is_retrying).then(|| history.series_start())
    }

    /// Records that the session of `request` is served `key`. The client comes back for another one
    /// after its cache lifetime, or when its `reruns_after` is over, whichever is earlier.
    pub(crate) fn record(
        &mut self,
        request: AcquireRequest,
        key: &Fingerprint,
        now: Tick,
        reruns_after: Option<Duration>,
    ) {
        let Some(session) = request.session.filter(|_| !request.is_for_headers) else {
            return;
        };
        let lifetime = request.cache_lifetime;
        let due = now + reruns_after.map_or(lifetime, |after| after.min(lifetime));
        if let Some(history) = self.0.get_mut(&session) {
            history.record(key, now, due);
        } else {
            self.make_room();
            self.0.insert(session, History::new(key, now, due));
        }
        if request.context == HelperContext::Rejected
            && let Some(history) = self.0.get_mut(&session)
        {
            history.has_stated = true;
        }
    }

    /// Records that the session of `request` is refused the key that it was served before.
    pub(crate) fn refuse(&mut self, request: AcquireRequest, now: Tick) {
        let history = request.session.and_then(|session| self.0.get_mut(&session));
        if let Some(history) = history {
            history.refuse(now);
        }
    }

    /// Forgets that keys were refused or said to be rejected: a user has asked for a refresh.
    pub(crate) fn forgive(&mut self) {
        for history in self.0.values_mut() {
            history.forgive();
        }
    }

    /// What the session of `request` was served; `None` if it is unknown or new.
    fn history(&self, request: AcquireRequest) -> Option<&History> {
        self.0.get(&request.session?)
    }

    fn make_room(&mut self) {
        if self.0.len() < MAX_SESSIONS {
            return;
        }
        let by_silence = |(_, history): &(&ClientSession, &History)| history.last;
        let most_silent = self.0.iter().min_by_key(by_silence).map(|(id, _)| *id);
        most_silent.and_then(|session| self.0.remove(&session));
    }
}

/// What a client tells that says itself that the gateway has rejected the key: a second time for
/// the same key it is as good as a series of retries.
fn stated(history: Option<&History>, current: &Fingerprint, now: Tick) -> Signal {
    let Some(history) = history else {
        return Signal::PossibleReject(EarlyAsk {
            served_at: now,
            is_immediate: false,
            retrying_since: None,
        });
    };
    if history.key != *current {
        // It was another key.
        return Signal::None;
    }
    Signal::PossibleReject(EarlyAsk {
        served_at: history.last,
        is_immediate: false,
        retrying_since: history.has_stated.then(|| history.series_start()),
    })
}

#[cfg(test)]
mod tests;
