//! The third checkpoint: the developer's key is accepted, and nothing else refuses the request.

use super::{
    checks::{
        BOTH_HEADERS, BUDGET, KEY_REJECTED, MESSAGES_FORBIDDEN, OUTAGE, RATE_LIMIT, SLOW, WAF,
    },
    facts::{Exchange, GatewayFacts, MESSAGES, MODELS, Outcome},
};
use crate::{doctor::finding::Finding, network::TransportError};

/// Why the gateway refuses the key or the request.
pub(super) fn check(facts: &GatewayFacts) -> Option<Finding> {
    if let Some(Err(TransportError::TimedOut(limit))) = &facts.message {
        return Some(facts.found(
            &SLOW,
            format!("the gateway '{}' did not answer a short message in time", facts.address),
            [format!("{MESSAGES} was not answered within {} s", limit.as_secs())],
            "ask the gateway's administrator; a model that starts on demand may answer the next time",
        ));
    }
    let turn = facts.turn()?;
    match turn.status {
        401 => Some(rejected(facts, turn)),
        402 | 412 | 446 => Some(budget(facts, turn)),
        _ if is_of_account(turn) => Some(budget(facts, turn)),
        403 if !turn.is_json => Some(facts.found(
            &WAF,
            format!("something before the gateway '{}' refuses messages", facts.address),
            evidence(facts, turn),
            "ask the administrator of the firewall before the gateway to let clients' messages pass",
        )),
        403 if is_success(&facts.models) => Some(facts.found(
            &MESSAGES_FORBIDDEN,
            format!("the gateway '{}' knows the key, which may not send messages", facts.address),
            evidence(facts, turn),
            "ask the gateway's administrator to allow the key POST /v1/messages",
        )),
        403 => Some(rejected(facts, turn)),
        429 => Some(facts.found(
            &RATE_LIMIT,
            format!("the gateway '{}' limits requests with this key now", facts.address),
            evidence(facts, turn),
            "wait; if it lasts, ask the gateway's administrator for a higher limit",
        )),
        500.. => Some(facts.found(
            &OUTAGE,
            format!("the gateway '{}', or the model behind it, fails", facts.address),
            evidence(facts, turn),
            "ask the gateway's administrator; nothing on this machine is at fault",
        )),
        _ => None,
    }
}

fn rejected(facts: &GatewayFacts, turn: &Exchange) -> Finding {
    let accepted_alone = match (
        is_success(&facts.with_api_key),
        is_success(&facts.with_bearer),
    ) {
        _ if is_success(&facts.models) => None,
        (true, false) => Some("x-api-key"),
        (false, true) => Some("Authorization"),
        _ => None,
    };
    let mut seen = evidence(facts, turn);
    match accepted_alone {
        Some(header) => {
            seen.push(format!(
                "{MODELS} with the header '{header}' alone succeeds"
            ));
            facts.found(
                &BOTH_HEADERS,
                format!(
                    "the gateway '{}' accepts the key in '{header}', and refuses it in both headers",
                    facts.address
                ),
                seen,
                "have the gateway ignore the other header: Claude Code sends the key in both",
            )
        }
        None => facts.found(
            &KEY_REJECTED,
            format!("the gateway '{}' rejects the key", facts.address),
            seen,
            "ask the gateway's administrator to accept this key, or the source's for another one",
        ),
    }
}

fn budget(facts: &GatewayFacts, turn: &Exchange) -> Finding {
    let cause = turn.cause.unwrap_or("budget exceeded");
    facts.found(
        &BUDGET,
        format!("the gateway '{}' refuses messages: {cause}", facts.address),
        evidence(facts, turn),
        "ask the gateway's administrator to raise or resolve it",
    )
}

/// Whether the account, not the key or the request, is at fault.
fn is_of_account(turn: &Exchange) -> bool {
    const CAUSES: [&str; 4] = [
        "billing problem",
        "blocked by a guardrail",
        "budget exceeded",
        "quota exceeded",
    ];
    !turn.is_success() && turn.cause.is_some_and(|cause| CAUSES.contains(&cause))
}

fn is_success(outcome: &Outcome) -> bool {
    outcome.as_ref().is_ok_and(Exchange::is_success)
}

fn evidence(facts: &GatewayFacts, turn: &Exchange) -> Vec<String> {
    let models = facts.models.as_ref().ok();
    let models = models.map(|models| models.evidence(MODELS));
    [turn.evidence(MESSAGES)]
        .into_iter()
        .chain(models)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::doctor::gateway::facts::tests::{error, healthy, ids, success};

    #[test]
    fn each_refusal_has_its_check() {
        let plain = |status| Exchange {
            is_json: false,
            has_error: false,
            ..error(status, None)
        };
        let rejects = || Ok(error(401, None));
        for (turn, models, id) in [
            (error(401, None), rejects(), "key-rejected"),
            (error(403, None), rejects(), "key-rejected"),
            (error(403, None), Ok(success()), "messages-forbidden"),
            (plain(403), Ok(success()), "waf"),
            (plain(403), rejects(), "waf"),
            (error(402, None), Ok(success()), "budget"),
            (error(412, None), Ok(success()), "budget"),
            (error(446, None), Ok(success()), "budget"),
            (error(400, Some("budget exceeded")), Ok(success()), "budget"),
            (error(429, Some("quota exceeded")), Ok(success()), "budget"),
            (
                error(429, Some("too many requests")),
                Ok(success()),
                "rate-limit",
            ),
            (error(429, None), Ok(success()), "rate-limit"),
            (error(500, None), Ok(success()), "outage"),
            (error(503, None), Ok(success()), "outage"),
            (error(529, Some("overloaded")), Ok(success()), "outage"),
        ] {
            let facts = GatewayFacts {
                message: Some(Ok(turn.clone())),
                models,
                ..healthy()
            };
            assert_eq!(ids(&facts), [id], "{turn:?}");
            assert!(check(&facts).unwrap().evidence.len() > 1);
        }
    }

    #[test]
    fn a_key_that_is_accepted_in_one_header_and_not_in_both_is_another_problem() {
        let refused = || Ok(error(401, None));
        for (with_api_key, with_bearer, id) in [
            (Ok(success()), refused(), "both-headers"),
            (refused(), Ok(success()), "both-headers"),
            (refused(), refused(), "key-rejected"),
        ] {
            let facts = GatewayFacts {
                message: Some(refused()),
                models: refused(),
                with_api_key,
                with_bearer,
                ..healthy()
            };
            assert_eq!(ids(&facts), [id]);
        }
    }

    #[test]
    fn a_slow_model_is_a_warning() {
        let facts = GatewayFacts {
            message: Some(Err(TransportError::TimedOut(Duration::from_secs(8)))),
            ..healthy()
        };
        assert_eq!(ids(&facts), ["slow"]);
    }
}
