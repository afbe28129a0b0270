//! Gateways with a truth of their own for each key: what is a rejection, and what is not.

use super::*;

/// What LiteLLM answers a key that may only send messages.
fn not_this_route() -> Set {
    let message = "Virtual key is not allowed to call this route. Tried to call route: /v1/models";
    Set::error(403, "auth_error", message)
}

/// What real gateways answer a wrong key, other than 401.
fn refusals() -> Vec<Set> {
    let bifrost = serde_json::json!({
        "type": "virtual_key_not_found", "is_bifrost_error": true,
        "error": {"message": "virtual key not found"},
    });
    let databricks = serde_json::json!({"error_code": "403", "message": "Invalid Token"});
    vec![
        Set::error(400, "no_db_connection", "No connected db."),
        Set::error(500, "auth_error", "Authentication Error, unknown user"),
        Set::error(422, "invalid_credentials", "nope"),
        Set::json(403, &bifrost),
        Set::json(403, &databricks),
        Set::text(403, "RBAC: access denied"),
        Set::text(401, "Jwt verification fails"),
    ]
}

#[tokio::test]
async fn a_key_that_is_refused_as_a_wrong_one_is_rejected_on_a_route_that_accepted_it() {
    for answer in refusals() {
        let fixture = GatewayFixture::new(Probe::Models).await;
        fixture.set(Requests::WithWrongKey, answer.clone());
        let status = answer.status();
        let unproven = Inconclusive::Unproven { status };
        assert_eq!(fixture.reason(&bad()).await, unproven, "{answer:?}");
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
        assert_eq!(fixture.probe(&bad()).await, ProbeResult::Rejected);
        fixture.embedded.revoke(&good());
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Rejected);
        fixture.gateway.recalibrate();
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Rejected);
    }
}

#[tokio::test]
async fn a_route_that_begins_to_refuse_all_keys_rejects_none() {
    for answer in refusals().into_iter().filter(|of| of.status() != 401) {
        let fixture = GatewayFixture::new(Probe::Models).await;
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
        fixture.set(Requests::All, answer.clone());
        for _ in 0..3 {
            let result = fixture.probe(&good()).await;
            assert_ne!(result, ProbeResult::Rejected, "{answer:?}");
            fixture.clock.advance(CALIBRATION_TTL);
        }
        fixture.gateway.recalibrate();
        assert_ne!(fixture.probe(&good()).await, ProbeResult::Rejected);
    }
}

#[tokio::test]
async fn a_key_that_may_only_send_messages_is_known() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    fixture.set(Requests::with_key(&good()), not_this_route());
    assert_eq!(fixture.probe(&good()).await, ProbeResult::Known);
    // That confirms keys of its form as well.
    assert_eq!(fixture.probe(&bad()).await, ProbeResult::Rejected);
    fixture.embedded.clear_answers();
    fixture.embedded.revoke(&good());
    assert_eq!(fixture.probe(&good()).await, ProbeResult::Rejected);
}

#[tokio::test]
async fn a_new_key_on_a_route_that_begins_to_refuse_all_is_not_known() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
    fixture.set(Requests::All, not_this_route());
    fixture.clock.advance(CONTRAST_AGE);
    let unproven = Inconclusive::Unproven { status: 403 };
    assert_eq!(fixture.reason(&bad()).await, unproven);
}

#[tokio::test]
async fn a_key_that_loses_the_route_is_not_rejected() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
    fixture.set(Requests::with_key(&good()), not_this_route());
    assert_eq!(fixture.reason(&good()).await, Inconclusive::NotAllowed);
    for status in [404, 405, 501] {
        let answer = Set::error(status, "not_found_error", "x");
        fixture.set(Requests::with_key(&good()), answer);
        let no_route = Inconclusive::NoRoute { status };
        assert_eq!(fixture.reason(&good()).await, no_route);
    }
}

#[tokio::test]
async fn a_key_without_a_route_is_known_if_a_wrong_one_is_refused() {
    for status in [404, 405, 501] {
        for wrong in [400, 401, 403] {
            let fixture = GatewayFixture::new(Probe::Models).await;
            let refused = Set::error(wrong, "auth_error", "Invalid key");
            fixture.set(Requests::WithWrongKey, refused);
            let missing = Set::error(status, "not_found_error", "x");
            fixture.set(Requests::with_key(&good()), missing);
            let result = fixture.probe(&good()).await;
            assert_eq!(result, ProbeResult::Known, "{status} {wrong}");
        }
    }
}

#[tokio::test]
async fn a_gateway_that_refuses_what_it_does_not_route_rejects_no_key() {
    for (status, reason) in [
        (401, Inconclusive::Unproven { status: 401 }),
        (403, Inconclusive::Unproven { status: 403 }),
        (400, Inconclusive::Unproven { status: 400 }),
        (404, Inconclusive::NoRoute { status: 404 }),
        (405, Inconclusive::NoRoute { status: 405 }),
        (501, Inconclusive::NoRoute { status: 501 }),
    ] {
        let fixture = GatewayFixture::new(Probe::Models).await;
        let refused = Set::error(status, "forbidden", "no such route or key");
        fixture.set(Requests::All, refused);
        for _ in 0..3 {
            assert_eq!(fixture.reason(&good()).await, reason);
            fixture.clock.advance(CALIBRATION_TTL);
        }
    }
}

#[tokio::test]
async fn a_header_that_the_gateway_wants_makes_no_rejection() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    let header = || Requests::WithoutHeader("x-tenant".to_owned());
    let wanted = Set::error(403, "forbidden", "the header x-tenant is required");
    fixture.set(header(), wanted);
    let unproven = Inconclusive::Unproven { status: 403 };
    assert_eq!(fixture.reason(&good()).await, unproven);
    let url = fixture.embedded.url();
    let with_header = "headers = { x-tenant = 'eng' }";
    let with_header = gateway_with(&url, Probe::Models, with_header, &fixture.clock).unwrap();
    assert_eq!(with_header.probe(&good()).await, ProbeResult::Accepted);
}

#[tokio::test]
async fn another_403_than_that_of_a_wrong_key_is_not_about_the_key() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    let wrong = Set::error(403, "virtual_key_not_found", "virtual key not found");
    fixture.set(Requests::WithWrongKey, wrong);
    assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
    let cause = "refused in another way than a wrong key";
    for (answer, reason) in [
        (Set::error(403, "waf", "attack"), not_the_key(403, cause)),
        (
            Set::error(403, "guardrail_violation", "pii"),
            not_the_key(403, "blocked by a guardrail"),
        ),
        (
            Set::text(403, "denied"),
            Inconclusive::NotJson {
                status: 403,
                is_page: false,
            },
        ),
    ] {
        fixture.set(Requests::with_key(&good()), answer);
        assert_eq!(fixture.reason(&good()).await, reason);
    }
}

#[tokio::test]
async fn what_is_not_the_keys_fault_is_named() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
    for (status, error_type, message, cause) in [
        (
            400,
            "budget_exceeded",
            "ExceededBudget: over",
            "budget exceeded",
        ),
        (400, "invalid_request_error", "x-tenant?", "bad request"),
        (402, "", "", "budget exceeded"),
        (412, "", "", "budget exceeded"),
        (422, "", "billing is off", "billing problem"),
        (429, "", "", "too many requests"),
        (429, "insufficient_quota", "", "quota exceeded"),
        (446, "", "", "blocked by a guardrail"),
        (500, "", "", "internal error"),
        (
            500,
            "auth_error",
            "Authentication Error, x",
            "internal error",
        ),
        (502, "", "", "bad gateway"),
        (503, "", "", "service unavailable"),
        (507, "", "", "server error"),
        (529, "", "", "overloaded"),
    ] {
        let answer = Set::error(status, error_type, message);
        fixture.set(Requests::with_key(&good()), answer);
        assert_eq!(fixture.reason(&good()).await, not_the_key(status, cause));
    }
}

#[tokio::test]
async fn an_outage_of_one_route_with_the_text_of_a_wrong_key_rejects_no_key() {
    let fixture = GatewayFixture::new(Probe::Models).await;
    let oops = || Set::error(500, "api_error", "Internal Server Error");
    fixture.set(Requests::WithWrongKey, oops());
    assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
    fixture.set(Requests::All, oops());
    assert_eq!(
        fixture.reason(&good()).await,
        not_the_key(500, "internal error")
    );
}

/// LiteLLM, if the check of its administrator raises an exception.
#[tokio::test]
async fn a_500_that_says_nothing_rejects_a_key_if_both_routes_answer_it() {
    for oops in [
        Set::text(500, "Internal Server Error"),
        Set::error(500, "", "Oops"),
    ] {
        let fixture = GatewayFixture::new(Probe::Models).await;
        for route in [MODELS, COUNT_TOKENS] {
            fixture
                .embedded
                .set_answer(route, Requests::WithWrongKey, oops.clone());
        }
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
        let other = Calibration::Reliable(Rejection::Other);
        assert_eq!(fixture.gateway.calibration(), other, "{oops:?}");
        fixture.embedded.revoke(&good());
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Rejected);
        fixture.embedded.accept(good());
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
    }
}

#[tokio::test]
async fn a_revoked_key_beside_a_page_is_not_rejected() {
    for status in [401, 403, 400] {
        let fixture = GatewayFixture::new(Probe::Models).await;
        fixture.set(Requests::WithWrongKey, Set::page(status));
        assert_eq!(fixture.probe(&good()).await, ProbeResult::Accepted);
        fixture.embedded.revoke(&good());
        let page = Inconclusive::NotJson {
            status,
            is_page: true,
        };
        assert_eq!(fixture.reason(&good()).await, page);
    }
}
