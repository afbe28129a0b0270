//! What an early second ask tells. Pure.
//!
//! Claude Code asks again when its cache lifetime is over and when the gateway answered 401, and never says which. A
//! client session that comes back early hints at a 401 for the key that **it was given**; a hint, never proof (a touched
//! settings file looks the same), so what comes of it is a question to the gateway.

use std::{collections::HashMap, time::Duration};

use crate::{client_session::ClientSession, clock::Tick, secret::Fingerprint};

/// How long a session has to have had a key before its coming back says anything of that key, if it had another one
/// before: after an idle time the client sends one more request with the old key, and its 401 comes back within about
/// a second of the new key's being handed out.
pub(crate) const REVALIDATION_GRACE: Duration = Duration::from_secs(2);

/// The client waits for longer than this before it comes back with a 401. Who asks again sooner, a crowd of shims with
/// one parent, say, is worth a question to the gateway and no more.
const IMMEDIATE: Duration = Duration::from_millis(500);

/// A client that caches for less than this comes back as early as one with a 401 does: it tells nothing.
pub(crate) const MIN_INFORMATIVE_LIFETIME: Duration = Duration::from_secs(5);

/// The longest pause of the client's back-off, and a little: longer ones are somebody thinking.
const LONGEST_RETRY: Duration = Duration::from_secs(45);

/// How much longer each pause has to be than the one before it to look like the client's back-off (it doubles).
const BACKOFF_FACTOR: f64 = 1.5;

/// How many pauses have to grow like that: at the client's 0, 1.2, 2.3, 4.8, 9.4 s this is its fifth run.
const PAUSES: usize = 3;

/// Sessions that are remembered at most; the one that was silent longest goes first.
const MAX_SESSIONS: usize = 1024;

/// What an ask tells of the key that the session was given before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Nothing: a first ask, or the cache lifetime is over, or the key has been replaced since, or there was no time to
    /// try it.
    None,
    /// Nothing, or little: this client caches too briefly. The key may be dead all the same.
    Uninformative {
        /// See [`Signal::PossibleReject`]: its back-off is the one thing that tells.
        retrying: bool,
    },
    /// The gateway may have refused the key.
    PossibleReject {
        /// The session comes back as a client does that gets one 401 after another: its pauses double.
        retrying: bool,
        /// When the session was last given it.
        given: Tick,
    },
}

/// Who was given what, and when.
#[derive(Debug, Default)]
pub(crate) struct Sessions(HashMap<ClientSession, LastServed>);

#[derive(Debug)]
struct LastServed {
    key: Fingerprint,
    /// When the session was first given this key, and whether it had had another one.
    first: Tick,
    had_another: bool,
    last: Tick,
    /// The last pauses between early asks for this key, the latest last.
    pauses: Vec<Duration>,
}

impl Sessions {
    /// What it tells that `session` asks at `now`, where `current` is what it would be given.
    #[must_use]
    pub(crate) fn signal(
        &self,
        session: ClientSession,
        current: &Fingerprint,
        now: Tick,
        cache_lifetime: Duration,
    ) -> Signal {
        let is_uninformative = cache_lifetime < MIN_INFORMATIVE_LIFETIME;
        let Some(handout) = self.0.get(&session) else {
            return if is_uninformative {
                Signal::Uninformative { retrying: false }
            } else {
                Signal::None
            };
        };
        let pause = now.since(handout.last);
        if is_uninformative {
            let is_its = handout.key == *current;
            return Signal::Uninformative {
                retrying: is_its && is_backing_off(&handout.pauses, pause),
            };
        }
        let is_over = pause >= cache_lifetime;
        let is_untried = handout.had_another && now.since(handout.first) < REVALIDATION_GRACE;
        if is_over || is_untried || handout.key != *current {
            return Signal::None;
        }
        Signal::PossibleReject {
            retrying: is_backing_off(&handout.pauses, pause),
            given: handout.last,
        }
    }

    /// `session` is given `key`.
    pub(crate) fn record(
        &mut self,
        session: ClientSession,
        key: &Fingerprint,
        now: Tick,
        cache_lifetime: Duration,
    ) {
        if let Some(handout) = self.0.get_mut(&session) {
            let pause = now.since(handout.last);
            handout.last = now;
            if handout.key != *key {
                handout.key = key.clone();
                handout.first = now;
                handout.had_another = true;
                handout.pauses.clear();
            } else if pause >= cache_lifetime.max(LONGEST_RETRY) {
                handout.pauses.clear();
            } else {
                handout.pauses.push(pause);
                let surplus = handout.pauses.len().saturating_sub(PAUSES);
                handout.pauses.drain(..surplus);
            }
            return;
        }
        if self.0.len() >= MAX_SESSIONS {
            let silent = self
                .0
                .iter()
                .min_by_key(|(_, handout)| handout.last)
                .map(|(id, _)| *id);
            silent.and_then(|session| self.0.remove(&session));
        }
        let handout = LastServed {
            key: key.clone(),
            first: now,
            had_another: false,
            last: now,
            pauses: Vec::new(),
        };
        self.0.insert(session, handout);
    }
}

/// Whether a session that was given a key at `given` and asks again at `now` had no time to meet a 401.
#[must_use]
pub(crate) fn is_immediate(given: Tick, now: Tick) -> bool {
    now.since(given) < IMMEDIATE
}

fn is_backing_off(pauses: &[Duration], latest: Duration) -> bool {
    let pauses: Vec<_> = pauses
        .iter()
        .chain([&latest])
        .map(Duration::as_secs_f64)
        .collect();
    let Some(start) = pauses.len().checked_sub(PAUSES) else {
        return false;
    };
    pauses[start..]
        .windows(2)
        .all(|pair| pair[1] >= pair[0] * BACKOFF_FACTOR)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Secret;

    const FIVE_MINUTES: Duration = Duration::from_secs(300);
    const CLIENT: ClientSession = ClientSession {
        pid: 4711,
        started: 99,
    };

    fn key(text: &str) -> Fingerprint {
        Secret::new(text.to_owned()).fingerprint()
    }

    fn at(seconds: f64) -> Tick {
        Tick(Duration::from_secs_f64(1000.0 + seconds))
    }

    /// What each of these asks of one session tells, where it is always given the same key.
    fn signals(asks: &[f64]) -> Vec<Signal> {
        let mut sessions = Sessions::default();
        let mut signals = Vec::new();
        for &ask in asks {
            signals.push(sessions.signal(CLIENT, &key("k"), at(ask), FIVE_MINUTES));
            sessions.record(CLIENT, &key("k"), at(ask), FIVE_MINUTES);
        }
        signals
    }

    fn suspect(given: f64) -> Signal {
        Signal::PossibleReject {
            retrying: false,
            given: at(given),
        }
    }

    fn retrying(given: f64) -> Signal {
        Signal::PossibleReject {
            retrying: true,
            given: at(given),
        }
    }

    #[test]
    fn a_first_ask_and_one_after_the_lifetime_tell_nothing() {
        assert_eq!(signals(&[0.0, 300.0, 700.0]), [Signal::None; 3]);
    }

    #[test]
    fn an_early_ask_makes_the_key_a_suspect() {
        assert_eq!(signals(&[0.0, 1.1]), [Signal::None, suspect(0.0)]);
        assert_eq!(signals(&[0.0, 299.0]), [Signal::None, suspect(0.0)]);
    }

    #[test]
    fn the_clients_retry_chain_insists_from_its_fifth_run() {
        let chain = [0.0, 1.2, 2.3, 4.8, 9.4, 18.6];
        assert_eq!(
            signals(&chain),
            [
                Signal::None,
                suspect(0.0),
                suspect(1.2),
                suspect(2.3),
                retrying(4.8),
                retrying(9.4)
            ]
        );
    }

    #[test]
    fn settings_touched_again_and_again_do_not_insist() {
        let touched: Vec<f64> = (0..10).map(|n| 2.5 * f64::from(n)).collect();
        let retrying =
            |signal: &Signal| matches!(signal, Signal::PossibleReject { retrying: true, .. });
        assert!(!signals(&touched).iter().any(retrying));
    }

    #[test]
    fn a_key_that_was_replaced_since_is_no_suspect() {
        let mut sessions = Sessions::default();
        sessions.record(CLIENT, &key("old"), at(0.0), FIVE_MINUTES);
        assert_eq!(
            sessions.signal(CLIENT, &key("new"), at(1.0), FIVE_MINUTES),
            Signal::None
        );
    }

    #[test]
    fn a_key_that_the_client_had_no_time_to_try_is_no_suspect() {
        let mut sessions = Sessions::default();
        sessions.record(CLIENT, &key("old"), at(0.0), FIVE_MINUTES);
        // The lifetime is over, the new key is handed out; the 401 for the old one is still to come.
        sessions.record(CLIENT, &key("new"), at(400.0), FIVE_MINUTES);
        let signal = |seconds| sessions.signal(CLIENT, &key("new"), at(seconds), FIVE_MINUTES);
        assert_eq!(signal(400.8), Signal::None);
        assert_eq!(signal(402.5), suspect(400.0));
    }

    #[test]
    fn another_process_with_the_same_number_is_another_session() {
        let mut sessions = Sessions::default();
        sessions.record(CLIENT, &key("k"), at(0.0), FIVE_MINUTES);
        let reborn = ClientSession {
            started: 100,
            ..CLIENT
        };
        assert_eq!(
            sessions.signal(reborn, &key("k"), at(1.0), FIVE_MINUTES),
            Signal::None
        );
    }

    #[test]
    fn a_client_that_does_not_cache_tells_nothing() {
        let mut sessions = Sessions::default();
        sessions.record(CLIENT, &key("k"), at(0.0), Duration::ZERO);
        assert_eq!(
            sessions.signal(CLIENT, &key("k"), at(0.1), Duration::ZERO),
            Signal::Uninformative { retrying: false }
        );
    }

    #[test]
    fn but_its_retry_chain_does() {
        let mut sessions = Sessions::default();
        let mut insisting = Vec::new();
        for ask in [0.0, 1.2, 2.3, 4.8, 9.4, 18.6] {
            let signal = sessions.signal(CLIENT, &key("k"), at(ask), Duration::ZERO);
            insisting.push(signal == Signal::Uninformative { retrying: true });
            sessions.record(CLIENT, &key("k"), at(ask), Duration::ZERO);
        }
        assert_eq!(insisting, [false, false, false, false, true, true]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut sessions = Sessions::default();
        for pid in 0..5000 {
            let session = ClientSession { pid, started: 0 };
            sessions.record(session, &key("k"), at(f64::from(pid)), FIVE_MINUTES);
        }
        assert_eq!(sessions.0.len(), MAX_SESSIONS);
        let latest = ClientSession {
            pid: 4999,
            started: 0,
        };
        assert_eq!(
            sessions.signal(latest, &key("k"), at(5000.0), FIVE_MINUTES),
            suspect(4999.0)
        );
    }

    proptest! {
        #[test]
        fn nobody_is_suspected_who_waits_his_lifetime(pauses in prop::collection::vec(300.0..5000.0f64, 0..20)) {
            let mut asks = vec![0.0];
            for pause in pauses {
                asks.push(asks.last().unwrap() + pause + 0.001);
            }
            prop_assert!(signals(&asks).iter().all(|signal| *signal == Signal::None));
        }
    }
}
