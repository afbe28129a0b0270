//! Conditional requests: an unchanged policy costs no body.

use std::sync::Arc;

use super::{LOOK_LIMIT, Publisher, file, policy_records, stop, stored, until_in_force};
use crate::support::{KEY, TestEnv, poll::until, upstream::UpstreamReply};

#[tokio::test]
async fn an_unchanged_policy_is_confirmed_with_304_also_by_the_next_daemon() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    let text = publisher.publish("").await;
    env.helper().await.printed(KEY);
    assert_eq!(publisher.statuses(), [200]);
    let first = stored(&env);
    assert_eq!(first["policy"], text.trim());
    assert!(first["etag"].as_str().unwrap().starts_with('"'), "{first}");
    for _ in 0..2 {
        stop(&env).await;
        env.helper().await.printed(KEY);
    }
    assert_eq!(publisher.statuses(), [200, 304, 304]);
    // A daemon in use looks on its own.
    until("another look", LOOK_LIMIT, async || {
        publisher.statuses() == [200, 304, 304, 304]
    })
    .await;
    // It is written again when it is older by a part of its 'max_age'.
    assert_eq!(stored(&env), first);

    publisher.publish("").await;
    until_in_force(&env, 2).await;
    assert_eq!(publisher.statuses().last(), Some(&200));
    assert_ne!(stored(&env)["etag"], first["etag"]);
    assert_eq!(policy_records(&env, "accepted").len(), 2);
    assert_eq!(policy_records(&env, "failed").len(), 0);
}

/// What the daemon sends, and what it does with answers that no server should give.
#[tokio::test]
async fn the_entity_tag_is_sent_back_as_it_came() {
    const TAG: &str = "W/\"a, \\b\"";
    let mut publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    let text = publisher.sign("").await;
    let answer = |status: &'static str, body: String| {
        UpstreamReply::Answer(Arc::new(move |_: &str| {
            format!(
                "HTTP/1.1 {status}\r\netag: {TAG}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        }))
    };
    publisher.answer(answer("200 OK", text)).await;
    env.helper().await.printed(KEY);
    stop(&env).await;
    env.helper().await.printed(KEY);
    let requests = publisher.requests();
    let tag = format!("if-none-match: {TAG}\r\n");
    let has_tag = requests.iter().map(|request| request.contains(&tag));
    assert_eq!(has_tag.collect::<Vec<_>>(), [false, true], "{requests:#?}");
    for request in &requests {
        assert!(request.starts_with("GET /"), "{request}");
        for header in ["authorization", "cookie"] {
            assert!(!request.to_lowercase().contains(header), "{request}");
        }
    }
    // 304 to a request without a tag.
    stop(&env).await;
    std::fs::remove_file(file(&env)).unwrap();
    publisher
        .answer(answer("304 Not Modified", String::new()))
        .await;
    env.helper().await.failed(7, &["unexpected status 304"]);
}
