//! The first checkpoint: the exact address, without a redirect.

use super::{
    checks::{REDIRECTS, WEB_PAGE, WRONG_PATH},
    facts::{Exchange, GatewayFacts, MESSAGES, MODELS},
};
use crate::doctor::finding::Finding;

/// What is wrong with the address.
pub(super) fn check(facts: &GatewayFacts) -> Option<Finding> {
    let turn = facts.turn()?;
    redirects(facts, turn)
        .or_else(|| wrong_path(facts, turn))
        .or_else(|| web_page(facts, turn))
}

fn redirects(facts: &GatewayFacts, turn: &Exchange) -> Option<Finding> {
    let models = facts.models.as_ref().ok();
    let asked = [(MESSAGES, Some(turn)), (MODELS, models)];
    let redirects: Vec<_> = asked
        .into_iter()
        .filter_map(|(request, exchange)| Some((request, exchange?)))
        .filter(|(_, exchange)| matches!(exchange.status, 300..400))
        .collect();
    let (_, first) = redirects.first()?;
    let to = first.location.as_deref().unwrap_or("an unknown address");
    Some(facts.found(
        &REDIRECTS,
        format!("the gateway '{}' redirects to '{to}'", facts.address),
        redirects.iter().map(|(request, exchange)| exchange.evidence(request)),
        "set 'gateway' and ANTHROPIC_BASE_URL to the address that it redirects to; if that is a sign-in \
         page, have it exempted for clients with a key",
    ))
}

fn wrong_path(facts: &GatewayFacts, turn: &Exchange) -> Option<Finding> {
    if !turn.lacks_route() {
        return None;
    }
    let address = &facts.address;
    let found_at = facts.elsewhere.as_ref();
    let evidence = found_at.map(|other| format!("there is one below '{other}'"));
    let remedy = match found_at {
        Some(other) => format!("set 'gateway' and ANTHROPIC_BASE_URL to '{other}'"),
        None => {
            "ask the gateway's administrator for the base URL of its Anthropic API; clients add \
                 '/v1/messages' to it"
                .to_owned()
        }
    };
    Some(facts.found(
        &WRONG_PATH,
        format!("the gateway has no route '{address}/v1/messages'"),
        [turn.evidence(MESSAGES)].into_iter().chain(evidence),
        remedy,
    ))
}

fn web_page(facts: &GatewayFacts, turn: &Exchange) -> Option<Finding> {
    if !turn.is_success() || turn.is_json {
        return None;
    }
    Some(facts.found(
        &WEB_PAGE,
        format!(
            "'{}' answers a message with something else than JSON",
            facts.address
        ),
        [turn.evidence(MESSAGES)],
        "open the address in a browser: a sign-in page, a captive portal or another server answers",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::gateway::facts::{
        Outcome,
        tests::{error, healthy, ids, success},
    };

    fn turn(message: Exchange) -> GatewayFacts {
        GatewayFacts {
            message: Some(Ok(message)),
            ..healthy()
        }
    }

    #[test]
    fn a_redirect_of_either_route_is_fatal_and_names_its_end() {
        for status in [301, 302, 307, 308] {
            let redirect = Exchange {
                status,
                location: Some("https://sso.test/login".to_owned()),
                ..Exchange::default()
            };
            let models = GatewayFacts {
                models: Ok(redirect.clone()),
                ..healthy()
            };
            for facts in [turn(redirect), models] {
                assert_eq!(ids(&facts), ["redirects"]);
                let found = check(&facts).unwrap();
                assert!(
                    found.finding.contains("'https://sso.test/login'"),
                    "{found:?}"
                );
            }
        }
    }

    #[test]
    fn a_missing_route_is_a_wrong_path_and_the_right_one_is_named() {
        for status in [404, 405, 501] {
            let facts = turn(error(status, None));
            assert_eq!(ids(&facts), ["wrong-path"]);
            let elsewhere = GatewayFacts {
                elsewhere: Some("https://gw.test/anthropic".to_owned()),
                ..facts
            };
            let found = check(&elsewhere).unwrap();
            assert!(
                found.remedy.contains("'https://gw.test/anthropic'"),
                "{found:?}"
            );
        }
        let silent: Outcome = Ok(error(404, None));
        let facts = GatewayFacts {
            message: None,
            stream: None,
            invalid: silent,
            ..healthy()
        };
        assert_eq!(ids(&facts), ["wrong-path"], "without messages");
    }

    #[test]
    fn a_page_in_place_of_a_message_is_fatal() {
        let page = Exchange {
            is_json: false,
            is_page: true,
            ..success()
        };
        assert_eq!(ids(&turn(page)), ["web-page"]);
    }
}
