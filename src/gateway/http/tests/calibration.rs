//! When a wrong key is sent, and what its answer is worth.

use super::*;

#[tokio::test]
async fn the_gateway_is_calibrated_once_a_day() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.probe(&good()).await;
    assert_eq!(
        fixture.request_count(),
        2,
        "an invalid key, then the good one"
    );
    fixture.probe(&good()).await;
    assert_eq!(fixture.request_count(), 3);
    fixture.clock.advance(CALIBRATION_TTL);
    fixture.probe(&good()).await;
    assert_eq!(fixture.request_count(), 5);
}

#[tokio::test]
async fn each_form_of_key_is_calibrated() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    let keys = ["sk-good", "sk-ant-1", "plain", "e30.e30.e30"];
    for (at, key) in keys.into_iter().enumerate() {
        fixture.probe(&Secret::new(key.to_owned())).await;
        fixture.probe(&Secret::new(format!("{key}2"))).await;
        // The last two have the same form.
        assert_eq!(fixture.request_count(), 2 * (at + 1) + (at + 1).min(3));
    }
}

#[tokio::test]
async fn two_concurrent_probes_calibrate_once() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    let (key, other) = (good(), Secret::new("sk-other".to_owned()));
    fixture.embedded.accept(other.clone());
    let results = tokio::join!(fixture.probe(&key), fixture.probe(&other));
    assert_eq!(results, (ProbeResult::Accepted, ProbeResult::Accepted));
    assert_eq!(fixture.request_count(), 3);
}

#[tokio::test]
async fn a_gateway_that_accepts_any_key_proves_nothing() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.embedded.set_fault(MODELS, Fault::Unchecked);
    assert_eq!(fixture.reason(&good()).await, Inconclusive::AcceptsAnyKey);
    assert_eq!(fixture.gateway.calibration(), Calibration::AcceptsAnyKey);
    fixture.probe(&good()).await;
    assert_eq!(
        fixture.request_count(),
        1,
        "it is not probed again that day"
    );
}

#[tokio::test]
async fn a_gateway_that_was_down_is_calibrated_again_soon() {
    for fault in [
        Fault::Status(StatusCode::BAD_GATEWAY),
        Fault::RetryAfter(30),
        Fault::Html,
        Fault::Redirect("https://sso.example.com/".to_owned()),
    ] {
        let fixture = GatewayFixture::new(Probe::Models).await;
        fixture.embedded.set_fault(MODELS, fault);
        fixture.reason(&good()).await;
        assert_eq!(fixture.gateway.calibration(), Calibration::Unknown);
        fixture.embedded.clear_faults();
        assert_eq!(fixture.reason(&good()).await, Inconclusive::Uncalibrated);
        // A key that is accepted is worth another wrong one before the minute is over.
        fixture.clock.advance(CONTRAST_AGE);
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
        let rejection = Calibration::Reliable(Rejection::Unauthorized);
        assert_eq!(fixture.gateway.calibration(), rejection);
    }
}

#[tokio::test]
async fn a_route_that_opens_during_a_calibrated_day_is_noticed_by_the_first_success() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    assert!(matches!(
        fixture.reason(&bad()).await,
        Inconclusive::Unproven { status: 401 }
    ));
    fixture.clock.advance(CONTRAST_AGE);
    fixture.embedded.set_fault(MODELS, Fault::Unchecked);
    assert_eq!(fixture.reason(&bad()).await, Inconclusive::AcceptsAnyKey);
}

#[tokio::test]
async fn an_error_that_passes_is_no_refusal_of_the_wrong_key() {
    for passing in [Set::error(500, "", "Oops"), Set::page(403)] {
        let fixture = GatewayFixture::new(Probe::Models).await;
        fixture.set(Requests::All, passing);
        fixture.reason(&good()).await;
        // Now the gateway is back, and accepts any key.
        fixture.embedded.clear_answers();
        fixture.embedded.set_fault(MODELS, Fault::Unchecked);
        assert_eq!(fixture.reason(&good()).await, Inconclusive::AcceptsAnyKey);
    }
}

#[tokio::test]
async fn a_calibration_that_cannot_be_repeated_stays_in_force() {
    for status in [429, 503] {
        let fixture = GatewayFixture::new(Probe::Models).await;
        fixture.probe(&bad()).await;
        fixture.clock.advance(CONTRAST_AGE);
        let busy = Set::error(status, "", "");
        fixture.set(Requests::WithWrongKey, busy);
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
        // But that was not in contrast to it.
        fixture.embedded.clear_answers();
        let unproven = Inconclusive::Unproven { status: 401 };
        assert_eq!(fixture.reason(&bad()).await, unproven);
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
        assert_eq!(fixture.probe(&bad()).await, ProbeResult::Rejected);
    }
}

#[tokio::test]
async fn the_way_of_rejecting_is_the_status_of_the_wrong_key() {
    let auth = |status| Set::error(status, "auth_error", "Authentication Error, no such key");
    for (answer, calibration) in [
        (auth(401), Calibration::Reliable(Rejection::Unauthorized)),
        (auth(403), Calibration::Reliable(Rejection::Forbidden)),
        (auth(400), Calibration::Reliable(Rejection::Other)),
        (auth(418), Calibration::Reliable(Rejection::Other)),
        (auth(500), Calibration::Reliable(Rejection::Other)),
        (
            Set::text(401, "who?"),
            Calibration::Reliable(Rejection::Unauthorized),
        ),
        (auth(404), Calibration::NoRoute),
        (Set::page(404), Calibration::NoRoute),
        (auth(405), Calibration::NoRoute),
        (auth(501), Calibration::NoRoute),
        (Set::page(401), Calibration::Unknown),
        (Set::page(403), Calibration::Unknown),
        (auth(503), Calibration::Unknown),
        (auth(429), Calibration::Unknown),
        (
            Set::error(500, "", "Oops"),
            Calibration::Reliable(Rejection::Other),
        ),
        (
            Set::error(500, "auth_error", "Connection refused"),
            Calibration::Reliable(Rejection::Other),
        ),
    ] {
        let fixture = GatewayFixture::new(Probe::Models).await;
        fixture.set(Requests::WithWrongKey, answer.clone());
        // Even if it is no proof of a rejection, the key is accepted in contrast to it.
        let is_unanswered = matches!(answer.status(), 429 | 503);
        let result = fixture.probe(&good()).await;
        match is_unanswered {
            true => assert_eq!(
                result,
                ProbeResult::Inconclusive(Inconclusive::Uncalibrated),
                "{answer:?}"
            ),
            false => assert_eq!(result, ProbeResult::Accepted, "{answer:?}"),
        }
        assert_eq!(fixture.gateway.calibration(), calibration, "{answer:?}");
    }
}

#[tokio::test]
async fn a_refresh_forgets_all_but_the_keys_that_the_gateway_accepted() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.probe(&good()).await;
    assert_eq!(fixture.probe(&bad()).await, ProbeResult::Rejected);
    fixture.gateway.recalibrate();
    assert_eq!(fixture.gateway.calibration(), Calibration::Unknown);
    let unproven = Inconclusive::Unproven { status: 401 };
    assert_eq!(fixture.reason(&bad()).await, unproven);
    assert_eq!(fixture.request_count(), 5, "it calibrates again");
    fixture.embedded.revoke(&good());
    assert_eq!(fixture.probe(&good()).await, ProbeResult::Rejected);
}
