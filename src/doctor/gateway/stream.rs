//! The fourth checkpoint: a stream is passed on while it is written.

use std::time::Duration;

use super::{
    checks::{BUFFERED, NO_STREAM},
    facts::{GatewayFacts, MESSAGES, Stream},
};
use crate::doctor::finding::Finding;

/// A model that writes the requested text takes at least this long; one that answers sooner need
/// not be buffered to arrive at once.
const WRITING: Duration = Duration::from_secs(1);

/// Parts that arrive within this time arrive at once.
const AT_ONCE: Duration = Duration::from_millis(50);

/// The fewest events of a text that is long enough to be written in more than one part.
const MIN_EVENTS: usize = 6;

/// What is wrong with the stream.
pub(super) fn check(facts: &GatewayFacts) -> Option<Finding> {
    let stream = facts.stream.as_ref()?.as_ref().ok()?;
    // Without one the message alone would have failed as well.
    if !stream.exchange.is_success() {
        return None;
    }
    if !stream.is_events {
        return Some(
            facts.found(
                &NO_STREAM,
                format!(
                    "the gateway '{}' answers a request for a stream without one",
                    facts.address
                ),
                [stream
                    .exchange
                    .evidence(&format!("{MESSAGES} with \"stream\": true"))],
                "ask the gateway's administrator to pass on the content type 'text/event-stream'",
            ),
        );
    }
    let seen = buffered(stream)?;
    Some(facts.found(
        &BUFFERED,
        format!(
            "a proxy before the gateway '{}', or the gateway, holds a stream back until it is complete",
            facts.address
        ),
        [seen],
        "switch off response buffering for this route, such as 'proxy_buffering off' in nginx",
    ))
}

/// Why the stream was buffered; `None` if it was not, or if it was too quick to tell.
fn buffered(stream: &Stream) -> Option<String> {
    let (first, _) = *stream.parts.first()?;
    let (last, _) = *stream.parts.last()?;
    let events: usize = stream.parts.iter().map(|(_, events)| events).sum();
    let lasted = last.saturating_sub(first);
    if stream.has_length && first > WRITING {
        return Some(format!(
            "the length of the answer was known when it began, after {} ms",
            first.as_millis()
        ));
    }
    (events >= MIN_EVENTS && first > WRITING && lasted < AT_ONCE).then(|| {
        format!(
            "{events} events arrived within {} ms, the first of them after {} ms",
            lasted.as_millis(),
            first.as_millis()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::gateway::facts::tests::{error, healthy, ids, success};

    fn stream(has_length: bool, parts: &[(u64, usize)]) -> GatewayFacts {
        let parts = parts.iter();
        GatewayFacts {
            stream: Some(Ok(Stream {
                exchange: success(),
                is_events: true,
                has_length,
                parts: parts
                    .map(|(ms, events)| (Duration::from_millis(*ms), *events))
                    .collect(),
            })),
            ..healthy()
        }
    }

    #[test]
    fn a_stream_that_arrives_at_once_after_a_while_is_buffered() {
        for (has_length, parts, is_buffered) in [
            // As it is written, slowly and quickly.
            (false, &[(400, 2), (600, 3), (2500, 9)][..], false),
            (false, &[(1200, 2), (1400, 3), (2500, 9)], false),
            (false, &[(30, 2), (31, 9)], false),
            // At once.
            (false, &[(1800, 12)], true),
            (false, &[(1800, 6), (1810, 8), (1849, 2)], true),
            (true, &[(1800, 12)], true),
            (true, &[(1800, 3)], true),
            // A model that answers at once, a short answer, none.
            (false, &[(700, 12)], false),
            (true, &[(20, 12)], false),
            (false, &[(1800, 4)], false),
            (false, &[], false),
        ] {
            let expected: &[&str] = if is_buffered { &["buffered"] } else { &[] };
            assert_eq!(ids(&stream(has_length, parts)), expected, "{parts:?}");
        }
    }

    #[test]
    fn an_answer_without_events_is_no_stream() {
        let facts = |exchange| GatewayFacts {
            stream: Some(Ok(Stream {
                exchange,
                ..Stream::default()
            })),
            ..healthy()
        };
        assert_eq!(ids(&facts(success())), ["no-stream"]);
        assert_eq!(ids(&facts(error(429, None))), [""; 0], "it says nothing");
    }
}
