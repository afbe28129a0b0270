//! The decision table, its rows and its laws over all combinations.

use super::{super::error_text::ErrorText, *};

const STATUSES: [u16; 24] = [
    200, 204, 302, 400, 401, 402, 403, 404, 405, 407, 408, 409, 412, 418, 422, 429, 446, 451, 500,
    501, 502, 503, 511, 529,
];

const KINDS: [Body; 3] = [Body::Json, Body::Page, Body::Other];

fn error(id: u64, blames_key: bool) -> Option<ErrorText> {
    Some(ErrorText {
        id,
        blames_key,
        cause: None,
    })
}

fn answer(status: u16, body: Body, error: Option<ErrorText>) -> Answer {
    Answer {
        status,
        body,
        error,
    }
}

fn json(status: u16) -> Answer {
    answer(status, Body::Json, error(1, true))
}

/// Each status with each kind of body and different errors.
fn answers() -> Vec<Answer> {
    let mut all = Vec::new();
    for status in STATUSES {
        for body in KINDS {
            for error in [None, error(1, true), error(2, true), error(3, false)] {
                all.push(answer(status, body, error));
            }
        }
    }
    all
}

fn pasts(wrong: Answer) -> Vec<Past> {
    let other = json(407);
    let mut all = Vec::new();
    for how in [Confirmed::Known, Confirmed::Accepted] {
        for key in [None, Some((how, wrong)), Some((how, other))] {
            for form in [None, Some(wrong), Some(other)] {
                all.push(Past { key, form });
            }
        }
    }
    all
}

/// Calls `check` with everything that [`decide`] can be given.
fn for_all(mut check: impl FnMut(WrongKey, Answer, Past, ProbeResult)) {
    let answers = answers();
    for got in &answers {
        let wrong = WrongKey::from(*got);
        for past in pasts(*got) {
            for answer in &answers {
                check(wrong, *answer, past, decide(wrong, *answer, past));
            }
        }
    }
}

#[test]
fn a_rejection_needs_a_confirmed_key() {
    for_all(|_, _, past, result| {
        if result == ProbeResult::Rejected {
            assert!(past.key.is_some() || past.form.is_some());
        }
    });
}

#[test]
fn a_rejection_other_than_401_is_the_answer_that_a_wrong_key_got_beside_a_confirmed_one() {
    for_all(|wrong, answer, past, result| {
        if result == ProbeResult::Rejected && answer.status != 401 {
            assert_eq!(wrong, WrongKey::Refused(answer));
            assert!(past.contrasts_with(answer));
            assert!(answer.error.is_some());
        }
    });
}

#[test]
fn a_page_an_outage_and_a_busy_gateway_reject_and_accept_no_key() {
    for_all(|_, answer, _, result| {
        let is_busy = matches!(answer.status, 302 | 408 | 429 | 502..600);
        if is_busy || answer.body == Body::Page {
            assert!(matches!(result, ProbeResult::Inconclusive(_)), "{answer:?}");
        }
    });
}

#[test]
fn a_wrong_key_that_is_accepted_makes_everything_inconclusive() {
    for_all(|wrong, _, _, result| {
        let is_any = result == inconclusive(Inconclusive::AcceptsAnyKey);
        assert_eq!(is_any, wrong == WrongKey::Accepted);
    });
}

#[test]
fn a_success_is_accepted_unless_a_wrong_key_got_one_or_no_answer() {
    for_all(|wrong, answer, _, result| {
        let refused = matches!(wrong, WrongKey::Refused(_));
        let accepted = refused && answer.is_success();
        assert_eq!(result == ProbeResult::Accepted, accepted);
    });
}

#[test]
fn a_known_key_is_answered_otherwise_than_a_wrong_one() {
    for_all(|wrong, answer, past, result| {
        if result == ProbeResult::Known {
            let WrongKey::Refused(wrong) = wrong else {
                panic!("{wrong:?}");
            };
            assert_ne!(wrong.status, answer.status);
            assert!(matches!(answer.status, 403 | 404 | 405 | 501));
            assert!(!past.accepted());
        }
    });
}

#[test]
fn every_status_of_a_reason_is_that_of_the_answer() {
    for_all(|_, answer, _, result| {
        if let ProbeResult::Inconclusive(
            Inconclusive::Unproven { status }
            | Inconclusive::NoRoute { status }
            | Inconclusive::NotJson { status, .. }
            | Inconclusive::NotTheKey { status, .. },
        ) = result
        {
            assert_eq!(status, answer.status);
        }
    });
}

/// The rows: what the wrong key gets, what the key gets, and the results on a route that has
/// confirmed nothing, another key of the form, and this key.
#[test]
fn the_rows_of_the_table() {
    let unproven = |status| inconclusive(Inconclusive::Unproven { status });
    let no_route = |status| inconclusive(Inconclusive::NoRoute { status });
    let page = |status| {
        inconclusive(Inconclusive::NotJson {
            status,
            is_page: true,
        })
    };
    let other_error = |status| answer(status, Body::Json, error(2, true));
    let (accepted, rejected, known) = (
        ProbeResult::Accepted,
        ProbeResult::Rejected,
        ProbeResult::Known,
    );
    let not_allowed = inconclusive(Inconclusive::NotAllowed);
    let not_the_key = |answer| not_the_key(answer);
    for (wrong, key, [nothing, of_form, of_this_key]) in [
        (json(401), json(200), [&accepted, &accepted, &accepted]),
        (json(400), json(201), [&accepted, &accepted, &accepted]),
        (json(404), json(200), [&accepted, &accepted, &accepted]),
        (json(401), json(401), [&unproven(401), &rejected, &rejected]),
        (json(403), json(401), [&unproven(401), &rejected, &rejected]),
        (json(503), json(401), [&unproven(401), &rejected, &rejected]),
        (json(403), json(403), [&unproven(403), &rejected, &rejected]),
        (json(400), json(400), [&unproven(400), &rejected, &rejected]),
        (json(500), json(500), [&unproven(500), &rejected, &rejected]),
        (json(446), json(446), [&not_the_key(json(446)); 3]),
        (json(401), json(403), [&known, &known, &not_allowed]),
        (json(500), json(403), [&known, &known, &not_allowed]),
        (json(401), json(404), [&known, &known, &no_route(404)]),
        (json(403), json(501), [&known, &known, &no_route(501)]),
        (json(404), json(404), [&no_route(404); 3]),
        (json(405), json(404), [&no_route(404); 3]),
        (json(503), json(404), [&no_route(404); 3]),
        (json(401), json(400), [&not_the_key(json(400)); 3]),
        (json(401), json(429), [&not_the_key(json(429)); 3]),
        (json(400), json(500), [&not_the_key(json(500)); 3]),
        (
            json(400),
            other_error(400),
            [&not_the_key(other_error(400)); 3],
        ),
        (
            json(403),
            other_error(403),
            [&not_the_key(other_error(403)); 3],
        ),
        (json(503), json(503), [&not_the_key(json(503)); 3]),
        (
            answer(401, Body::Page, None),
            answer(401, Body::Page, None),
            [&page(401); 3],
        ),
        (json(401), answer(403, Body::Page, None), [&page(403); 3]),
        (
            json(503),
            json(403),
            [&inconclusive(Inconclusive::Uncalibrated); 3],
        ),
        (
            json(503),
            json(200),
            [&inconclusive(Inconclusive::Uncalibrated); 3],
        ),
    ] {
        let form = Some(wrong);
        let of_key = Some((Confirmed::Accepted, wrong));
        for (past, expected) in [
            (Past::default(), nothing),
            (Past { key: None, form }, of_form),
            (
                Past {
                    key: of_key,
                    form: None,
                },
                of_this_key,
            ),
        ] {
            let result = decide(WrongKey::from(wrong), key, past);
            assert_eq!(result, *expected, "{wrong:?} {key:?} {past:?}");
        }
    }
}
