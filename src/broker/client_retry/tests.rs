//! The signals of one client session's requests.

use proptest::prelude::*;

use super::*;
use crate::{client_kind::ClientKind, secret::Secret};

const FIVE_MINUTES: Duration = Duration::from_secs(300);
const CLIENT: ClientSession = ClientSession {
    pid: 4711,
    started: 99,
};
const REQUEST: AcquireRequest = AcquireRequest::new(FIVE_MINUTES, Some(CLIENT));

fn key(text: &str) -> Fingerprint {
    Secret::new(text.to_owned()).fingerprint()
}

fn at(seconds: f64) -> Tick {
    Tick(Duration::from_secs_f64(1000.0 + seconds))
}

/// The signals of one session's requests at these seconds, if it is served the same key each time.
fn signals(requests: &[f64]) -> Vec<Signal> {
    signals_of(REQUEST, requests)
}

/// [`signals`] for requests like this one.
fn signals_of(request: AcquireRequest, requests: &[f64]) -> Vec<Signal> {
    let mut sessions = Sessions::default();
    let mut signals = Vec::new();
    for &second in requests {
        signals.push(sessions.signal(request, &key("k"), at(second)));
        sessions.record(request, &key("k"), at(second), None);
    }
    signals
}

fn ask(served_at: f64) -> EarlyAsk {
    EarlyAsk {
        served_at: at(served_at),
        is_immediate: false,
        retrying_since: None,
    }
}

fn possible_reject(served_at: f64) -> Signal {
    Signal::PossibleReject(ask(served_at))
}

fn retrying(served_at: f64) -> Signal {
    Signal::PossibleReject(EarlyAsk {
        retrying_since: Some(at(0.0)),
        ..ask(served_at)
    })
}

fn of(session: ClientSession) -> AcquireRequest {
    AcquireRequest::new(FIVE_MINUTES, Some(session))
}

/// Whether the signal tells that the client meets one 401 after another.
fn is_retrying(signal: &Signal) -> bool {
    match signal {
        Signal::None | Signal::Uninformative(None) => false,
        Signal::Uninformative(Some(ask)) | Signal::PossibleReject(ask) => {
            ask.retrying_since.is_some()
        }
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
    assert!(!signals(&changed).iter().any(is_retrying));
}

#[test]
fn many_runs_at_once_are_not_a_back_off() {
    let doubling = |first: f64| {
        let runs = (0..6).scan(0.0, move |at, n| {
            *at += first * f64::from(1 << n);
            Some(*at)
        });
        signals(&runs.collect::<Vec<_>>())
    };
    assert!(!doubling(0.01).iter().any(is_retrying));
    assert!(doubling(1.0).iter().any(is_retrying));
}

#[test]
fn a_key_that_was_replaced_since_is_not_suspected() {
    let mut sessions = Sessions::default();
    sessions.record(REQUEST, &key("old"), at(0.0), None);
    assert_eq!(sessions.signal(REQUEST, &key("new"), at(1.0)), Signal::None);
}

#[test]
fn a_key_that_the_client_had_no_time_to_use_is_not_suspected() {
    let mut sessions = Sessions::default();
    sessions.record(REQUEST, &key("old"), at(0.0), None);
    // The cache lifetime is over and the new key is served; the 401 for the old one is still to
    // come.
    sessions.record(REQUEST, &key("new"), at(400.0), None);
    let signal = |seconds| sessions.signal(REQUEST, &key("new"), at(seconds));
    assert_eq!(signal(400.8), Signal::None);
    assert_eq!(signal(402.5), possible_reject(400.0));
}

#[test]
fn another_process_with_the_same_pid_is_another_session() {
    let mut sessions = Sessions::default();
    sessions.record(REQUEST, &key("k"), at(0.0), None);
    let other = ClientSession {
        started: 100,
        ..CLIENT
    };
    assert_eq!(sessions.signal(of(other), &key("k"), at(1.0)), Signal::None);
}

#[test]
fn a_client_that_does_not_cache_is_uninformative_until_it_backs_off() {
    let uncached = AcquireRequest {
        cache_lifetime: Duration::ZERO,
        ..REQUEST
    };
    let all = signals_of(uncached, &[0.0, 1.2, 2.3, 4.8, 9.4, 18.6]);
    assert_eq!(
        all[..2],
        [
            Signal::Uninformative(None),
            Signal::Uninformative(Some(ask(0.0)))
        ]
    );
    let retrying: Vec<_> = all.iter().map(is_retrying).collect();
    assert_eq!(retrying, [false, false, false, false, true, true]);
}

#[test]
fn each_client_has_its_own_rule() {
    let early = |client| {
        let request = AcquireRequest { client, ..REQUEST };
        signals_of(request, &[0.0, 1.2])[1]
    };
    assert_eq!(early(ClientKind::ClaudeCode), possible_reject(0.0));
    assert_eq!(early(ClientKind::Codex), possible_reject(0.0));
    for client in [ClientKind::Copilot, ClientKind::Pi] {
        assert_eq!(
            early(client),
            Signal::Uninformative(Some(ask(0.0))),
            "{client:?}"
        );
    }
    for client in [ClientKind::ClaudeDesktop, ClientKind::Hermes] {
        assert_eq!(early(client), Signal::None, "{client:?}");
    }
}

#[test]
fn the_shortest_retry_of_each_client_is_not_immediate() {
    for (client, seconds, expected) in [
        (ClientKind::ClaudeCode, 0.2, true),
        (ClientKind::ClaudeCode, 0.6, false),
        (ClientKind::Codex, 0.05, true),
        (ClientKind::Codex, 0.2, false),
        (ClientKind::Copilot, 0.5, true),
        (ClientKind::Copilot, 1.1, false),
        (ClientKind::Pi, 0.1, true),
        (ClientKind::Pi, 4.0, false),
    ] {
        let request = AcquireRequest { client, ..REQUEST };
        let is_immediate = match signals_of(request, &[0.0, seconds])[1] {
            Signal::PossibleReject(ask) | Signal::Uninformative(Some(ask)) => ask.is_immediate,
            other => panic!("{other:?}"),
        };
        assert_eq!(is_immediate, expected, "{client:?} after {seconds} s");
    }
}

#[test]
fn a_stated_rejection_is_believed_at_any_time_and_insisted_on_the_second_time() {
    let refresh = AcquireRequest {
        client: ClientKind::ClaudeDesktop,
        context: HelperContext::Rejected,
        cache_lifetime: Duration::from_secs(3600),
        ..REQUEST
    };
    let mut sessions = Sessions::default();
    let unknown = sessions.signal(refresh, &key("k"), at(5.0));
    assert_eq!(
        unknown,
        possible_reject(5.0),
        "a session of an earlier daemon"
    );
    let first = AcquireRequest {
        context: HelperContext::Interactive,
        ..refresh
    };
    sessions.record(first, &key("k"), at(0.0), None);
    // An hour later its cache lifetime is over; all the same it says so.
    for seconds in [0.1, 30.0, 4000.0] {
        let signal = sessions.signal(refresh, &key("k"), at(seconds));
        assert_eq!(signal, possible_reject(0.0), "after {seconds} s");
    }
    sessions.record(refresh, &key("k"), at(30.0), None);
    assert!(is_retrying(&sessions.signal(refresh, &key("k"), at(60.0))));
    assert_eq!(sessions.signal(refresh, &key("k2"), at(60.0)), Signal::None);
    sessions.record(refresh, &key("k2"), at(60.0), None);
    sessions.forgive();
    assert_eq!(
        sessions.signal(refresh, &key("k2"), at(90.0)),
        possible_reject(60.0)
    );
}

#[test]
fn the_helpers_for_headers_are_no_client_of_their_own() {
    let headers = AcquireRequest {
        is_for_headers: true,
        ..REQUEST
    };
    let mut sessions = Sessions::default();
    sessions.record(REQUEST, &key("k"), at(0.0), None);
    for seconds in [0.1, 0.7, 1.2, 2.4, 4.8] {
        assert_eq!(
            sessions.signal(headers, &key("k"), at(seconds)),
            Signal::None
        );
        sessions.record(headers, &key("k"), at(seconds), None);
    }
    // The helper for the key itself has run once.
    assert_eq!(
        sessions.signal(REQUEST, &key("k"), at(9.0)),
        possible_reject(0.0)
    );
}

#[test]
fn the_run_before_a_jwt_expires_is_not_early() {
    let mut sessions = Sessions::default();
    sessions.record(REQUEST, &key("jwt"), at(0.0), Some(Duration::from_secs(28)));
    let signal = |seconds| sessions.signal(REQUEST, &key("jwt"), at(seconds));
    assert_eq!(signal(27.0), possible_reject(0.0));
    assert_eq!(signal(28.0), Signal::None);
    // The cache lifetime is the shorter one.
    sessions.record(
        REQUEST,
        &key("long"),
        at(0.0),
        Some(Duration::from_secs(3600)),
    );
    assert_eq!(
        sessions.signal(REQUEST, &key("long"), at(300.0)),
        Signal::None
    );
}

#[test]
fn a_session_is_refused_three_times_in_a_row_and_then_served() {
    let mut sessions = Sessions::default();
    sessions.record(REQUEST, &key("k"), at(0.0), None);
    for seconds in [9.4, 18.6, 35.0] {
        sessions.refuse(REQUEST, at(seconds));
        let is_refused = sessions.is_refused(REQUEST, &key("k"), at(seconds + 9.0));
        assert_eq!(is_refused, seconds < 35.0, "after {seconds} s");
        assert!(!sessions.is_refused(REQUEST, &key("k2"), at(seconds + 9.0)));
    }
    // The next prompt is no sign of a 401, and gets the key once more; the next 401 is enough.
    assert_eq!(sessions.signal(REQUEST, &key("k"), at(50.0)), Signal::None);
    sessions.record(REQUEST, &key("k"), at(50.0), None);
    assert!(is_retrying(&sessions.signal(REQUEST, &key("k"), at(51.1))));
    assert!(!sessions.is_refused(REQUEST, &key("k"), at(51.1)));
}

#[test]
fn a_session_that_gave_up_is_served_after_a_while() {
    let mut sessions = Sessions::default();
    sessions.record(REQUEST, &key("k"), at(0.0), None);
    sessions.refuse(REQUEST, at(9.4));
    assert!(sessions.is_refused(REQUEST, &key("k"), at(54.0)));
    assert!(!sessions.is_refused(REQUEST, &key("k"), at(54.5)));
}

#[test]
fn a_refusal_is_forgotten_when_the_key_works_again() {
    let mut sessions = Sessions::default();
    sessions.record(REQUEST, &key("k"), at(0.0), None);
    sessions.refuse(REQUEST, at(9.4));
    sessions.record(REQUEST, &key("k"), at(60.0), None);
    // A change of the settings, minutes later.
    let touched = sessions.signal(REQUEST, &key("k"), at(200.0));
    assert_eq!(touched, possible_reject(60.0));
    sessions.record(REQUEST, &key("k"), at(400.0), None);
    let touched = sessions.signal(REQUEST, &key("k"), at(401.0));
    assert_eq!(touched, possible_reject(400.0));
}

#[test]
fn the_number_of_sessions_is_bounded() {
    let mut sessions = Sessions::default();
    for pid in 0..5000 {
        let session = ClientSession { pid, started: 0 };
        sessions.record(of(session), &key("k"), at(f64::from(pid)), None);
    }
    assert_eq!(sessions.0.len(), MAX_SESSIONS);
    let latest = ClientSession {
        pid: 4999,
        started: 0,
    };
    assert_eq!(
        sessions.signal(of(latest), &key("k"), at(5000.0)),
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
