//! The decision: from the gateway's answers to a key and to a wrong one, and from what it has
//! accepted before, to what is known about the key. Pure.
//!
//! A mistaken "rejected" takes a working key from a developer, so only what is about keys counts:
//!
//! - A rejection counts only on a route that has accepted this key or one of its form: some routes
//!   refuse everything.
//! - 401 is about the key by its definition. Any other status is so only if a wrong key gets the
//!   same error, and got that error when a key was confirmed ([`Past::contrasts_with`]): otherwise
//!   the gateway may have begun to refuse everything.
//! - 500 must blame the key in its text as well, or the gateway's other route must give the key the
//!   same answer: "Internal Server Error" alone may be an outage of the probed route.
//! - An answer that names a budget, a limit or a guardrail is not about the key, also if a wrong
//!   key gets it as well.
//! - A key that is answered 403, 404, 405 or 501 while a wrong one is refused otherwise has been
//!   recognized: the gateway checks keys first.

use super::answer::{Answer, Body};
use crate::gateway::{Calibration, Inconclusive, ProbeResult, Rejection};

/// What a wrong key got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WrongKey {
    /// Nothing that is about the key: no response, an outage, a captive portal.
    Unanswered,
    /// A success.
    Accepted,
    /// This refusal.
    Refused(Answer),
}

/// How a route confirmed a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Confirmed {
    /// It answered the key otherwise than a wrong one.
    Known,
    /// It accepted the key.
    Accepted,
}

/// What the route confirmed before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// This very key, and what a wrong one got at that time.
    pub(super) key: Option<(Confirmed, Answer)>,
    /// What a wrong key got when the route last confirmed a key of this form.
    pub(super) form: Option<Answer>,
}

impl From<Answer> for WrongKey {
    fn from(answer: Answer) -> Self {
        if answer.is_success() {
            Self::Accepted
        } else if answer.is_temporary() {
            Self::Unanswered
        } else {
            Self::Refused(answer)
        }
    }
}

impl WrongKey {
    /// Whether the answer is certainly about the key or the route, even if no key has been accepted
    /// yet.
    pub(super) fn is_informative(self) -> bool {
        match self {
            Self::Unanswered => false,
            Self::Accepted => true,
            Self::Refused(answer) => match (answer.status, answer.body) {
                (_, Body::Page) => false,
                (401, Body::Json) => true,
                (404 | 405 | 501, _) => true,
                (500, _) => answer.error.is_some_and(|error| error.blames_key),
                _ => answer.error.is_some(),
            },
        }
    }

    /// What it shows about later answers. `is_confirmed` tells if a key got another answer at the
    /// same time: otherwise the route may refuse every key.
    pub(super) fn calibration(self, is_confirmed: bool) -> Calibration {
        match self {
            Self::Unanswered => Calibration::Unknown,
            Self::Accepted => Calibration::AcceptsAnyKey,
            Self::Refused(answer) if answer.lacks_route() => Calibration::NoRoute,
            Self::Refused(answer) if !is_confirmed || answer.body == Body::Page => {
                Calibration::Unknown
            }
            Self::Refused(answer) => Calibration::Reliable(match answer.status {
                401 => Rejection::Unauthorized,
                403 => Rejection::Forbidden,
                _ => Rejection::Other,
            }),
        }
    }
}

impl Past {
    /// Whether the route has confirmed this key or one of its form.
    fn is_proven(self) -> bool {
        self.key.is_some() || self.form.is_some()
    }

    /// Whether it did so while a wrong key got this answer.
    fn contrasts_with(self, wrong: Answer) -> bool {
        let of_key = self.key.map(|(_, wrong)| wrong);
        of_key == Some(wrong) || self.form == Some(wrong)
    }

    /// Whether this very key was accepted, not only known.
    fn accepted(self) -> bool {
        self.key.is_some_and(|(how, _)| how == Confirmed::Accepted)
    }
}

/// What `answer`, to the key, shows if a wrong key of its form gets `wrong`.
pub(super) fn decide(wrong: WrongKey, answer: Answer, past: Past) -> ProbeResult {
    let status = answer.status;
    if wrong == WrongKey::Accepted {
        return inconclusive(Inconclusive::AcceptsAnyKey);
    }
    if answer.is_success() {
        return match wrong {
            WrongKey::Unanswered => inconclusive(Inconclusive::Uncalibrated),
            _ => ProbeResult::Accepted,
        };
    }
    if answer.lacks_route() {
        return without_route(wrong, answer, past);
    }
    if matches!(status, 200..300) {
        return not_json(answer);
    }
    if answer.is_temporary() {
        return not_the_key(answer);
    }
    if answer.names_another_cause() {
        return not_the_key(answer);
    }
    let refused_wrong_key = match wrong {
        WrongKey::Refused(wrong) => Some(wrong),
        _ => None,
    };
    let is_same = refused_wrong_key.is_some_and(|wrong| wrong.equals(answer));
    match status {
        401 if answer.body == Body::Json || is_same => rejected_if(past.is_proven(), status),
        500 if is_same && answer.error.is_none_or(|error| !error.blames_key) => not_the_key(answer),
        _ if is_same => rejected_if(past.contrasts_with(answer), status),
        500 => not_the_key(answer),
        403 => forbidden(refused_wrong_key, answer, past),
        _ if answer.body == Body::Json => not_the_key(answer),
        _ => not_json(answer),
    }
}

/// Whether the key may be rejected by an answer that an outage of the probed route has as well: a
/// 500 that says nothing about keys, as a wrong key got it when this key or one of its form was
/// accepted. Another route must give the key the same answer.
pub(super) fn needs_witness(wrong: WrongKey, answer: Answer, past: Past) -> bool {
    answer.status == 500
        && matches!(wrong, WrongKey::Refused(wrong) if wrong.equals(answer))
        && past.contrasts_with(answer)
}

/// 404, 405, 501.
fn without_route(wrong: WrongKey, answer: Answer, past: Past) -> ProbeResult {
    match wrong {
        WrongKey::Refused(refused)
            if !refused.lacks_route()
                && wrong.is_informative()
                && refused.resembles(answer)
                // A key that the route accepted before had a route then.
                && !past.accepted() =>
        {
            ProbeResult::Known
        }
        _ => inconclusive(Inconclusive::NoRoute {
            status: answer.status,
        }),
    }
}

/// 403 that a wrong key does not get in the same way.
fn forbidden(wrong: Option<Answer>, answer: Answer, past: Past) -> ProbeResult {
    match wrong {
        _ if answer.body == Body::Page => not_json(answer),
        None => inconclusive(Inconclusive::Uncalibrated),
        // Another layer answers: a firewall, for example.
        Some(wrong) if !wrong.resembles(answer) && answer.body != Body::Json => not_json(answer),
        Some(wrong) if !wrong.resembles(answer) || wrong.status == answer.status => {
            not_the_key(answer)
        }
        Some(wrong) if !WrongKey::Refused(wrong).is_informative() => not_the_key(answer),
        Some(_) if past.accepted() => inconclusive(Inconclusive::NotAllowed),
        Some(_) => ProbeResult::Known,
    }
}

fn rejected_if(is_proven: bool, status: u16) -> ProbeResult {
    match is_proven {
        true => ProbeResult::Rejected,
        false => inconclusive(Inconclusive::Unproven { status }),
    }
}

fn not_json(answer: Answer) -> ProbeResult {
    inconclusive(Inconclusive::NotJson {
        status: answer.status,
        is_page: answer.body == Body::Page,
    })
}

fn not_the_key(answer: Answer) -> ProbeResult {
    inconclusive(Inconclusive::NotTheKey {
        status: answer.status,
        cause: answer.cause(),
    })
}

fn inconclusive(reason: Inconclusive) -> ProbeResult {
    ProbeResult::Inconclusive(reason)
}

#[cfg(test)]
mod tests;
