//! The gateway that accepts the keys.

use std::{sync::Arc, time::Duration};

use claviger::demo::gateway::{Answer, Fault, Requests, TestGateway};
use http::StatusCode;
use serde_json::Value;

use super::family::{assert_found, found, found_with, serious};
use crate::support::{
    KEY, TestEnv, Upstream,
    answers::{MESSAGES, secret},
    gateway::ScriptedGateway as _,
    key_fixture::{KeyFixture, MODELS},
    litellm::{KeyCheck, LiteLlm},
    upstream::UpstreamReply,
};

/// A machine with [`KEY`], whose gateway is at `url`.
fn env(url: &str) -> TestEnv {
    let env = TestEnv::with_fixed_key();
    let table = "[profile.default]\n";
    let line = format!("{table}gateway = \"{url}\"\n");
    env.edit_config(|config| config.replace(table, &line));
    env
}

/// A gateway that accepts [`KEY`], and a machine.
async fn start() -> (TestGateway, TestEnv) {
    let gateway = TestGateway::start([secret(KEY)]).await.unwrap();
    let env = env(&gateway.url());
    (gateway, env)
}

#[tokio::test]
async fn vault_and_a_gateway_that_are_right_have_no_finding() {
    let fixture = KeyFixture::start_proven("30s").await;
    for family in ["network", "source", "gateway"] {
        let findings = found(&fixture.env, family).await;
        assert_eq!(findings, [] as [Value; 0]);
    }
}

#[tokio::test]
async fn litellm_that_is_right_has_no_finding_above_a_note() {
    for check in [KeyCheck::Custom, KeyCheck::MessagesOnly] {
        let gateway = LiteLlm::start(check, &[KEY]).await;
        let env = env(&gateway.url());
        for family in ["network", "source", "gateway"] {
            let findings = found(&env, family).await;
            assert_eq!(serious(&findings), [""; 0], "{findings:#?}");
        }
        gateway.set_keys(&[]);
        let findings = found(&env, "gateway").await;
        assert_found(&findings, "gateway.key-rejected", &["401"]);
    }
}

#[tokio::test]
async fn what_a_message_meets_is_told_apart() {
    let (gateway, env) = start().await;
    let error = |status| Answer::error(status, "an_error", "a reason");
    for (answer, id, part) in [
        (error(401), "gateway.key-rejected", "a reason"),
        (error(403), "gateway.messages-forbidden", "a reason"),
        (Answer::page(403), "gateway.waf", "web page"),
        (
            Answer::error(404, "not_found_error", "model: claude-x"),
            "gateway.model",
            "claude-sonnet-4-5",
        ),
        (error(402), "gateway.budget", "402"),
        (
            Answer::error(400, "budget_exceeded", "Budget has been exceeded"),
            "gateway.budget",
            "400",
        ),
        (error(429), "gateway.rate-limit", "429"),
        (error(500), "gateway.outage", "500"),
        (error(400), "gateway.request-refused", "a reason"),
        (Answer::page(200), "gateway.web-page", "200"),
    ] {
        gateway.set_answer(MESSAGES, Requests::All, answer);
        assert_found(&found(&env, "gateway").await, id, &[part]);
    }
    gateway.clear_answers();
    assert_eq!(found(&env, "gateway").await, [] as [Value; 0]);
}

/// Answers as a model does whose stream is held back by a proxy until it is complete.
fn held_back(request: &str) -> String {
    let (status, kind, body) = if request.starts_with("GET ") {
        let models = r#"{"data":[{"id":"claude-a"}]}"#;
        ("200 OK", "application/json", models.to_owned())
    } else if !request.contains("\"messages\"") {
        let error = r#"{"error":{"type":"invalid_request_error","message":"no messages"}}"#;
        ("400 Bad Request", "application/json", error.to_owned())
    } else if request.contains("\"stream\":true") {
        // The time in which the model writes.
        std::thread::sleep(Duration::from_millis(1300));
        let event = "event: content_block_delta\ndata: {}\n\n";
        ("200 OK", "text/event-stream", event.repeat(20))
    } else {
        ("200 OK", "application/json", "{}".to_owned())
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
         request-id: req_1\r\nconnection: close\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_stream_that_is_held_back_is_reported() {
    let gateway = Upstream::start(UpstreamReply::Answer(Arc::new(held_back))).await;
    let findings = found(&env(&gateway.url()), "gateway").await;
    assert_found(&findings, "gateway.buffered", &["proxy_buffering off"]);
}

#[tokio::test]
async fn a_redirect_is_fatal_and_its_query_is_not_shown() {
    let (gateway, env) = start().await;
    let to = "https://sso.test/login?session=canary-session-1";
    env.add_secret("canary-session-1");
    gateway.set_fault(MESSAGES, Fault::Redirect(to.to_owned()));
    let findings = found(&env, "gateway").await;
    assert_found(
        &findings,
        "gateway.redirects",
        &["'https://sso.test/login'"],
    );
}

#[tokio::test]
async fn a_path_that_is_wrong_is_corrected() {
    let (gateway, _) = start().await;
    for end in ["/v1", "/v1/messages"] {
        let env = env(&format!("{}{end}", gateway.url()));
        let remedy = format!("to '{}'", gateway.url());
        assert_found(
            &found(&env, "gateway").await,
            "gateway.wrong-path",
            &[&remedy],
        );
    }
}

#[tokio::test]
async fn a_gateway_that_repeats_the_key_does_not_make_doctor_repeat_it() {
    let (gateway, env) = start().await;
    gateway.set_fault(MESSAGES, Fault::Echo(StatusCode::UNAUTHORIZED));
    let findings = found(&env, "gateway").await;
    assert_found(&findings, "gateway.key-rejected", &["(omitted"]);
}

#[tokio::test]
async fn routes_that_are_missing_are_notes() {
    let (gateway, env) = start().await;
    gateway.set_fault(MODELS, Fault::Status(StatusCode::NOT_FOUND));
    let path = "/v1/messages/count_tokens";
    gateway.set_fault(path, Fault::Status(StatusCode::NOT_FOUND));
    let findings = found(&env, "gateway").await;
    assert_eq!(serious(&findings), [""; 0]);
    let ids: Vec<_> = findings.iter().map(|found| &found["id"]).collect();
    assert_eq!(ids, ["gateway.no-models", "gateway.no-count-tokens"]);
}

#[tokio::test]
async fn no_message_is_sent_if_none_may_be() {
    let (gateway, env) = start().await;
    let findings = found_with(&env, "gateway", &["--no-message"]).await;
    assert_eq!(findings, [] as [Value; 0]);
    assert_eq!(gateway.count(MESSAGES, 200), 0);
    gateway.set_keys([]);
    let findings = found_with(&env, "gateway", &["--no-message"]).await;
    assert_found(&findings, "gateway.key-rejected", &[]);
    found(&env, "gateway").await;
    gateway.set_keys([secret(KEY)]);
    found(&env, "gateway").await;
    assert_eq!(gateway.count(MESSAGES, 200), 2);
}
