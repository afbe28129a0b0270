//! LiteLLM's answers to a right key, a wrong one and none: what the daemon's probe must tell apart,
//! and what the client gets.

use claviger::clock::{Clock as _, SystemClock};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::{
    answers::MESSAGES,
    gateway::ScriptedGateway as _,
    jwt::SigningKey,
    litellm::{KeyCheck, LiteLlm},
};

const RIGHT: &str = "sk-canary-litellm-5f3a9c";
const WRONG: &str = "sk-canary-litellm-000000";

const MODELS: &str = "/v1/models";
const COUNT_TOKENS: &str = "/v1/messages/count_tokens";

/// An answer: its status, and its body if that is JSON.
type Answer = (u16, Option<Value>);

/// Asks for `path` as Claude Code does, with the key in both headers.
async fn ask(gateway: &LiteLlm, path: &str, key: Option<&str>) -> Answer {
    let method = if path == MODELS {
        Method::GET
    } else {
        Method::POST
    };
    let client = Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method.clone(), format!("{}{path}", gateway.url()));
    if let Some(key) = key {
        request = request.bearer_auth(key).header("x-api-key", key);
    }
    if method == Method::POST {
        let mut body = json!({
            "model": "claude-sonnet-4-5",
            "messages": [{ "role": "user", "content": "a prompt" }],
        });
        if path == MESSAGES {
            body["max_tokens"] = json!(16);
        }
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let is_json = response.headers()["content-type"] == "application/json";
    let body = response.text().await.unwrap();
    let body: Option<Value> = serde_json::from_str(&body).ok();
    assert_eq!(body.is_some(), is_json, "{path} {key:?}");
    (status, body)
}

/// Asserts that the answer to `key` is the same on all routes.
async fn assert_everywhere(gateway: &LiteLlm, key: Option<&str>, expected: &Answer) {
    for path in [MODELS, MESSAGES, COUNT_TOKENS] {
        let answer = ask(gateway, path, key).await;
        assert_eq!(answer, *expected, "{path} with {key:?}");
    }
}

/// Asserts that all routes accept `key`.
async fn assert_accepted(gateway: &LiteLlm, key: &str) {
    for path in [MODELS, MESSAGES, COUNT_TOKENS] {
        let (status, body) = ask(gateway, path, Some(key)).await;
        assert_eq!(status, 200, "{path}: {body:?}");
    }
}

/// An answer in LiteLLM's own form.
fn refusal(status: u16, message: &str, kind: &str, param: Value) -> Answer {
    let code = status.to_string();
    let error = json!({ "message": message, "type": kind, "param": param, "code": code });
    (status, Some(json!({ "error": error })))
}

fn invalid(status: u16) -> Answer {
    let message = "Authentication Error, Invalid proxy server token passed";
    refusal(status, message, "auth_error", json!("key"))
}

#[tokio::test]
async fn a_custom_check_refuses_with_its_own_status() {
    for (check, status) in [(KeyCheck::Custom, 401), (KeyCheck::Forbidden, 403)] {
        let gateway = LiteLlm::start(check, &[RIGHT]).await;
        assert_accepted(&gateway, RIGHT).await;
        assert_everywhere(&gateway, Some(WRONG), &invalid(status)).await;
        assert_everywhere(&gateway, None, &invalid(status)).await;

        gateway.revoke(RIGHT);
        assert_everywhere(&gateway, Some(RIGHT), &invalid(status)).await;
        gateway.accept(RIGHT);
        assert_accepted(&gateway, RIGHT).await;
        assert_eq!(gateway.count(MODELS, status), 3, "{check:?}");
        assert_eq!(gateway.count(MESSAGES, 200), 2, "{check:?}");
    }
}

#[tokio::test]
async fn a_key_for_messages_only_is_forbidden_to_list_models() {
    let gateway = LiteLlm::start(KeyCheck::MessagesOnly, &[RIGHT]).await;
    for (path, status) in [(MESSAGES, 200), (COUNT_TOKENS, 200), (MODELS, 403)] {
        let (answered, body) = ask(&gateway, path, Some(RIGHT)).await;
        assert_eq!(answered, status, "{path}: {body:?}");
    }
    let (_, body) = ask(&gateway, MODELS, Some(RIGHT)).await;
    let detail = "Virtual key is not allowed to call this route. Only allowed to call routes: \
                  ['anthropic_routes']. Tried to call route: /v1/models";
    assert_eq!(body, Some(json!({ "detail": detail })));
    assert_everywhere(&gateway, Some(WRONG), &invalid(401)).await;
    assert_everywhere(&gateway, None, &invalid(401)).await;
}

/// A package of LiteLLM without Prisma fails to handle the exception. With it, the answer is 401.
#[tokio::test]
async fn a_check_that_raises_another_exception_is_a_500_without_json() {
    let gateway = LiteLlm::start(KeyCheck::Exception, &[RIGHT]).await;
    assert_accepted(&gateway, RIGHT).await;
    assert_everywhere(&gateway, Some(WRONG), &(500, None)).await;
    assert_everywhere(&gateway, None, &(500, None)).await;
}

#[tokio::test]
async fn without_a_database_a_wrong_key_is_a_400() {
    let gateway = LiteLlm::start(KeyCheck::NoDatabase, &[RIGHT]).await;
    assert_accepted(&gateway, RIGHT).await;
    let no_database = refusal(400, "No connected db.", "no_db_connection", Value::Null);
    for wrong in [WRONG, "not-of-litellm's-form"] {
        assert_everywhere(&gateway, Some(wrong), &no_database).await;
    }
    assert_everywhere(&gateway, None, &(500, None)).await;
    gateway.revoke(RIGHT);
    assert_everywhere(&gateway, Some(RIGHT), &no_database).await;
}

#[tokio::test]
async fn a_check_of_jwts_names_the_reason() {
    let (key, other_key) = (SigningKey::new(), SigningKey::new());
    let gateway = LiteLlm::start(KeyCheck::Jwt, &[&key.public_pem()]).await;
    let now = SystemClock.now().wall.as_second();
    let claims = |expires_in: i64| json!({ "sub": "ana", "exp": now + expires_in });
    let current = key.sign(&claims(60));
    assert_accepted(&gateway, &current).await;
    for (token, reason) in [
        (key.sign(&claims(-60)), "Signature has expired"),
        (other_key.sign(&claims(60)), "Signature verification failed"),
        (WRONG.to_owned(), "Not enough segments"),
    ] {
        let message = format!("Authentication Error, {reason}");
        let expected = refusal(401, &message, "auth_error", json!("key"));
        assert_everywhere(&gateway, Some(&token), &expected).await;
    }
    gateway.set_keys(&[&other_key.public_pem()]);
    let (status, _) = ask(&gateway, MODELS, Some(&current)).await;
    assert_eq!(status, 401);
}
