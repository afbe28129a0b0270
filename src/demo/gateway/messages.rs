//! The part of Anthropic's Messages API that a client needs to get an answer.
//!
//! Shapes follow <https://docs.claude.com/en/api/messages>, `/streaming` and `/errors` beside it. What is answered is the
//! request's own last words, behind [`GREETING`]: enough to see that a request arrived whole.

use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use super::{Answer, sse};

/// What every answer begins with.
pub const GREETING: &str = "claviger's gateway heard: ";

/// Enough to recognise a request by; a client's system reminders run to pages.
const MAX_ECHO_CHARS: usize = 200;

/// `POST /v1/messages`.
pub(super) fn create(body: &[u8], request_id: &str) -> Answer {
    let Some(request) = parse(body) else {
        return error(
            StatusCode::BAD_REQUEST,
            "the body is not a JSON object",
            request_id,
        );
    };
    let message = Message {
        id: request_id.replacen("req", "msg", 1),
        model: request["model"].as_str().unwrap_or("claude").to_owned(),
        text: format!("{GREETING}{}", last_words(&request)),
        input_tokens: tokens(body.len()),
    };
    if request["stream"] == true {
        let mut answer = Response::new(Full::from(sse::events(&message)).boxed());
        set(
            &mut answer,
            header::CONTENT_TYPE.as_str(),
            "text/event-stream; charset=utf-8",
        );
        set(&mut answer, "request-id", request_id);
        answer
    } else {
        json_answer(StatusCode::OK, &message.to_json(), request_id)
    }
}

/// `POST /v1/messages/count_tokens`.
pub(super) fn count_tokens(body: &[u8], request_id: &str) -> Answer {
    if parse(body).is_none() {
        return error(
            StatusCode::BAD_REQUEST,
            "the body is not a JSON object",
            request_id,
        );
    }
    json_answer(
        StatusCode::OK,
        &json!({ "input_tokens": tokens(body.len()) }),
        request_id,
    )
}

/// `GET /v1/models`.
pub(super) fn models(request_id: &str) -> Answer {
    let model = |id: &str, name: &str| json!({ "type": "model", "id": id, "display_name": name, "created_at": "2025-09-29T00:00:00Z" });
    let list = json!({
        "data": [model("claude-sonnet-4-5", "Claude Sonnet 4.5"), model("claude-haiku-4-5", "Claude Haiku 4.5")],
        "has_more": false,
        "first_id": "claude-sonnet-4-5",
        "last_id": "claude-haiku-4-5",
    });
    json_answer(StatusCode::OK, &list, request_id)
}

/// An error in Anthropic's form.
pub(super) fn error(status: StatusCode, message: &str, request_id: &str) -> Answer {
    let kind = match status.as_u16() {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    let body = json!({
        "type": "error",
        "error": { "type": kind, "message": message },
        "request_id": request_id,
    });
    json_answer(status, &body, request_id)
}

/// An answer, before it is cut into events or not.
pub(super) struct Message {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) text: String,
    pub(super) input_tokens: usize,
}

impl Message {
    pub(super) fn output_tokens(&self) -> usize {
        tokens(self.text.len())
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [{ "type": "text", "text": self.text }],
            "stop_reason": "end_turn",
            "stop_sequence": null,
            "usage": { "input_tokens": self.input_tokens, "output_tokens": self.output_tokens() },
        })
    }
}

/// Roughly: four bytes to a token.
fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

fn parse(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().filter(Value::is_object)
}

/// The last text of the last user message: what a person typed, the client's own reminders stand before it.
fn last_words(request: &Value) -> String {
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

fn json_answer(status: StatusCode, body: &Value, request_id: &str) -> Answer {
    let mut answer = Response::new(Full::from(body.to_string()).boxed());
    *answer.status_mut() = status;
    set(
        &mut answer,
        header::CONTENT_TYPE.as_str(),
        "application/json",
    );
    set(&mut answer, "request-id", request_id);
    answer
}

fn set(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        answer.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_the_users() {
        let request = json!({ "messages": [
            { "role": "user", "content": [{ "type": "text", "text": "reminder" }, { "type": "text", "text": "hello" }] },
            { "role": "assistant", "content": "hi" },
        ]});
        assert_eq!(last_words(&request), "hello");
        assert_eq!(
            last_words(&json!({ "messages": [{ "role": "user", "content": "plain" }] })),
            "plain"
        );
        assert_eq!(last_words(&json!({})), "");
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
    fn nonsense_is_the_callers_fault() {
        assert_eq!(create(b"[", "req_1").status(), StatusCode::BAD_REQUEST);
        assert_eq!(
            count_tokens(b"[]", "req_1").status(),
            StatusCode::BAD_REQUEST
        );
    }
}
