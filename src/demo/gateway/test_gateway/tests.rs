//! The gateway from a client's side of the connection.

use std::{pin::pin, time::Duration};

use http::StatusCode;
use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};

use super::{Answer, Fault, GREETING, Requests, TestGateway};
use crate::secret::Secret;

const KEY: &str = "sk-canary-77";
const MESSAGES: &str = "/v1/messages";
const MODELS: &str = "/v1/models";

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

async fn gateway() -> TestGateway {
    TestGateway::start([secret(KEY)]).await.unwrap()
}

fn client() -> Client {
    let builder = Client::builder().no_proxy().redirect(Policy::none());
    builder.build().unwrap()
}

/// A request with the key in both headers, as Claude Code sends it.
fn with_key(request: RequestBuilder, key: &str) -> RequestBuilder {
    request.bearer_auth(key).header("x-api-key", key)
}

async fn post_message(gateway: &TestGateway, key: &str, stream: bool) -> Response {
    let request = client().post(format!("{}{MESSAGES}?beta=true", gateway.url()));
    let message = json!({"role": "user", "content": "hello"});
    let body = json!({"model": "m", "stream": stream, "messages": [message]});
    with_key(request, key).json(&body).send().await.unwrap()
}

async fn models(gateway: &TestGateway, key: &str) -> Response {
    let request = client().get(format!("{}{MODELS}?limit=1", gateway.url()));
    with_key(request, key).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn an_accepted_key_gets_an_answer() {
    let gateway = gateway().await;
    let streamed = post_message(&gateway, KEY, true).await;
    assert!(header(&streamed, "content-type").starts_with("text/event-stream"));
    let streamed = streamed.text().await.unwrap();
    assert!(streamed.contains(&format!("{GREETING}hello")), "{streamed}");
    let whole: Value = post_message(&gateway, KEY, false)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(whole["content"][0]["text"], format!("{GREETING}hello"));
    let list: Value = models(&gateway, KEY).await.json().await.unwrap();
    assert_eq!(list["data"][0]["type"], "model");
    let count = client().post(format!("{}{MESSAGES}/count_tokens", gateway.url()));
    let count = with_key(count, KEY).json(&json!({})).send().await.unwrap();
    assert_eq!(count.json::<Value>().await.unwrap()["input_tokens"], 1);
}

#[tokio::test]
async fn an_unknown_key_gets_401_in_the_apis_form() {
    let gateway = gateway().await;
    let refused = post_message(&gateway, "bad", true).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header(&refused, "request-id"), "req_00000001");
    let body: Value = refused.json().await.unwrap();
    let error = json!({"type": "authentication_error", "message": "invalid x-api-key"});
    assert_eq!(
        body,
        json!({"type": "error", "error": error, "request_id": "req_00000001"})
    );
}

#[tokio::test]
async fn both_headers_must_have_an_accepted_key() {
    let gateway = gateway().await;
    for (bearer, api_key, status) in [(KEY, "bad", 401), ("bad", KEY, 401), (KEY, KEY, 200)] {
        let request = client().get(format!("{}{MODELS}", gateway.url()));
        let request = request.bearer_auth(bearer).header("x-api-key", api_key);
        assert_eq!(request.send().await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn the_log_contains_fingerprints_and_no_keys() {
    let gateway = gateway().await;
    post_message(&gateway, "bad", true).await;
    post_message(&gateway, KEY, true).await;
    gateway.revoke(&secret(KEY));
    post_message(&gateway, KEY, true).await;
    let log: Vec<_> = gateway
        .requests()
        .into_iter()
        .map(|seen| (seen.method, seen.path, seen.status, seen.fingerprint))
        .collect();
    let entry = |status, key| {
        let (method, path) = ("POST".to_owned(), MESSAGES.to_owned());
        (method, path, Some(status), Some(secret(key).fingerprint()))
    };
    assert_eq!(log, [entry(401, "bad"), entry(200, KEY), entry(401, KEY)]);
    assert_eq!(gateway.count(MESSAGES, 401), 2);
    assert!(!format!("{gateway:?}{:?}", gateway.requests()).contains(KEY));
}

#[tokio::test]
async fn a_fault_lasts_until_it_is_cleared() {
    let gateway = gateway().await;
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    gateway.set_fault(MODELS, Fault::Status(unavailable));
    assert_eq!(models(&gateway, KEY).await.status(), unavailable);
    assert_eq!(post_message(&gateway, KEY, true).await.status(), 200);

    gateway.set_fault(MODELS, Fault::RetryAfter(7));
    let busy = models(&gateway, KEY).await;
    assert_eq!(
        (busy.status().as_u16(), header(&busy, "retry-after")),
        (429, "7")
    );

    gateway.set_fault(
        MODELS,
        Fault::Redirect("https://sso.example.com/".to_owned()),
    );
    let moved = models(&gateway, KEY).await;
    assert_eq!(moved.status(), StatusCode::FOUND);
    assert_eq!(header(&moved, "location"), "https://sso.example.com/");

    gateway.set_fault(MODELS, Fault::Html);
    let html = models(&gateway, KEY).await;
    assert_eq!(
        (html.status().as_u16(), header(&html, "content-type")),
        (200, "text/html")
    );

    gateway.set_fault(MODELS, Fault::Echo(StatusCode::UNAUTHORIZED));
    let echo = models(&gateway, KEY).await;
    assert_eq!(echo.status(), StatusCode::UNAUTHORIZED);
    assert!(echo.text().await.unwrap().contains(KEY));

    gateway.set_fault(MODELS, Fault::Unchecked);
    assert_eq!(models(&gateway, "bad").await.status(), 200);

    gateway.clear_faults();
    assert_eq!(models(&gateway, "bad").await.status(), 401);
}

#[tokio::test]
async fn a_path_answers_key_by_key() {
    let gateway = gateway().await;
    let refused = Answer::error(400, "no_db_connection", "No connected db.");
    gateway.set_answer(MODELS, Requests::WithWrongKey, refused);
    let answer = models(&gateway, "bad").await;
    assert_eq!(answer.status(), 400);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["type"], "no_db_connection");
    assert_eq!(models(&gateway, KEY).await.status(), 200);
    assert_eq!(post_message(&gateway, "bad", true).await.status(), 401);

    let forbidden = Answer::json(403, &json!({"message": "not this route"}));
    gateway.set_answer(MODELS, Requests::with_key(&secret(KEY)), forbidden);
    assert_eq!(models(&gateway, KEY).await.status(), 403);
    assert_eq!(models(&gateway, "bad").await.status(), 400);
    assert_eq!(post_message(&gateway, KEY, true).await.status(), 200);

    gateway.set_answer(
        MODELS,
        Requests::WithoutHeader("x-tenant".to_owned()),
        Answer::text(403, "RBAC: access denied"),
    );
    assert_eq!(models(&gateway, "bad").await.status(), 403);
    let request = client().get(format!("{}{MODELS}", gateway.url()));
    let request = with_key(request.header("x-tenant", "eng"), "bad");
    assert_eq!(request.send().await.unwrap().status(), 400);

    gateway.clear_answers();
    gateway.set_answer(MODELS, Requests::All, Answer::page(404));
    let page = models(&gateway, KEY).await;
    let content_type = header(&page, "content-type");
    assert_eq!((page.status().as_u16(), content_type), (404, "text/html"));
}

#[tokio::test]
async fn an_endless_body_goes_on_for_megabytes() {
    let gateway = gateway().await;
    gateway.set_fault(MODELS, Fault::Endless(StatusCode::OK));
    let mut answer = models(&gateway, KEY).await;
    let mut read = 0;
    while read < 4 * 1024 * 1024 {
        read += answer.chunk().await.unwrap().unwrap().len();
    }
}

#[tokio::test]
async fn a_stalled_request_is_logged_and_not_answered() {
    let gateway = gateway().await;
    gateway.set_fault(MODELS, Fault::Stall);
    {
        let mut request = pin!(models(&gateway, KEY));
        while gateway.requests().is_empty() {
            let answered = tokio::time::timeout(Duration::from_millis(20), &mut request);
            assert!(answered.await.is_err());
        }
    }
    assert_eq!(gateway.requests()[0].status, None);
    // It does not keep the gateway from stopping.
    let url = gateway.url();
    gateway.stop().await;
    assert!(client().get(url).send().await.unwrap_err().is_connect());
}
