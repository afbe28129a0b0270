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
pub const TRIAL: Duration = Duration::from_secs(2);

/// The client waits for longer than this before it comes back with a 401. Who asks again sooner, a crowd of shims with
/// one parent, say, is worth a question to the gateway and no more.
const HASTE: Duration = Duration::from_millis(500);

/// A client that caches for less than this comes back as early as one with a 401 does: it tells nothing.
pub const SHORTEST_TELLING: Duration = Duration::from_secs(5);

/// The longest pause of the client's back-off, and a little: longer ones are somebody thinking.
const LONGEST_RETRY: Duration = Duration::from_secs(45);

/// How much longer each pause has to be than the one before it to look like the client's back-off (it doubles).
const BACKING_OFF: f64 = 1.5;

/// How many pauses have to grow like that: at the client's 0, 1.2, 2.3, 4.8, 9.4 s this is its fifth run.
const PAUSES: usize = 3;

/// Sessions that are remembered at most; the one that was silent longest goes first.
const SESSIONS: usize = 1024;

/// What an ask tells of the key that the session was given before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Nothing: a first ask, or the cache lifetime is over, or the key has been replaced since, or there was no time to
    /// try it.
    Nothing,
    /// Nothing, or little: this client caches too briefly. The key may be dead all the same.
    Mute {
        /// See [`Hint::Suspect`]: its back-off is the one thing that tells.
        insists: bool,
    },
    /// The gateway may have refused the key.
    Suspect {
        /// The session comes back as a client does that gets one 401 after another: its pauses double.
        insists: bool,
        /// When the session was last given it.
        given: Tick,
    },
}

/// Who was given what, and when.
#[derive(Debug, Default)]
pub struct Sessions(HashMap<ClientSession, Handing>);

#[derive(Debug)]
struct Handing {
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
    pub fn hint(
        &self,
        session: ClientSession,
        current: &Fingerprint,
        now: Tick,
        cache_lifetime: Duration,
    ) -> Hint {
        let is_mute = cache_lifetime < SHORTEST_TELLING;
        let Some(handing) = self.0.get(&session) else {
            return if is_mute {
                Hint::Mute { insists: false }
            } else {
                Hint::Nothing
            };
        };
        let pause = now.since(handing.last);
        if is_mute {
            let is_its = handing.key == *current;
            return Hint::Mute {
                insists: is_its && is_backing_off(&handing.pauses, pause),
            };
        }
        let is_over = pause >= cache_lifetime;
        let is_untried = handing.had_another && now.since(handing.first) < TRIAL;
        if is_over || is_untried || handing.key != *current {
            return Hint::Nothing;
        }
        Hint::Suspect {
            insists: is_backing_off(&handing.pauses, pause),
            given: handing.last,
        }
    }

    /// `session` is given `key`.
    pub fn hand(
        &mut self,
        session: ClientSession,
        key: &Fingerprint,
        now: Tick,
        cache_lifetime: Duration,
    ) {
        if let Some(handing) = self.0.get_mut(&session) {
            let pause = now.since(handing.last);
            handing.last = now;
            if handing.key != *key {
                handing.key = key.clone();
                handing.first = now;
                handing.had_another = true;
                handing.pauses.clear();
            } else if pause >= cache_lifetime.max(LONGEST_RETRY) {
                handing.pauses.clear();
            } else {
                handing.pauses.push(pause);
                let surplus = handing.pauses.len().saturating_sub(PAUSES);
                handing.pauses.drain(..surplus);
            }
            return;
        }
        if self.0.len() >= SESSIONS {
            let silent = self
                .0
                .iter()
                .min_by_key(|(_, handing)| handing.last)
                .map(|(id, _)| *id);
            silent.and_then(|session| self.0.remove(&session));
        }
        let handing = Handing {
            key: key.clone(),
            first: now,
            had_another: false,
            last: now,
            pauses: Vec::new(),
        };
        self.0.insert(session, handing);
    }
}

/// Whether a session that was given a key at `given` and asks again at `now` had no time to meet a 401.
#[must_use]
pub fn is_hasty(given: Tick, now: Tick) -> bool {
    now.since(given) < HASTE
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
        .all(|pair| pair[1] >= pair[0] * BACKING_OFF)
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
    fn hints(asks: &[f64]) -> Vec<Hint> {
        let mut sessions = Sessions::default();
        let mut hints = Vec::new();
        for &ask in asks {
            hints.push(sessions.hint(CLIENT, &key("k"), at(ask), FIVE_MINUTES));
            sessions.hand(CLIENT, &key("k"), at(ask), FIVE_MINUTES);
        }
        hints
    }

    fn suspect(given: f64) -> Hint {
        Hint::Suspect {
            insists: false,
            given: at(given),
        }
    }

    fn insists(given: f64) -> Hint {
        Hint::Suspect {
            insists: true,
            given: at(given),
        }
    }

    #[test]
    fn a_first_ask_and_one_after_the_lifetime_tell_nothing() {
        assert_eq!(hints(&[0.0, 300.0, 700.0]), [Hint::Nothing; 3]);
    }

    #[test]
    fn an_early_ask_makes_the_key_a_suspect() {
        assert_eq!(hints(&[0.0, 1.1]), [Hint::Nothing, suspect(0.0)]);
        assert_eq!(hints(&[0.0, 299.0]), [Hint::Nothing, suspect(0.0)]);
    }

    #[test]
    fn the_clients_retry_chain_insists_from_its_fifth_run() {
        let chain = [0.0, 1.2, 2.3, 4.8, 9.4, 18.6];
        assert_eq!(
            hints(&chain),
            [
                Hint::Nothing,
                suspect(0.0),
                suspect(1.2),
                suspect(2.3),
                insists(4.8),
                insists(9.4)
            ]
        );
    }

    #[test]
    fn settings_touched_again_and_again_do_not_insist() {
        let touched: Vec<f64> = (0..10).map(|n| 2.5 * f64::from(n)).collect();
        let insists = |hint: &Hint| matches!(hint, Hint::Suspect { insists: true, .. });
        assert!(!hints(&touched).iter().any(insists));
    }

    #[test]
    fn a_key_that_was_replaced_since_is_no_suspect() {
        let mut sessions = Sessions::default();
        sessions.hand(CLIENT, &key("old"), at(0.0), FIVE_MINUTES);
        assert_eq!(
            sessions.hint(CLIENT, &key("new"), at(1.0), FIVE_MINUTES),
            Hint::Nothing
        );
    }

    #[test]
    fn a_key_that_the_client_had_no_time_to_try_is_no_suspect() {
        let mut sessions = Sessions::default();
        sessions.hand(CLIENT, &key("old"), at(0.0), FIVE_MINUTES);
        // The lifetime is over, the new key is handed out; the 401 for the old one is still to come.
        sessions.hand(CLIENT, &key("new"), at(400.0), FIVE_MINUTES);
        let hint = |seconds| sessions.hint(CLIENT, &key("new"), at(seconds), FIVE_MINUTES);
        assert_eq!(hint(400.8), Hint::Nothing);
        assert_eq!(hint(402.5), suspect(400.0));
    }

    #[test]
    fn another_process_with_the_same_number_is_another_session() {
        let mut sessions = Sessions::default();
        sessions.hand(CLIENT, &key("k"), at(0.0), FIVE_MINUTES);
        let reborn = ClientSession {
            started: 100,
            ..CLIENT
        };
        assert_eq!(
            sessions.hint(reborn, &key("k"), at(1.0), FIVE_MINUTES),
            Hint::Nothing
        );
    }

    #[test]
    fn a_client_that_does_not_cache_tells_nothing() {
        let mut sessions = Sessions::default();
        sessions.hand(CLIENT, &key("k"), at(0.0), Duration::ZERO);
        assert_eq!(
            sessions.hint(CLIENT, &key("k"), at(0.1), Duration::ZERO),
            Hint::Mute { insists: false }
        );
    }

    #[test]
    fn but_its_retry_chain_does() {
        let mut sessions = Sessions::default();
        let mut insisting = Vec::new();
        for ask in [0.0, 1.2, 2.3, 4.8, 9.4, 18.6] {
            let hint = sessions.hint(CLIENT, &key("k"), at(ask), Duration::ZERO);
            insisting.push(hint == Hint::Mute { insists: true });
            sessions.hand(CLIENT, &key("k"), at(ask), Duration::ZERO);
        }
        assert_eq!(insisting, [false, false, false, false, true, true]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut sessions = Sessions::default();
        for pid in 0..5000 {
            let session = ClientSession { pid, started: 0 };
            sessions.hand(session, &key("k"), at(f64::from(pid)), FIVE_MINUTES);
        }
        assert_eq!(sessions.0.len(), SESSIONS);
        let latest = ClientSession {
            pid: 4999,
            started: 0,
        };
        assert_eq!(
            sessions.hint(latest, &key("k"), at(5000.0), FIVE_MINUTES),
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
            prop_assert!(hints(&asks).iter().all(|hint| *hint == Hint::Nothing));
        }
    }
}
