//! Advice for a probe that cannot tell whether the gateway accepts the key.

use std::time::Duration;

use super::*;
use crate::network::{ProxyError, ProxyFailure, ProxyOrigin, SetupError, TlsError};

/// Each reason why a probe proves nothing, with a part of its remedy, and whether only an
/// administrator can do that if the configuration is the managed one.
fn reasons() -> Vec<(Inconclusive, &'static str, bool)> {
    let not_the_key = |status, cause: &str| Inconclusive::NotTheKey {
        status,
        cause: cause.to_owned(),
    };
    let proxy = |origin| {
        Inconclusive::NoResponse(TransportError::Proxy(ProxyFailure {
            name: "proxy.corp:3128".to_owned(),
            origin,
            error: ProxyError::Refused,
        }))
    };
    let tls = |error| Inconclusive::NoResponse(TransportError::Tls(error));
    let setup = |is_of_client| {
        Inconclusive::NotSent(SetupError {
            reason: "the file '/x' does not exist".to_owned(),
            hint: "create '/x'".to_owned(),
            is_of_client,
        })
    };
    let network = "check the network connection";
    let budget = "administrator to raise it";
    let browser = "open 'https://gateway.test/llm' in a browser";
    vec![
        (setup(false), "create '/x'", true),
        (setup(true), "create '/x'", false),
        (
            Inconclusive::NoResponse(TransportError::Refused),
            "check the address",
            true,
        ),
        (
            Inconclusive::NoResponse(TransportError::TimedOut(Duration::from_secs(2))),
            network,
            false,
        ),
        (
            Inconclusive::NoResponse(TransportError::Unresolved),
            "check the host name",
            false,
        ),
        (
            Inconclusive::NoResponse(TransportError::Interrupted("reset".to_owned())),
            network,
            false,
        ),
        (
            proxy(ProxyOrigin::Configuration),
            "'proxy' and 'no_proxy'",
            true,
        ),
        (proxy(ProxyOrigin::Environment), "HTTPS_PROXY", false),
        (tls(TlsError::UntrustedIssuer), "set 'ca_file'", true),
        (tls(TlsError::Expired), "clock", false),
        (
            tls(TlsError::ClientCertificateRequired),
            "set 'cert_file' and 'key_file' in the profile",
            true,
        ),
        (
            Inconclusive::AcceptsAnyKey,
            "set 'probe' to 'count-tokens' or 'off'",
            true,
        ),
        (
            Inconclusive::Unproven { status: 401 },
            "set 'headers'",
            true,
        ),
        (
            Inconclusive::Unproven { status: 403 },
            "or set 'probe' to 'count-tokens'",
            true,
        ),
        (
            Inconclusive::NotAllowed,
            "allow the key GET /v1/models, or set 'probe'",
            true,
        ),
        (
            Inconclusive::NoRoute { status: 404 },
            "set 'probe' to 'count-tokens' or 'off'",
            true,
        ),
        (
            Inconclusive::NoRoute { status: 501 },
            "set 'probe' to 'count-tokens' or 'off'",
            true,
        ),
        (
            Inconclusive::NotJson {
                status: 200,
                is_page: true,
            },
            browser,
            false,
        ),
        (
            Inconclusive::NotJson {
                status: 200,
                is_page: false,
            },
            "set 'gateway'",
            true,
        ),
        (not_the_key(402, "budget exceeded"), budget, true),
        (not_the_key(412, "budget exceeded"), budget, true),
        (not_the_key(400, "budget exceeded"), budget, true),
        (not_the_key(429, "quota exceeded"), budget, true),
        (
            not_the_key(422, "billing problem"),
            "administrator to resolve it",
            true,
        ),
        (
            not_the_key(429, "too many requests"),
            "nothing to do",
            false,
        ),
        (
            not_the_key(446, "blocked"),
            "exempt GET /v1/models from it",
            true,
        ),
        (
            not_the_key(403, "blocked by a guardrail"),
            "exempt GET /v1/models from it",
            true,
        ),
        (
            not_the_key(403, "refused in another way than a wrong key"),
            "allow the key GET /v1/models, or set 'probe'",
            true,
        ),
        (
            not_the_key(408, "request timed out"),
            "on this machine",
            false,
        ),
        (
            not_the_key(500, "internal error"),
            "nothing to do on this machine",
            false,
        ),
        (
            not_the_key(511, "the network requires a login"),
            browser,
            false,
        ),
        (
            not_the_key(529, "overloaded"),
            "nothing to do on this machine",
            false,
        ),
        (
            not_the_key(302, "redirects"),
            "set 'gateway' to the address",
            true,
        ),
        (not_the_key(400, "bad request"), "set 'headers'", true),
        (
            not_the_key(404, "model not available"),
            "or set 'probe' to",
            true,
        ),
    ]
}

#[test]
fn every_reason_why_a_probe_proves_nothing_has_its_remedy() {
    for (reason, remedy, is_for_administrator) in reasons() {
        let snapshot = probed(ProbeResult::Inconclusive(reason.clone()));
        let [own] = &advice(&snapshot, RELIABLE)[..] else {
            panic!("{reason:?}");
        };
        assert!(own.starts_with("the probe proves nothing: "), "{own}");
        assert!(own.contains(&reason.to_string()), "{own}");
        let (_, of_own) = own.split_once(&reason.to_string()).unwrap();
        assert!(of_own.contains(remedy), "{own}");

        let managed = advice_for(GATEWAY, &snapshot, RELIABLE, Some("ask your administrator"));
        let end = "; ask your administrator";
        assert_eq!(
            managed[0].ends_with(end),
            is_for_administrator,
            "{managed:?}"
        );
        assert!(managed[0].contains(&reason.to_string()), "{managed:?}");
    }
}

#[test]
fn the_remedy_names_the_other_route() {
    let profile = format!("{GATEWAY}\nprobe = 'count-tokens'");
    for (reason, expected) in [
        (
            Inconclusive::AcceptsAnyKey,
            "set 'probe' to 'models' or 'off'",
        ),
        (
            Inconclusive::NotAllowed,
            "allow the key POST /v1/messages/count_tokens, or set 'probe' to 'models'",
        ),
    ] {
        let snapshot = probed(ProbeResult::Inconclusive(reason));
        let advice = advice_for(&profile, &snapshot, RELIABLE, None);
        assert!(advice[0].contains(expected), "{advice:?}");
    }
}

#[test]
fn a_cause_that_passes_is_forgotten_and_one_that_stays_is_not() {
    for (reason, ..) in reasons() {
        let mut snapshot = probed(ProbeResult::Inconclusive(reason.clone()));
        snapshot.last_probe.as_mut().unwrap().at = hours(-1);
        let passes = match &reason {
            Inconclusive::NoResponse(error) => {
                !matches!(error, TransportError::Tls(_) | TransportError::Proxy(_))
            }
            Inconclusive::NotTheKey { status, .. } => matches!(status, 408 | 429 | 500..),
            _ => false,
        };
        assert_eq!(advice(&snapshot, RELIABLE).is_empty(), passes, "{reason:?}");
    }
}

#[test]
fn an_uncalibrated_gateway_is_advised_until_it_is_calibrated() {
    let snapshot = probed(ProbeResult::Inconclusive(Inconclusive::Uncalibrated));
    let unknown = advice(&snapshot, Some(Calibration::Unknown));
    assert!(
        unknown[0].contains("has not rejected a wrong key yet; nothing to do"),
        "{unknown:?}"
    );
    assert_eq!(advice(&snapshot, RELIABLE), [""; 0]);
}

#[test]
fn a_calibration_speaks_for_keys_that_were_not_probed() {
    for (calibration, problem) in [
        (
            Calibration::AcceptsAnyKey,
            "the gateway accepts any key on the probed route",
        ),
        (Calibration::NoRoute, "the gateway lacks the probed route"),
    ] {
        for snapshot in [snapshot(), probed(ProbeResult::Accepted)] {
            assert_eq!(
                advice(&snapshot, Some(calibration)),
                [format!(
                    "the probe proves nothing: {problem}; set 'probe' to 'count-tokens' or 'off'"
                )]
            );
        }
    }
    // The reason of the probe itself says more.
    let reason = Inconclusive::NoRoute { status: 405 };
    let snapshot = probed(ProbeResult::Inconclusive(reason));
    let advice = advice(&snapshot, Some(Calibration::NoRoute));
    assert!(advice[0].contains("(405)"), "{advice:?}");
}

#[test]
fn a_probe_that_tells_needs_no_advice() {
    for result in [ProbeResult::Accepted, ProbeResult::Rejected] {
        assert_eq!(advice(&probed(result), RELIABLE), [""; 0]);
    }
    assert_eq!(advice(&snapshot(), Some(Calibration::Unknown)), [""; 0]);
}

#[test]
fn a_known_key_that_is_not_allowed_on_the_probed_route_is_advised() {
    assert_eq!(
        advice(&probed(ProbeResult::Known), RELIABLE),
        [
            "the gateway knows the key, but does not allow it on the probed route (403): ask the \
             gateway's administrator to allow the key GET /v1/models, or set 'probe' to 'count-tokens' \
             or 'off'"
        ]
    );
}

#[test]
fn a_profile_whose_keys_are_not_probed_is_advised_while_it_has_one() {
    let off = format!("{GATEWAY}\nprobe = 'off'");
    let only_permitted = "gateways = ['https://gateway.test']";
    for (profile, problem, remedy) in [
        ("", "the profile has no gateway to probe", "set 'gateway'"),
        (
            only_permitted,
            "the profile has no gateway to probe",
            "set 'gateway'",
        ),
        (
            &off,
            "the probe is off",
            "set 'probe' to 'models' or 'count-tokens'",
        ),
    ] {
        let advice = advice_for(profile, &snapshot(), None, None);
        assert_eq!(advice.len(), 1, "{advice:?}");
        assert!(
            advice[0].starts_with(problem) && advice[0].contains(remedy),
            "{advice:?}"
        );
        let managed = advice_for(profile, &snapshot(), None, Some("ask your administrator"));
        assert!(
            managed[0].ends_with(": ask your administrator"),
            "{managed:?}"
        );
        let without_key = Snapshot {
            credential: None,
            ..snapshot()
        };
        assert_eq!(advice_for(profile, &without_key, None, None), [""; 0]);
    }
}
