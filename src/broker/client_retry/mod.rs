//! What an early request tells about the key that the client session was served before.
//!
//! Claude Code runs its helper again when its cache lifetime is over and when the gateway answered
//! 401, and does not tell which. A request that comes early therefore hints at a 401 for the key
//! that **this session** was served. It proves nothing: a changed settings file causes the same
//! request, so a hint leads to a probe of the gateway, not to a new key.
//!
//! Pure: the time of a request is an argument, and all that is kept is what each session was served
//! and when.

use std::{collections::HashMap, time::Duration};

use crate::{client_session::ClientSession, clock::Tick, secret::Fingerprint};

/// How long a session must have had a key that replaced another before its early request counts
/// against that key. After an idle time the client sends one more request with the old key (stale
/// while revalidate), and comes back for that one's 401 within about a second of being served the
/// new key.
pub(crate) const REVALIDATION_GRACE: Duration = Duration::from_secs(2);

/// The shortest time in which a client meets a 401 and comes back for it. An earlier request, one
/// of many shims with the same parent process for example, justifies a probe but no fetch.
const MIN_RETRY_DELAY: Duration = Duration::from_millis(500);

/// The shortest cache lifetime with which an early request carries information. A client that
/// caches for less comes back as early without a 401 as with one.
pub(crate) const MIN_INFORMATIVE_LIFETIME: Duration = Duration::from_secs(5);

/// The longest delay of the client's own back-off, and a little more. After a longer pause the user
/// was reading or typing, and a new series of retries begins.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(45);

/// How much longer than the previous one each pause must be to count as the client's back-off. The
/// client doubles its delays; the rest allows for its jitter and for the time of a request.
const BACKOFF_FACTOR: f64 = 1.5;

/// How many pauses in a row, each longer than the previous one by [`BACKOFF_FACTOR`], mark a client
/// as retrying. With requests at 0, 1.2, 2.3, 4.8 and 9.4 s that is at the fifth.
const BACKOFF_PAUSES: usize = 3;

/// The most sessions that are remembered; beyond it the one that was silent longest is dropped. A
/// developer has a handful, and 1,024 of them take less than half a megabyte.
const MAX_SESSIONS: usize = 1024;

/// What a request tells about the key that its session was served before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Nothing is wrong: it is the session's first request, its cache lifetime is over, the key has
    /// been replaced since, or the session had no time to use it.
    None,
    /// The client caches too briefly for an early request to mean anything; the key may be rejected
    /// all the same.
    Uninformative {
        /// See [`Signal::PossibleReject`]; the client's back-off is visible even so.
        retrying: bool,
    },
    /// The request came early: the gateway may have rejected the key.
    PossibleReject {
        /// The pauses between the session's requests grow like the client's back-off: it meets one
        /// 401 after another.
        retrying: bool,
        /// When the session was last served the key.
        served_at: Tick,
    },
}

/// What each client session was served, and when.
#[derive(Debug, Default)]
pub(crate) struct Sessions(HashMap<ClientSession, LastServed>);

#[derive(Debug)]
struct LastServed {
    key: Fingerprint,
    /// When the session was first served this key.
    first: Tick,
    /// Whether it had been served another key before.
    had_another: bool,
    /// When it was last served this key.
    last: Tick,
    /// The last [`BACKOFF_PAUSES`] pauses between early requests for this key, the latest last.
    pauses: Vec<Duration>,
}

impl Sessions {
    /// Returns what a request of `session` at `now` tells, if it would be served the key `current`.
    #[must_use]
    pub(crate) fn signal(
        &self,
        session: ClientSession,
        current: &Fingerprint,
        now: Tick,
        cache_lifetime: Duration,
    ) -> Signal {
        let is_uninformative = cache_lifetime < MIN_INFORMATIVE_LIFETIME;
        let Some(served) = self.0.get(&session) else {
            return if is_uninformative {
                Signal::Uninformative { retrying: false }
            } else {
                Signal::None
            };
        };
        let pause = now.since(served.last);
        let has_current = served.key == *current;
        if is_uninformative {
            return Signal::Uninformative {
                retrying: has_current && is_backing_off(&served.pauses, pause),
            };
        }
        let is_late = pause >= cache_lifetime;
        let is_unused = served.had_another && now.since(served.first) < REVALIDATION_GRACE;
        if is_late || is_unused || !has_current {
            return Signal::None;
        }
        Signal::PossibleReject {
            retrying: is_backing_off(&served.pauses, pause),
            served_at: served.last,
        }
    }

    /// Records that `session` is served `key`.
    pub(crate) fn record(
        &mut self,
        session: ClientSession,
        key: &Fingerprint,
        now: Tick,
        cache_lifetime: Duration,
    ) {
        if let Some(served) = self.0.get_mut(&session) {
            let pause = now.since(served.last);
            served.last = now;
            if served.key != *key {
                served.key = key.clone();
                served.first = now;
                served.had_another = true;
                served.pauses.clear();
            } else if pause >= cache_lifetime.max(MAX_RETRY_DELAY) {
                served.pauses.clear();
            } else {
                served.pauses.push(pause);
                let surplus = served.pauses.len().saturating_sub(BACKOFF_PAUSES);
                served.pauses.drain(..surplus);
            }
            return;
        }
        if self.0.len() >= MAX_SESSIONS {
            let most_silent = self
                .0
                .iter()
                .min_by_key(|(_, served)| served.last)
                .map(|(id, _)| *id);
            most_silent.and_then(|session| self.0.remove(&session));
        }
        let served = LastServed {
            key: key.clone(),
            first: now,
            had_another: false,
            last: now,
            pauses: Vec::new(),
        };
        self.0.insert(session, served);
    }
}

/// Whether a session that was served a key at `served_at` had no time to meet a 401 before `now`.
#[must_use]
pub(crate) fn is_immediate(served_at: Tick, now: Tick) -> bool {
    now.since(served_at) < MIN_RETRY_DELAY
}

/// Whether the last [`BACKOFF_PAUSES`] pauses, `latest` included, grow like the client's back-off.
fn is_backing_off(pauses: &[Duration], latest: Duration) -> bool {
    let pauses: Vec<_> = pauses
        .iter()
        .chain([&latest])
        .map(Duration::as_secs_f64)
        .collect();
    let Some(start) = pauses.len().checked_sub(BACKOFF_PAUSES) else {
        return false;
    };
    pauses[start..]
        .windows(2)
        .all(|pair| pair[1] >= pair[0] * BACKOFF_FACTOR)
}

#[cfg(test)]
mod tests;
