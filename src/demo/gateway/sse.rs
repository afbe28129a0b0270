//! A message as a stream of server-sent events.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::message::Message;

/// The events of one message, in the order in which the API sends them:
/// <https://docs.claude.com/en/api/streaming#event-types>.
///
/// They are sent in one piece, because a client must handle any fragmentation.
pub(super) fn events(message: &Message) -> String {
    let start = json!({ "type": "message_start", "message": {
        "id": message.id,
        "type": "message",
        "role": "assistant",
        "model": message.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": { "input_tokens": message.input_tokens, "output_tokens": 1 },
    }});
    let mut stream = String::new();
    let mut push = |event: &Value| {
        let name = event["type"].as_str().unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = write!(stream, "event: {name}\ndata: {event}\n\n");
    };
    push(&start);
    push(
        &json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
    );
    push(&json!({ "type": "ping" }));
    push(
        &json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": message.text } }),
    );
    push(&json!({ "type": "content_block_stop", "index": 0 }));
    push(&json!({
        "type": "message_delta",
        "delta": { "stop_reason": "end_turn", "stop_sequence": null },
        "usage": { "output_tokens": message.output_tokens() },
    }));
    push(&json!({ "type": "message_stop" }));
    stream
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_are_in_the_apis_order() {
        let message = Message {
            id: "msg_1".to_owned(),
            model: "m".to_owned(),
            text: "two\nlines".to_owned(),
            input_tokens: 3,
        };
        let stream = events(&message);
        let names: Vec<_> = stream
            .lines()
            .filter_map(|line| line.strip_prefix("event: "))
            .collect();
        assert_eq!(
            names,
            [
                "message_start",
                "content_block_start",
                "ping",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop"
            ]
        );
        // A line break in the text must not end the event.
        assert!(stream.contains(r#""text":"two\nlines""#));
    }
}
