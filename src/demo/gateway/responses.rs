//! The part of OpenAI's Responses API that Codex needs to get an answer.
//!
//! Shapes follow <https://platform.openai.com/docs/api-reference/responses-streaming>. The answer
//! is the last text of the user, as that of [`messages`](super::messages).

use std::fmt::Write as _;

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    message::tokens,
    messages::GREETING,
    response::{self, GatewayResponse},
};

/// `POST /v1/responses`, which is answered as a stream whether the request says so or not.
pub(super) fn create(body: &[u8], request_id: &str) -> GatewayResponse {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        let message = "expected a JSON object as the body";
        return response::error(StatusCode::BAD_REQUEST, message, request_id);
    };
    let text = format!("{GREETING}{}", last_text(&request));
    let (input, output) = (tokens(body.len()), tokens(text.len()));
    let id = request_id.replacen("req", "resp", 1);
    let content = json!([{ "type": "output_text", "text": text, "annotations": [] }]);
    let events = [
        json!({ "type": "response.created", "response": { "id": id } }),
        json!({ "type": "response.output_item.done", "output_index": 0, "item": {
            "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": content,
        }}),
        json!({ "type": "response.completed", "response": {
            "id": id, "status": "completed", "usage": {
                "input_tokens": input, "input_tokens_details": { "cached_tokens": 0 },
                "output_tokens": output, "output_tokens_details": { "reasoning_tokens": 0 },
                "total_tokens": input + output,
            },
        }}),
    ];
    let mut stream = String::new();
    for event in events {
        let name = event["type"].as_str().unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = write!(stream, "event: {name}\ndata: {event}\n\n");
    }
    response::event_stream(stream, request_id)
}

/// The last text of the last message of the user.
fn last_text(request: &Value) -> &str {
    let items = request["input"].as_array().map_or(&[][..], Vec::as_slice);
    let last = items.iter().rev().find(|item| item["role"] == "user");
    let content = last.and_then(|message| message["content"].as_array());
    let texts = content.into_iter().flatten().rev();
    let mut texts = texts.filter_map(|part| part["text"].as_str());
    texts.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_text_is_the_users() {
        let text = |text: &str| json!({ "type": "input_text", "text": text });
        let request = json!({ "input": [
            { "role": "user", "content": [text("context")] },
            { "role": "user", "content": [text("reminder"), text("hello")] },
            { "role": "assistant", "content": [text("hi")] },
        ]});
        assert_eq!(last_text(&request), "hello");
        assert_eq!(last_text(&json!({ "input": "plain" })), "");
    }

    #[test]
    fn an_invalid_body_is_a_bad_request() {
        assert_eq!(create(b"[", "req_1").status(), StatusCode::BAD_REQUEST);
        assert_eq!(create(b"{}", "req_1").status(), StatusCode::OK);
    }
}
