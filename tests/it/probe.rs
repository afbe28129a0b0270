//! Gateways whose answers to a probe are not about the key: it is kept, and `status` names the
//! reason.

use claviger::demo::gateway::{Answer, Requests};
use serde_json::{Value, json};

use crate::support::{
    KEY,
    answers::secret,
    key_fixture::{KeyFixture, MODELS, advises},
    poll::SOON,
    until,
};

/// Runs the helper as a client does that meets a 401, or whose settings were touched; it must print
/// the key each time. Returns the profile after it.
async fn two_early_runs(fixture: &KeyFixture) -> Value {
    for _ in 0..2 {
        fixture.env.helper().await.printed(KEY);
    }
    let profile = fixture.status().await;
    assert_eq!(profile["state"], "ready", "{profile}");
    profile
}

/// Asserts that the last probe of `profile` proves nothing for this reason, which is advised on.
#[track_caller]
fn proves_nothing(profile: &Value, reason: &str, remedy: &str) {
    let probe = &profile["last_probe"];
    assert_eq!(probe["result"], "inconclusive", "{profile}");
    assert_eq!(probe["reason"], reason, "{profile}");
    assert!(advises(profile, reason), "{reason}: {profile}");
    assert!(advises(profile, remedy), "{remedy}: {profile}");
}

/// The gateway refuses whatever it does not route.
#[tokio::test]
async fn a_route_that_refuses_everything_costs_no_key() {
    for (answer, reason) in [
        (
            Answer::json(403, &json!({"message": "Forbidden"})),
            "status 403 on a route that has not accepted such a key yet",
        ),
        (
            Answer::text(403, "RBAC: access denied"),
            "status 403 on a route that has not accepted such a key yet",
        ),
        (
            Answer::error(401, "auth_error", "no key of this gateway"),
            "status 401 on a route that has not accepted such a key yet",
        ),
        (
            Answer::page(403),
            "web page instead of JSON (status 403; captive portal?)",
        ),
        (
            Answer::json(404, &json!({"detail": "Not Found"})),
            "the gateway lacks the probed route (404)",
        ),
    ] {
        let fixture = KeyFixture::start("off").await;
        fixture.gateway.set_answer(MODELS, Requests::All, answer);
        fixture.env.helper().await.printed(KEY);
        fixture.until_probed("inconclusive").await;
        for _ in 0..2 {
            let profile = two_early_runs(&fixture).await;
            proves_nothing(&profile, reason, "the probe proves nothing");
            fixture.env.claviger(&["refresh"]).await.succeeded();
            fixture.env.helper().await.printed(KEY);
        }
        let text = fixture.env.claviger(&["status"]).await;
        let words: Vec<_> = text.succeeded().split_whitespace().collect();
        assert!(words.join(" ").contains(reason), "{text:?}");
    }
}

#[tokio::test]
async fn a_gateway_that_wants_a_header_accepts_the_key_once_it_is_configured() {
    let fixture = KeyFixture::start("off").await;
    let requests = Requests::WithoutHeader("x-tenant".to_owned());
    let refused = Answer::json(403, &json!({"error": "missing tenant"}));
    fixture.gateway.set_answer(MODELS, requests, refused);
    fixture.env.helper().await.printed(KEY);
    fixture.until_probed("inconclusive").await;
    let profile = two_early_runs(&fixture).await;
    proves_nothing(
        &profile,
        "status 403 on a route that has not accepted such a key yet",
        "set 'headers'",
    );
    fixture.env.claviger(&["refresh"]).await.succeeded();
    two_early_runs(&fixture).await;

    fixture.add_to_profile("headers = { \"x-tenant\" = \"eng\" }");
    fixture.env.helper().await.printed(KEY);
    let profile = fixture.until_probed("accepted").await;
    assert_eq!(profile["calibration"], "reliable", "{profile}");
    assert_eq!(profile["advice"], json!([]), "{profile}");
}

/// A key that the gateway allows on the client's route alone, as LiteLLM's `allowed_routes` do.
#[tokio::test]
async fn a_key_that_is_not_allowed_on_the_probed_route_is_known() {
    let fixture = KeyFixture::start("off").await;
    let refused = Answer::error(403, "key_not_allowed", "not allowed to call /v1/models");
    let requests = Requests::with_key(&secret(KEY));
    fixture.gateway.set_answer(MODELS, requests, refused);
    fixture.env.helper().await.printed(KEY);
    fixture.until_probed("known").await;
    let profile = two_early_runs(&fixture).await;
    assert_eq!(profile["last_probe"]["result"], "known", "{profile}");
    assert!(advises(&profile, "does not allow it"), "{profile}");
    fixture.env.claviger(&["refresh"]).await.succeeded();
    fixture.env.helper().await.printed(KEY);

    // It is told apart from one that the gateway no longer knows.
    fixture.gateway.clear_answers();
    fixture.gateway.revoke(&secret(KEY));
    // The runs before have used up the burst of probes, so that the last result answers for 5 s.
    until("the key is rejected", SOON, async || {
        fixture.env.helper().await.code == Some(4)
    })
    .await;
    fixture.env.helper().await.failed(4, &["has rejected"]);
}

/// What is not the key's fault, with the reason and a part of the remedy.
fn other_faults() -> Vec<(Answer, &'static str, &'static str)> {
    let json = |status, text: &str| Answer::json(status, &json!({"error": {"message": text}}));
    vec![
        (json(402, "pay"), "budget exceeded (402)", "raise it"),
        (json(412, "spent"), "budget exceeded (412)", "raise it"),
        (
            json(429, "slow down"),
            "too many requests (429)",
            "nothing to do",
        ),
        (
            json(446, "no"),
            "blocked by a guardrail (446)",
            "exempt GET /v1/models",
        ),
        (
            Answer::error(
                400,
                "budget_exceeded",
                "Budget has been exceeded! Current cost: 1",
            ),
            "budget exceeded (400)",
            "raise it",
        ),
        (
            Answer::error(400, "insufficient_quota", "You exceeded your current quota"),
            "quota exceeded (400)",
            "raise it",
        ),
        (
            json(400, "Your credit balance is too low"),
            "billing problem (400)",
            "resolve it",
        ),
        (
            Answer::text(500, "boom"),
            "internal error (500)",
            "if it lasts",
        ),
        (json(502, "bad"), "bad gateway (502)", "if it lasts"),
        (
            Answer::text(503, ""),
            "service unavailable (503)",
            "if it lasts",
        ),
        (json(504, "late"), "gateway timed out (504)", "if it lasts"),
        (json(529, "busy"), "overloaded (529)", "if it lasts"),
        (
            Answer::page(200),
            "web page instead of JSON (status 200; captive portal?)",
            "in a browser",
        ),
        (
            Answer::page(401),
            "web page instead of JSON (status 401; captive portal?)",
            "in a browser",
        ),
    ]
}

/// Gives each of these answers to `requests`, with a refresh between them, and asserts that the key
/// is kept and the cause named.
async fn keep_the_key_for(fixture: &KeyFixture, requests: &Requests) {
    let mut unnamed = Vec::new();
    for (answer, reason, remedy) in other_faults() {
        fixture.gateway.set_answer(MODELS, requests.clone(), answer);
        fixture.env.claviger(&["refresh"]).await.succeeded();
        let profile = two_early_runs(fixture).await;
        let probe = &profile["last_probe"];
        let is_named = probe["result"] == "inconclusive"
            && probe["reason"] == reason
            && advises(&profile, reason)
            && advises(&profile, remedy);
        if !is_named {
            unnamed.push(format!("{reason}: {probe}, {}", profile["advice"]));
        }
    }
    assert!(unnamed.is_empty(), "{unnamed:#?}");
    // All of it is forgotten with the cause.
    fixture.gateway.clear_answers();
    fixture.env.claviger(&["refresh"]).await.succeeded();
    two_early_runs(fixture).await;
    fixture.until_probed("accepted").await;
}

#[tokio::test]
async fn what_is_not_an_accepted_keys_fault_costs_no_key_and_is_named() {
    let fixture = KeyFixture::start_proven("off").await;
    keep_the_key_for(&fixture, &Requests::with_key(&secret(KEY))).await;
}

/// The gateway answers every key so, and none is known to be good.
#[tokio::test]
async fn what_is_not_any_keys_fault_costs_no_key_and_is_named() {
    let fixture = KeyFixture::start("off").await;
    keep_the_key_for(&fixture, &Requests::All).await;
}

/// The same, once a key has been accepted.
#[tokio::test]
async fn what_is_no_keys_fault_any_more_costs_no_key_and_is_named() {
    let fixture = KeyFixture::start_proven("off").await;
    keep_the_key_for(&fixture, &Requests::All).await;
}
