//! The part of Anthropic's Messages API that a client needs to get an answer.
//!
//! Shapes follow <https://docs.claude.com/en/api/messages>, and `/streaming` and `/errors` beside
//! it. The answer is the last text of the request behind [`GREETING`]: enough to see that the
//! request arrived whole.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    message::{Message, tokens},
    response::{self, GatewayResponse},
    sse,
};

/// The beginning of every answer.
pub(super) const GREETING: &str = "claviger's gateway received: ";

/// Enough to recognise a request; a client's system reminders take pages.
const MAX_ECHO_CHARS: usize = 200;

/// `POST /v1/messages`.
pub(super) fn create(body: &[u8], request_id: &str) -> GatewayResponse {
    let has_messages = |request: &Value| request["messages"].is_array();
    let Some(request) = parse(body).filter(has_messages) else {
        return invalid_body(request_id);
    };
    let message = Message {
        id: request_id.replacen("req", "msg", 1),
        model: request["model"].as_str().unwrap_or("claude").to_owned(),
        text: format!("{GREETING}{}", last_text(&request)),
        input_tokens: tokens(body.len()),
    };
    if request["stream"] == true {
        response::event_stream(sse::events(&message), request_id)
    } else {
        response::json(StatusCode::OK, &message.to_json(), request_id)
    }
}

/// `POST /v1/messages/count_tokens`.
pub(super) fn count_tokens(body: &[u8], request_id: &str) -> GatewayResponse {
    if parse(body).is_none() {
        return invalid_body(request_id);
    }
    let count = json!({ "input_tokens": tokens(body.len()) });
    response::json(StatusCode::OK, &count, request_id)
}

/// `GET /v1/models`.
pub(super) fn models(request_id: &str) -> GatewayResponse {
    let model = |id: &str, name: &str| json!({ "type": "model", "id": id, "display_name": name, "created_at": "2025-09-29T00:00:00Z" });
    let list = json!({
        "data": [model("claude-sonnet-4-5", "Claude Sonnet 4.5"), model("claude-haiku-4-5", "Claude Haiku 4.5")],
        "has_more": false,
        "first_id": "claude-sonnet-4-5",
        "last_id": "claude-haiku-4-5",
    });
    response::json(StatusCode::OK, &list, request_id)
}

fn parse(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().filter(Value::is_object)
}

fn invalid_body(request_id: &str) -> GatewayResponse {
    let message = "expected a JSON object, with a list of messages, as the body";
    response::error(StatusCode::BAD_REQUEST, message, request_id)
}

/// The last text of the last user message, which is what the user typed: the client puts its own
/// reminders before it.
fn last_text(request: &Value) -> String {
    let messages = request["messages"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let last = messages
        .iter()
        .rev()
        .find(|message| message["role"] == "user");
    let content = last.map_or(&Value::Null, |message| &message["content"]);
    let text = match content {
        Value::String(text) => text,
        Value::Array(blocks) => blocks
            .iter()
            .rev()
            .find_map(|block| block["text"].as_str())
            .unwrap_or_default(),
        _ => "",
    };
    text.chars().take(MAX_ECHO_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[test]
    fn the_last_text_is_the_users() {
        let request = json!({ "messages": [
            { "role": "user", "content": [{ "type": "text", "text": "reminder" }, { "type": "text", "text": "hello" }] },
            { "role": "assistant", "content": "hi" },
        ]});
        assert_eq!(last_text(&request), "hello");
        assert_eq!(
            last_text(&json!({ "messages": [{ "role": "user", "content": "plain" }] })),
            "plain"
        );
        assert_eq!(last_text(&json!({})), "");
    }

    #[tokio::test]
    async fn a_message_has_the_documented_shape() {
        let request = br#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
        let answer = create(request, "req_1")
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["type"], "message");
        assert_eq!(answer["model"], "m");
        assert_eq!(answer["content"][0]["text"], format!("{GREETING}hello"));
    }

    #[test]
    fn an_invalid_body_is_a_bad_request() {
        assert_eq!(create(b"[", "req_1").status(), StatusCode::BAD_REQUEST);
        assert_eq!(
            count_tokens(b"[]", "req_1").status(),
            StatusCode::BAD_REQUEST
        );
    }
}
