//! What the clients other than Claude Code get from a real daemon.

use serde_json::Value;

use crate::support::{KEY, TestEnv};

/// A machine whose key has this many seconds left when it is obtained.
fn with_key_for(seconds: u32) -> TestEnv {
    TestEnv::with_script(&format!(
        "echo '{{\"access_token\":\"{KEY}\",\"expires_in\":{seconds}}}'"
    ))
}

#[tokio::test]
async fn a_token_response_contains_the_seconds_that_are_left() {
    let env = with_key_for(3_600);
    let output = env.helper_with(&["--client", "hermes"], &[]).await;
    let response: Value = serde_json::from_str(output.succeeded()).unwrap();
    assert_eq!(response["access_token"], KEY);
    assert_eq!(response["token_type"], "Bearer");
    // Rounded down, and never more than the source has said.
    let seconds = response["expires_in"].as_u64().unwrap();
    assert!((3_500..3_600).contains(&seconds), "{response}");
}

#[tokio::test]
async fn a_key_without_an_expiry_is_printed_for_every_client() {
    let env = TestEnv::with_fixed_key();
    let oauth = format!("{{\"access_token\":\"{KEY}\",\"token_type\":\"Bearer\"}}");
    for (client, expected) in [
        ("claude-code", KEY),
        ("claude-desktop", KEY),
        ("codex", KEY),
        ("copilot", KEY),
        ("pi", KEY),
        ("hermes", &oauth),
    ] {
        env.helper_with(&["--client", client], &[])
            .await
            .printed(expected);
    }
}
