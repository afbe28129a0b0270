//! What one client session was served, and when: the pauses between its requests show if it meets
//! one 401 after another.

use std::{ops::RangeInclusive, time::Duration};

use crate::{clock::Tick, secret::Fingerprint};

/// How long a session must have had a key that replaced another before its early request counts
/// against that key. After an idle time the client sends one more request with the old key (stale
/// while revalidate), and comes back for that one's 401 within about a second of being served the
/// new key.
pub(crate) const REVALIDATION_GRACE: Duration = Duration::from_secs(2);

/// The longest delay of the client's own back-off, and a little more. After a longer pause the user
/// was reading or typing, and a new series of retries begins.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(45);

/// How much longer than the previous one each pause must be to count as the client's back-off. The
/// client doubles its delays; the rest allows for its jitter and for the time of a request.
const BACKOFF_FACTOR: RangeInclusive<f64> = 1.5..=2.7;

/// How many pauses in a row, each longer than the previous one by [`BACKOFF_FACTOR`], mark a client
/// as retrying. With requests at 0, 1.2, 2.3, 4.8 and 9.4 s that is at the fifth.
const BACKOFF_PAUSES: usize = 3;

/// The shortest of these pauses: many shims of one process at once are no retries.
const MIN_BACKOFF_PAUSE: Duration = Duration::from_millis(500);

/// The shortest of the last of these pauses.
const MIN_LAST_PAUSE: Duration = Duration::from_secs(2);

/// How long a session that was refused its key is refused it again. Claude Code runs a failing
/// helper three times in 2.6 s before it reports the error; the next prompt comes later, and gets
/// the key, which may work again by then.
pub(crate) const REFUSAL_QUIET: Duration = Duration::from_millis(2500);

/// What a session was served last.
#[derive(Debug)]
pub(super) struct History {
    pub(super) key: Fingerprint,
    /// When the session was first served this key.
    first: Tick,
    /// Whether it had been served another key before.
    had_another: bool,
    /// When it was last served this key.
    pub(super) last: Tick,
    /// From when on a request for it is not early.
    due: Tick,
    /// The first of the requests whose pauses are in `pauses`.
    series_start: Tick,
    /// The last [`BACKOFF_PAUSES`] pauses between early requests for this key, the latest last.
    pauses: Vec<Duration>,
    /// When the session was last refused the key because it kept coming back for it.
    refused: Option<Tick>,
    /// Whether the client has said that the gateway rejects this key.
    pub(super) has_stated: bool,
}

impl History {
    /// The history of a session that is first served `key` at `now`, and for which a request is
    /// early until `due`.
    pub(super) fn new(key: &Fingerprint, now: Tick, due: Tick) -> Self {
        Self {
            key: key.clone(),
            first: now,
            had_another: false,
            last: now,
            due,
            series_start: now,
            pauses: Vec::new(),
            refused: None,
            has_stated: false,
        }
    }

    /// Records that the session is served `key`, and for how long it will use it.
    pub(super) fn record(&mut self, key: &Fingerprint, now: Tick, due: Tick) {
        let pause = now.since(self.last);
        let cache_lifetime = self.due.since(self.last);
        if self.key != *key {
            *self = Self {
                had_another: true,
                ..Self::new(key, now, due)
            };
            return;
        }
        if pause >= cache_lifetime.max(MAX_RETRY_DELAY) || self.refused.is_some() {
            self.pauses.clear();
            self.series_start = now;
        } else {
            self.pauses.push(pause);
            let surplus = self.pauses.len().saturating_sub(BACKOFF_PAUSES);
            self.pauses.drain(..surplus);
        }
        self.last = now;
        self.due = due;
    }

    /// Records that the session is refused the key that it was served.
    pub(super) fn refuse(&mut self, now: Tick) {
        self.refused = Some(now);
    }

    /// Forgets the refusal, and what the client has said about the key.
    pub(super) fn forgive(&mut self) {
        self.refused = None;
        self.has_stated = false;
        self.pauses.clear();
    }

    /// Whether the session has just been refused the key.
    pub(super) fn is_refused(&self, now: Tick) -> bool {
        self.refused
            .is_some_and(|refused| now.since(refused) < REFUSAL_QUIET)
    }

    /// Whether a request at `now` is early, and the session had the time to use the key.
    pub(super) fn is_early(&self, now: Tick) -> bool {
        let is_unused = self.had_another && now.since(self.first) < REVALIDATION_GRACE;
        // It has not had the key since it was refused it.
        let has_key = self.refused.is_none_or(|refused| refused < self.last);
        now < self.due && !is_unused && has_key
    }

    /// Whether the session meets one 401 after another: the pauses between its requests, the one
    /// until `now` included, grow like the client's back-off. A session that was refused the key
    /// before does so at once.
    pub(super) fn is_retrying(&self, now: Tick) -> bool {
        self.refused.is_some() || self.is_backing_off(now.since(self.last))
    }

    /// When the requests began that show it.
    pub(super) fn series_start(&self) -> Tick {
        self.series_start
    }

    fn is_backing_off(&self, latest: Duration) -> bool {
        let pauses: Vec<_> = self.pauses.iter().chain([&latest]).collect();
        let Some(start) = pauses.len().checked_sub(BACKOFF_PAUSES) else {
            return false;
        };
        let is_growing = |pair: &[&Duration]| {
            let factor = pair[1].as_secs_f64() / pair[0].as_secs_f64();
            *pair[0] >= MIN_BACKOFF_PAUSE && BACKOFF_FACTOR.contains(&factor)
        };
        latest >= MIN_LAST_PAUSE && pauses[start..].windows(2).all(is_growing)
    }
}
