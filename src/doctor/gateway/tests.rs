//! Facts with the cause of each check.

use std::time::Duration;

use super::{
    CHECKS, checks,
    facts::{
        Exchange, GatewayFacts, Model, Outcome, Stream,
        tests::{error, healthy, success},
    },
    judge, setup,
};
use crate::{
    doctor::{check::Check, tests::Case},
    network::{SetupError, TransportError},
};

/// The cases of this family.
pub(in crate::doctor) fn cases() -> Vec<Case> {
    CHECKS.iter().map(case).collect()
}

fn case(check: &Check) -> Case {
    let broken = match cause(check) {
        Some(facts) => judge(&facts),
        None => {
            let error = SetupError::new("the file '/etc/corp.pem' does not exist", "write it");
            vec![setup("work", error)]
        }
    };
    Case {
        check: *check,
        broken,
        sound: judge(&healthy()),
    }
}

/// What is observed if there is a cause of `check`; `None` if nothing can be.
fn cause(check: &Check) -> Option<GatewayFacts> {
    let refused = || -> Outcome { Ok(error(401, None)) };
    let turn = |message: Exchange| GatewayFacts {
        message: Some(Ok(message)),
        ..healthy()
    };
    let not_json = |status| Exchange {
        is_json: false,
        is_page: true,
        ..error(status, None)
    };
    let stream = |is_events, at| GatewayFacts {
        stream: Some(Ok(Stream {
            exchange: success(),
            is_events,
            has_length: false,
            parts: vec![(Duration::from_millis(at), 12)],
        })),
        ..healthy()
    };
    Some(match *check {
        checks::SETUP => return None,
        checks::REDIRECTS => turn(not_json(302)),
        checks::WRONG_PATH => turn(error(404, None)),
        checks::WEB_PAGE => turn(not_json(200)),
        checks::MODEL => GatewayFacts {
            model: Model {
                name: "claude-x".to_owned(),
                is_configured: true,
            },
            ..turn(error(400, Some("model not available")))
        },
        checks::KEY_REJECTED => turn(error(401, None)),
        checks::BOTH_HEADERS => GatewayFacts {
            models: refused(),
            with_bearer: refused(),
            ..turn(error(401, None))
        },
        checks::MESSAGES_FORBIDDEN => turn(error(403, None)),
        checks::WAF => turn(not_json(403)),
        checks::BUDGET => turn(error(402, None)),
        checks::OUTAGE => turn(error(503, None)),
        checks::REQUEST_REFUSED => turn(error(400, None)),
        checks::BETA => GatewayFacts {
            without_beta: Some(Ok(success())),
            ..turn(error(400, None))
        },
        checks::RATE_LIMIT => turn(error(429, None)),
        checks::SLOW => GatewayFacts {
            message: Some(Err(TransportError::TimedOut(Duration::from_secs(8)))),
            ..healthy()
        },
        checks::NO_STREAM => stream(false, 0),
        checks::BUFFERED => stream(true, 1800),
        checks::ERRORS_HIDDEN => GatewayFacts {
            invalid: Ok(error(500, None)),
            ..healthy()
        },
        checks::NO_REQUEST_ID => turn(Exchange {
            has_request_id: false,
            ..success()
        }),
        checks::ONE_HEADER => GatewayFacts {
            with_api_key: refused(),
            ..healthy()
        },
        checks::NO_MODELS => GatewayFacts {
            models: refused(),
            ..healthy()
        },
        checks::NO_COUNT_TOKENS => GatewayFacts {
            count_tokens: Ok(error(404, None)),
            ..healthy()
        },
        other => panic!("no cause of {other:?}"),
    })
}
