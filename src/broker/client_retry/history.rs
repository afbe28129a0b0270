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

/// How often in a row a session is refused its key. Claude Code reports the error at the third run
/// that fails; the run after that is for the next prompt, and gets the key, which may work again by
/// then.
pub(crate) const REFUSALS: u32 = 3;

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
    /// How often the session was refused the key since it was last served it, because it kept
    /// coming back for it, and when that was last.
    refusals: u32,
    refused_at: Tick,
    /// Whether it was ever refused this key.
    was_refused: bool,
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
            refusals: 0,
            refused_at: now,
            was_refused: false,
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
        let is_new_series = pause >= cache_lifetime.max(MAX_RETRY_DELAY);
        if is_new_series || self.refusals > 0 {
            self.pauses.clear();
            self.series_start = now;
            // It has used the key to the end of its cache lifetime, so the key works.
            self.was_refused &= !is_new_series || self.refusals > 0;
            self.refusals = 0;
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
        self.refusals += 1;
        self.refused_at = now;
        self.was_refused = true;
    }

    /// Forgets the refusal, and what the client has said about the key.
    pub(super) fn forgive(&mut self) {
        self.refusals = 0;
        self.was_refused = false;
        self.has_stated = false;
        self.pauses.clear();
    }

    /// Whether the session is refused the key again, because it comes back as it does after it was
    /// refused.
    pub(super) fn is_refused(&self, now: Tick) -> bool {
        (1..REFUSALS).contains(&self.refusals) && now.since(self.refused_at) < MAX_RETRY_DELAY
    }

    /// Whether a request at `now` is early, and the session had the time to use the key.
    pub(super) fn is_early(&self, now: Tick) -> bool {
        let is_unused = self.had_another && now.since(self.first) < REVALIDATION_GRACE;
        // It has not had the key since it was refused it.
        now < self.due && !is_unused && self.refusals == 0
    }

    /// Whether the session meets one 401 after another: the pauses between its requests, the one
    /// until `now` included, grow like the client's back-off. A session that was refused the key
    /// before does so at once.
    pub(super) fn is_retrying(&self, now: Tick) -> bool {
        let pause = now.since(self.last);
        let is_back = self.was_refused && (self.refusals > 0 || pause < MAX_RETRY_DELAY);
        is_back || self.is_backing_off(pause)
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
