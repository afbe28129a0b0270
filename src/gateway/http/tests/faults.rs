//! Gateways that do not answer, or not as an API does.

use super::*;
use crate::network::TransportError;

/// The reason why a probe with a good key is inconclusive if `/v1/models` has this fault, which
/// began after the calibration.
async fn reason(fault: Fault) -> Inconclusive {
    let fixture = GatewayFixture::new(Probe::Models).await;
    assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
    fixture.embedded.set_fault(MODELS, fault);
    fixture.reason(&good()).await
}

#[tokio::test]
async fn a_captive_portal_is_inconclusive() {
    let page = Inconclusive::NotJson {
        status: 200,
        is_page: true,
    };
    assert_eq!(reason(Fault::Html).await, page);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Embedded::start([good()]).await.unwrap();
    let fault = Fault::Redirect(format!("{}{MODELS}", other.url()));
    assert_eq!(reason(fault).await, not_the_key(302, "redirects"));
    assert_eq!(other.requests(), []);
}

#[tokio::test]
async fn an_endless_body_is_not_read_to_its_end() {
    let clock = crate::clock::SystemClock;
    for status in [400, 403, 429, 500] {
        let before = clock.now().tick;
        let fault = Fault::Endless(StatusCode::from_u16(status).unwrap());
        let reason = reason(fault).await;
        assert!(!matches!(reason, Inconclusive::NoResponse(_)), "{reason}");
        assert!(clock.now().tick.since(before) < TIMEOUT);
    }
}

#[tokio::test]
async fn a_success_and_a_401_are_believed_without_their_bodies() {
    let clock = crate::clock::SystemClock;
    for body in [Fault::Endless, Fault::Unfinished] {
        let before = clock.now().tick;
        let fixture = GatewayFixture::new(Probe::Models).await;
        fixture.probe(&good()).await;
        fixture.embedded.set_fault(MODELS, body(StatusCode::OK));
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
        let unauthorized = body(StatusCode::UNAUTHORIZED);
        fixture.embedded.set_fault(MODELS, unauthorized);
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Rejected);
        assert!(clock.now().tick.since(before) < TIMEOUT);
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_unread_within_the_time_limit() {
    let clock = crate::clock::SystemClock;
    let before = clock.now().tick;
    let fault = Fault::Unfinished(StatusCode::BAD_REQUEST);
    assert_eq!(reason(fault).await, not_the_key(400, "bad request"));
    assert!(clock.now().tick.since(before) < TIMEOUT + TIMEOUT / 2);
}

#[tokio::test]
async fn the_response_body_is_not_repeated() {
    for status in [400, 401, 403, 422, 500] {
        let fixture = GatewayFixture::new(Probe::Models).await;
        fixture.probe(&good()).await;
        let fault = Fault::Echo(StatusCode::from_u16(status).unwrap());
        fixture.embedded.set_fault(MODELS, fault);
        let result = fixture.probe(&good()).await;
        assert!(!format!("{result:?}").contains(good().expose()));
    }
}

#[tokio::test]
async fn a_gateway_that_never_answers_times_out() {
    let timed_out = Inconclusive::NoResponse(TransportError::TimedOut(TIMEOUT));
    assert_eq!(reason(Fault::Stall).await, timed_out);
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_a_wrong_key_is_not_asked_again() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.embedded.set_fault(MODELS, Fault::Stall);
    let timed_out = Inconclusive::NoResponse(TransportError::TimedOut(TIMEOUT));
    assert_eq!(fixture.reason(&good()).await, timed_out);
    assert_eq!(fixture.request_count(), 1, "a client waits for the result");
}

#[tokio::test]
async fn a_gateway_that_is_down_is_inconclusive() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.probe(&good()).await;
    let GatewayFixture {
        embedded, gateway, ..
    } = fixture;
    embedded.stop().await;
    assert_eq!(
        gateway.probe(&good()).await,
        ProbeResult::Inconclusive(Inconclusive::NoResponse(TransportError::Refused))
    );
}
