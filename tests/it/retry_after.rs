//! A `Retry-After` of a day from the server in front of Vault.

use std::sync::Arc;

use crate::support::{
    Bao, KEY, TestEnv,
    front::Front,
    upstream::{UpstreamReply, respond},
};

/// A complete response with `Retry-After: 86400`.
fn come_back_tomorrow(status: &str, body: &str) -> String {
    let headers = [("retry-after", "86400")];
    match respond(status, "application/json", &headers, body) {
        UpstreamReply::Http(response) => response,
        _ => String::new(),
    }
}

#[tokio::test]
async fn a_day_is_five_minutes_without_a_key_and_a_refresh_asks_at_once() {
    for (status, body) in [
        ("503 Service Unavailable", ""),
        (
            "503 Service Unavailable",
            r#"{"errors":["Vault is sealed"]}"#,
        ),
        (
            "429 Too Many Requests",
            r#"{"errors":["request path quota exceeded"]}"#,
        ),
        ("429 Too Many Requests", "{\"message\":\"slow down\"}"),
    ] {
        let bao = Bao::start_with_key("k", KEY).await;
        let front = Front::start(bao.host()).await;
        let env = TestEnv::with_token(&bao, "secret/k", "").await;
        env.edit_config(|config| config.replace(&bao.url(), &front.url()));
        let answer: Arc<str> = come_back_tomorrow(status, body).into();
        let refuse = || {
            let answer = Arc::clone(&answer);
            front.answer(move |_| Some(answer.to_string()));
        };
        refuse();

        // A person waits for five minutes at most, and is told what does not wait.
        let wait = "; next try in 300 s, or now with claviger refresh default";
        env.helper().await.failed(5, &[&front.host(), wait]);
        let asked = front.connections();
        let now = "or now with claviger refresh default";
        env.helper().await.failed(5, &[&front.host(), now]);
        // Without a person, the server gets an hour.
        let background = [("CLAUDE_HELPER_CONTEXT", "background")];
        let output = env.helper_with(&[], &background).await;
        output.failed(5, &["next try in 3600 s, or now"]);
        assert_eq!(front.connections(), asked, "{status}: it was asked again");
        env.claviger(&["refresh"]).await.failed(5, &[&front.host()]);
        assert!(front.connections() > asked, "{status}: it was not asked");

        front.pass_on();
        env.claviger(&["refresh"]).await.succeeded();
        env.helper().await.printed(KEY);

        // With a key in memory as well; the key is served meanwhile.
        refuse();
        let refused = env.claviger(&["refresh"]).await;
        refused.failed(5, &["next try in 3600 s, or now with claviger refresh"]);
        env.helper().await.printed(KEY);
    }
}
