//! Asks one gateway, in few steps: each waits for the one before only if it depends on it.

use serde_json::{Value, json};
use url::Url;

use super::{
    facts::{Exchange, GatewayFacts, Outcome},
    model,
    send::{GatewayClient, KeyIn},
};
use crate::clock::Clock;

/// Paths below which gateways serve Anthropic's API.
const PREFIXES: [&str; 4] = ["", "/anthropic", "/api", "/api/anthropic"];

/// What is to be asked.
pub(super) struct Question<'q> {
    pub(super) profile: &'q str,
    pub(super) client: GatewayClient,
    pub(super) may_send_messages: bool,
    pub(super) clock: &'q dyn Clock,
}

/// Asks the gateway; `None` if it cannot be reached, which is a finding of the network.
pub(super) async fn observe(question: Question<'_>) -> Option<GatewayFacts> {
    let Question {
        profile,
        client,
        may_send_messages,
        clock,
    } = question;
    let (models, listed) = client.models(KeyIn::Both).await;
    if models.is_err() {
        return None;
    }
    let model = model::choose(model::configured(), &listed);
    let messages = async {
        if !may_send_messages {
            return (None, None);
        }
        let body = short_message(&model.name, false);
        let stream_body = short_message(&model.name, true);
        let stream = client.stream(&stream_body, clock);
        let (message, stream) = tokio::join!(client.message(&body), stream);
        (Some(message), Some(stream))
    };
    let base = client.base();
    let count = counted(&model.name);
    let invalid = json!({ "model": model.name, "max_tokens": 1 });
    let ((message, stream), (with_api_key, _), (with_bearer, _), count_tokens, invalid) = tokio::join!(
        messages,
        client.models(KeyIn::ApiKey),
        client.models(KeyIn::Bearer),
        client.post(base, "/v1/messages/count_tokens", &count),
        client.message(&invalid),
    );
    let without_beta = match may_depend_on_beta(message.as_ref()) {
        true => {
            let body = short_message(&model.name, false);
            Some(client.post(base, "/v1/messages", &body).await)
        }
        false => None,
    };
    let lacks_route = message.as_ref().unwrap_or(&invalid);
    let elsewhere = match lacks_route.as_ref().is_ok_and(Exchange::lacks_route) {
        true => find_elsewhere(&client).await,
        false => None,
    };
    Some(GatewayFacts {
        profile: profile.to_owned(),
        address: address(client.base()),
        model,
        models,
        with_api_key,
        with_bearer,
        count_tokens,
        invalid,
        message,
        without_beta,
        elsewhere,
        stream,
    })
}

/// The shortest message that the API accepts; as a stream, one that takes a moment to write.
fn short_message(model: &str, stream: bool) -> Value {
    let (max_tokens, text) = match stream {
        true => (32, "Count from 1 to 30."),
        false => (1, "."),
    };
    json!({
        "model": model,
        "max_tokens": max_tokens,
        "stream": stream,
        "messages": [{ "role": "user", "content": text }],
    })
}

fn counted(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "." }] })
}

/// Whether a message was refused for a reason that no other check names.
fn may_depend_on_beta(message: Option<&Outcome>) -> bool {
    let message = message.and_then(|message| message.as_ref().ok());
    message.is_some_and(|message| {
        matches!(message.status, 400 | 404 | 405 | 422) && !message.is_about_model()
    })
}

/// An address on the same host at which there is a route for messages.
async fn find_elsewhere(client: &GatewayClient) -> Option<String> {
    let base = client.base();
    for candidate in candidates(base) {
        let answer = client.post(&candidate, "/v1/messages", &json!({})).await;
        let has_route = answer.is_ok_and(|answer| {
            answer.is_json && !answer.lacks_route() && !matches!(answer.status, 300..400)
        });
        if has_route {
            return Some(address(&candidate));
        }
    }
    None
}

/// The addresses that `base` may have been meant as: without '/v1' or a whole route at its end, and
/// with the prefixes of known gateways.
fn candidates(base: &Url) -> Vec<Url> {
    let path = base.path().trim_end_matches('/');
    let ends = ["/v1/messages", "/messages", "/v1"];
    let short = ends.into_iter().find_map(|end| path.strip_suffix(end));
    let short = short.unwrap_or(path);
    let paths = PREFIXES.iter().map(|prefix| format!("{short}{prefix}"));
    let mut found = Vec::new();
    for path in paths.filter(|candidate| candidate != path) {
        let mut url = base.clone();
        url.set_path(&path);
        found.push(url);
    }
    found
}

/// Without a slash at the end, as it is written into settings.
fn address(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_been_meant_as_another_one() {
        for (base, first, contains) in [
            (
                "https://gw.test/v1",
                "https://gw.test",
                "https://gw.test/anthropic",
            ),
            (
                "https://gw.test/v1/",
                "https://gw.test",
                "https://gw.test/anthropic",
            ),
            (
                "https://gw.test/llm/v1/messages",
                "https://gw.test/llm",
                "https://gw.test/llm/api",
            ),
            (
                "https://gw.test",
                "https://gw.test/anthropic",
                "https://gw.test/api",
            ),
        ] {
            let base: Url = base.parse().unwrap();
            let found: Vec<_> = candidates(&base).iter().map(address).collect();
            assert_eq!(found[0], first, "{base}");
            assert!(found.contains(&contains.to_owned()), "{found:?}");
            assert!(!found.contains(&address(&base)), "{found:?}");
        }
    }

    #[test]
    fn only_a_stream_has_something_to_write() {
        let (short, stream) = (short_message("m", false), short_message("m", true));
        assert_eq!(
            (&short["max_tokens"], &short["stream"]),
            (&json!(1), &json!(false))
        );
        assert!(
            stream["max_tokens"]
                .as_u64()
                .is_some_and(|tokens| tokens <= 32)
        );
    }
}
