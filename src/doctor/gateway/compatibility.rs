//! The fifth checkpoint: headers and errors are passed on; and the routes that clients use beside
//! messages.

use super::{
    checks::{
        BETA, ERRORS_HIDDEN, NO_COUNT_TOKENS, NO_MODELS, NO_REQUEST_ID, ONE_HEADER, REQUEST_REFUSED,
    },
    facts::{COUNT_TOKENS, Exchange, GatewayFacts, MESSAGES, MODELS, Outcome},
};
use crate::doctor::finding::Finding;

/// Why a message is refused although address, model and key are right.
pub(super) fn refused(facts: &GatewayFacts) -> Option<Finding> {
    let message = facts.message.as_ref()?.as_ref().ok()?;
    if message.is_success() {
        return None;
    }
    let plain = facts
        .without_beta
        .as_ref()
        .and_then(|plain| plain.as_ref().ok());
    let address = &facts.address;
    if plain.is_some_and(Exchange::is_success) {
        return Some(facts.found(
            &BETA,
            format!("the gateway '{address}' refuses '?beta=true' or the header 'anthropic-beta'"),
            [
                message.evidence(MESSAGES),
                "the same without both succeeds".to_owned(),
            ],
            "have the gateway pass both on: Claude Code sends them with every message",
        ));
    }
    Some(facts.found(
        &REQUEST_REFUSED,
        format!("the gateway '{address}' refuses a message as Claude Code sends it"),
        [message.evidence(MESSAGES)],
        "ask the gateway's administrator why; address, model and key are accepted",
    ))
}

/// What a client gets on without, and will miss.
pub(super) fn check(facts: &GatewayFacts) -> Vec<Finding> {
    [
        hidden_errors(facts),
        request_id(facts),
        one_header(facts),
        models(facts),
        count_tokens(facts),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn hidden_errors(facts: &GatewayFacts) -> Option<Finding> {
    let invalid = facts.invalid.as_ref().ok()?;
    // FastAPI's gateways answer 422.
    if matches!(invalid.status, 400 | 422) && invalid.is_json && invalid.has_error {
        return None;
    }
    Some(facts.found(
        &ERRORS_HIDDEN,
        format!(
            "the gateway '{}' does not report an invalid request as one",
            facts.address
        ),
        [invalid.evidence(&format!("{MESSAGES} without messages"))],
        "have the gateway pass on status 400 and its JSON: clients act on them",
    ))
}

fn request_id(facts: &GatewayFacts) -> Option<Finding> {
    let turn = facts.turn()?;
    (!turn.has_request_id).then(|| {
        facts.found(
            &NO_REQUEST_ID,
            format!(
                "answers of the gateway '{}' lack the header 'request-id'",
                facts.address
            ),
            [turn.evidence(MESSAGES)],
            "nothing to do; with it an error of a client is found in the gateway's log",
        )
    })
}

fn one_header(facts: &GatewayFacts) -> Option<Finding> {
    let is_refused = |outcome: &Outcome| {
        let exchange = outcome.as_ref().ok();
        exchange.is_some_and(|exchange| matches!(exchange.status, 400..500))
    };
    if !facts.models.as_ref().is_ok_and(Exchange::is_success) {
        return None;
    }
    let (read, ignored, remedy) = match (
        is_refused(&facts.with_api_key),
        is_refused(&facts.with_bearer),
    ) {
        (true, false) => (
            "Authorization",
            "x-api-key",
            "have the gateway read 'x-api-key' too: Claude Code asks for the list of models with it alone",
        ),
        (false, true) => (
            "x-api-key",
            "Authorization",
            "nothing to do for Claude Code; a client that sends 'Authorization' alone is refused",
        ),
        _ => return None,
    };
    Some(facts.found(
        &ONE_HEADER,
        format!(
            "the gateway '{}' reads the key from '{read}', not from '{ignored}'",
            facts.address
        ),
        [format!("{MODELS} with '{ignored}' alone is refused")],
        remedy,
    ))
}

fn models(facts: &GatewayFacts) -> Option<Finding> {
    let models = facts
        .models
        .as_ref()
        .ok()
        .filter(|models| !models.is_success())?;
    Some(facts.found(
        &NO_MODELS,
        format!(
            "the gateway '{}' lists no models to this key",
            facts.address
        ),
        [models.evidence(MODELS)],
        "nothing to do for messages; probes prove more with 'probe = \"count-tokens\"'",
    ))
}

fn count_tokens(facts: &GatewayFacts) -> Option<Finding> {
    let counted = facts.count_tokens.as_ref().ok();
    let counted = counted.filter(|counted| !counted.is_success())?;
    Some(facts.found(
        &NO_COUNT_TOKENS,
        format!(
            "the gateway '{}' counts no tokens for this key",
            facts.address
        ),
        [counted.evidence(COUNT_TOKENS)],
        "nothing to do: Claude Code estimates then",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::gateway::facts::tests::{error, healthy, ids, success};

    #[test]
    fn a_message_that_succeeds_without_beta_alone_is_refused_because_of_it() {
        let refused = |without_beta| GatewayFacts {
            message: Some(Ok(error(400, None))),
            without_beta,
            ..healthy()
        };
        assert_eq!(ids(&refused(Some(Ok(success())))), ["beta"]);
        assert_eq!(
            ids(&refused(Some(Ok(error(400, None))))),
            ["request-refused"]
        );
        assert_eq!(ids(&refused(None)), ["request-refused"]);
    }

    #[test]
    fn an_invalid_request_must_be_reported_as_one() {
        let not_json = Exchange {
            is_json: false,
            has_error: false,
            is_page: true,
            ..error(400, None)
        };
        for (invalid, is_hidden) in [
            (error(400, None), false),
            (error(422, None), false),
            (error(500, None), true),
            (success(), true),
            (not_json, true),
            (
                Exchange {
                    has_error: false,
                    ..error(400, None)
                },
                true,
            ),
        ] {
            let facts = GatewayFacts {
                invalid: Ok(invalid.clone()),
                ..healthy()
            };
            let expected: &[&str] = if is_hidden { &["errors-hidden"] } else { &[] };
            assert_eq!(ids(&facts), expected, "{invalid:?}");
        }
    }

    #[test]
    fn routes_and_headers_that_are_missed_are_notes() {
        let refused = || Ok(error(401, None));
        let missing = || Ok(error(404, None));
        let anonymous = Exchange {
            has_request_id: false,
            ..success()
        };
        for (facts, id) in [
            (
                GatewayFacts {
                    with_api_key: refused(),
                    ..healthy()
                },
                "one-header",
            ),
            (
                GatewayFacts {
                    with_bearer: refused(),
                    ..healthy()
                },
                "one-header",
            ),
            (
                GatewayFacts {
                    models: missing(),
                    with_api_key: missing(),
                    with_bearer: missing(),
                    ..healthy()
                },
                "no-models",
            ),
            (
                GatewayFacts {
                    count_tokens: missing(),
                    ..healthy()
                },
                "no-count-tokens",
            ),
            (
                GatewayFacts {
                    message: Some(Ok(anonymous)),
                    ..healthy()
                },
                "no-request-id",
            ),
        ] {
            assert_eq!(ids(&facts), [id]);
        }
    }
}
