//! Errors of real gateways, and what makes two of them the same.

use super::*;

const KEY: &str = "sk-Qm7xWvTrLpKjHg";
const WRONG: &str = "sk-Bd2nZsYcUeIoAf";

fn key(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn json(body: &str, of: &str) -> ErrorText {
    ErrorText::of_json(body.as_bytes(), &key(of)).unwrap()
}

#[test]
fn an_error_is_the_same_whatever_differs_from_request_to_request() {
    for body in [
        r#"{"error":{"message":"Authentication Error, Received API Key = KEY, unable to find it","type":"auth_error","param":"None","code":"500"}}"#,
        r#"{"error":{"message":"invalid key sk-...TAIL","type":"auth_error"}}"#,
        r#"{"error":{"message":"invalid key ending in TAIL","type":"auth_error"}}"#,
        r#"{"error":{"message":"no user for 'KEY'","type":"auth_error"},"request_id":"req_NUMBER"}"#,
        r#"{"detail":"key KEY* is unknown, request NUMBER"}"#,
        r#"{"errors":[{"message":"the key's hash HASH isn't known"}]}"#,
        r#"{"message":"Unauthorized","trace":{"span":"KEY"}}"#,
    ] {
        let of = |key: &str, number: &str, hash: &str| {
            let text = body
                .replace("KEY", key)
                .replace("TAIL", &key[key.len() - 4..])
                .replace("NUMBER", number)
                .replace("HASH", hash);
            json(&text, key)
        };
        let (real, wrong) = (of(KEY, "00012", "deadbeef"), of(WRONG, "99", "f00dfeed"));
        assert_eq!(real, wrong, "{body}");
    }
}

#[test]
fn another_type_code_or_message_is_another_error() {
    let bodies = [
        r#"{"error":{"message":"No connected db.","type":"no_db_connection","code":"400"}}"#,
        r#"{"error":{"message":"No connected db.","type":"no_db_connection","code":"401"}}"#,
        r#"{"error":{"message":"No connected db.","type":"auth_error","code":"400"}}"#,
        r#"{"error":{"message":"Budget has been exceeded","type":"no_db_connection","code":"400"}}"#,
        r#"{"error":{"message":"the key isn't known","type":"x"}}"#,
        r#"{"error":{"message":"the key isn't allowed","type":"x"}}"#,
        r#"{"status":17}"#,
        r#"{"status":-17}"#,
        "{}",
    ];
    for (at, one) in bodies.iter().enumerate() {
        for other in &bodies[at + 1..] {
            assert_ne!(json(one, KEY).id, json(other, KEY).id, "{one} {other}");
        }
    }
}

#[test]
fn the_key_or_a_server_behind_the_gateway_is_blamed() {
    for (text, blames_key) in [
        ("Authentication Error, no such user", true),
        ("Invalid API key", true),
        ("access denied", true),
        ("Authentication Error, Connection refused", false),
        ("token service temporarily unavailable", false),
        ("authentication timed out", false),
        ("Internal Server Error", false),
        ("", false),
    ] {
        let error = ErrorText::of_text(text.as_bytes(), &key(KEY));
        assert_eq!(error.blames_key, blames_key, "{text}");
    }
    let by_type = json(r#"{"error":{"message":"nope","type":"auth_error"}}"#, KEY);
    assert!(by_type.blames_key);
}

#[test]
fn a_cause_is_found_outside_of_quotations() {
    let budget = r#"{"error":{"message":"ExceededBudget: over 12.5","type":"budget_exceeded"}}"#;
    assert_eq!(json(budget, KEY).cause, Some("budget exceeded"));
    let quoted = r#"{"error":{"message":"no access to 'quota-service'"}}"#;
    assert_eq!(json(quoted, KEY).cause, None);
}

#[test]
fn what_is_not_json_is_no_json_error() {
    for body in [
        "",
        "<html>",
        "{",
        r#"{"a":1} x"#,
        "\u{0}",
        r#"{"error":"\ud800"}"#,
    ] {
        let error = ErrorText::of_json(body.as_bytes(), &key(KEY));
        assert_eq!(error, None, "{body}");
    }
    let deep = "[".repeat(16 * 1024);
    assert_eq!(ErrorText::of_json(deep.as_bytes(), &key(KEY)), None);
}

#[test]
fn long_and_strange_texts_are_bounded() {
    let long = "é'\"`".repeat(8 * 1024);
    let body = serde_json::json!({"error": {"type": long, "message": long}}).to_string();
    assert!(ErrorText::of_json(body.as_bytes(), &key(KEY)).is_some());
    ErrorText::of_text(&[0xff; 16 * 1024], &key(""));
}

#[test]
fn nothing_of_the_text_is_kept() {
    let body = format!(r#"{{"error":{{"message":"bad {KEY}","type":"{KEY}"}}}}"#);
    assert!(!format!("{:?}", json(&body, KEY)).contains(&KEY[3..]));
}
