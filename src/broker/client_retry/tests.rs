//! The signals of one client session's requests.

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

/// The signals of one session's requests at these seconds, if it is served the same key each time.
fn signals(requests: &[f64]) -> Vec<Signal> {
    let mut sessions = Sessions::default();
    let mut signals = Vec::new();
    for &second in requests {
        signals.push(sessions.signal(CLIENT, &key("k"), at(second), FIVE_MINUTES));
        sessions.record(CLIENT, &key("k"), at(second), FIVE_MINUTES);
    }
    signals
}

fn possible_reject(served_at: f64) -> Signal {
    Signal::PossibleReject {
        retrying: false,
        served_at: at(served_at),
    }
}

fn retrying(served_at: f64) -> Signal {
    Signal::PossibleReject {
        retrying: true,
        served_at: at(served_at),
    }
}

#[test]
fn a_first_request_and_one_after_the_cache_lifetime_carry_no_signal() {
    assert_eq!(signals(&[0.0, 300.0, 700.0]), [Signal::None; 3]);
}

#[test]
fn an_early_request_signals_a_possible_reject() {
    assert_eq!(signals(&[0.0, 1.1]), [Signal::None, possible_reject(0.0)]);
    assert_eq!(signals(&[0.0, 299.0]), [Signal::None, possible_reject(0.0)]);
}

#[test]
fn the_clients_back_off_is_recognized_at_its_fifth_request() {
    let requests = [0.0, 1.2, 2.3, 4.8, 9.4, 18.6];
    assert_eq!(
        signals(&requests),
        [
            Signal::None,
            possible_reject(0.0),
            possible_reject(1.2),
            possible_reject(2.3),
            retrying(4.8),
            retrying(9.4)
        ]
    );
}

#[test]
fn settings_changed_again_and_again_are_not_a_back_off() {
    let changed: Vec<f64> = (0..10).map(|n| 2.5 * f64::from(n)).collect();
    let retrying =
        |signal: &Signal| matches!(signal, Signal::PossibleReject { retrying: true, .. });
    assert!(!signals(&changed).iter().any(retrying));
}

#[test]
fn a_key_that_was_replaced_since_is_not_suspected() {
    let mut sessions = Sessions::default();
    sessions.record(CLIENT, &key("old"), at(0.0), FIVE_MINUTES);
    assert_eq!(
        sessions.signal(CLIENT, &key("new"), at(1.0), FIVE_MINUTES),
        Signal::None
    );
}

#[test]
fn a_key_that_the_client_had_no_time_to_use_is_not_suspected() {
    let mut sessions = Sessions::default();
    sessions.record(CLIENT, &key("old"), at(0.0), FIVE_MINUTES);
    // The cache lifetime is over and the new key is served; the 401 for the old one is still to
    // come.
    sessions.record(CLIENT, &key("new"), at(400.0), FIVE_MINUTES);
    let signal = |seconds| sessions.signal(CLIENT, &key("new"), at(seconds), FIVE_MINUTES);
    assert_eq!(signal(400.8), Signal::None);
    assert_eq!(signal(402.5), possible_reject(400.0));
}

#[test]
fn another_process_with_the_same_pid_is_another_session() {
    let mut sessions = Sessions::default();
    sessions.record(CLIENT, &key("k"), at(0.0), FIVE_MINUTES);
    let other = ClientSession {
        started: 100,
        ..CLIENT
    };
    assert_eq!(
        sessions.signal(other, &key("k"), at(1.0), FIVE_MINUTES),
        Signal::None
    );
}

#[test]
fn a_client_that_does_not_cache_is_uninformative() {
    let mut sessions = Sessions::default();
    sessions.record(CLIENT, &key("k"), at(0.0), Duration::ZERO);
    assert_eq!(
        sessions.signal(CLIENT, &key("k"), at(0.1), Duration::ZERO),
        Signal::Uninformative { retrying: false }
    );
}

#[test]
fn the_back_off_of_a_client_that_does_not_cache_is_recognized() {
    let mut sessions = Sessions::default();
    let mut retrying = Vec::new();
    for second in [0.0, 1.2, 2.3, 4.8, 9.4, 18.6] {
        let signal = sessions.signal(CLIENT, &key("k"), at(second), Duration::ZERO);
        retrying.push(signal == Signal::Uninformative { retrying: true });
        sessions.record(CLIENT, &key("k"), at(second), Duration::ZERO);
    }
    assert_eq!(retrying, [false, false, false, false, true, true]);
}

#[test]
fn the_number_of_sessions_is_bounded() {
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
        possible_reject(4999.0)
    );
}

proptest! {
    #[test]
    fn a_client_that_waits_for_its_cache_lifetime_is_never_suspected(
        pauses in prop::collection::vec(300.0..5000.0f64, 0..20),
    ) {
        let mut requests = vec![0.0];
        for pause in pauses {
            requests.push(requests.last().unwrap() + pause + 0.001);
        }
        prop_assert!(signals(&requests).iter().all(|signal| *signal == Signal::None));
    }
}
