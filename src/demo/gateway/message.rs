//! A message of the model, before it is serialized as one JSON object or as a stream of events.

use serde_json::{Value, json};

/// See <https://docs.claude.com/en/api/messages>.
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

    pub(super) fn to_json(&self) -> Value {
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

/// Roughly how many tokens a text of `bytes` bytes has: four bytes a token.
pub(super) fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}
