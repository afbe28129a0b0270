//! What a gateway blames for an error, in fixed terms: nothing of its own text is repeated.

/// Why a gateway refuses a request whose key it does not blame.
pub(crate) type Cause = &'static str;

const BILLING: Cause = "billing problem";
const BUDGET: Cause = "budget exceeded";
const GUARDRAIL: Cause = "blocked by a guardrail";
const QUOTA: Cause = "quota exceeded";
const TOO_MANY: Cause = "too many requests";

/// What a text that contains the left part is about. The first counts.
const TEXTS: [(&str, Cause); 17] = [
    ("budget", BUDGET),
    ("quota", QUOTA),
    ("billing", BILLING),
    ("payment", BILLING),
    ("insufficient_funds", BILLING),
    ("credit balance", BILLING),
    ("guardrail", GUARDRAIL),
    ("content policy", GUARDRAIL),
    ("content_policy", GUARDRAIL),
    ("moderation", GUARDRAIL),
    ("rate limit", TOO_MANY),
    ("rate_limit", TOO_MANY),
    ("too many requests", TOO_MANY),
    ("limit", "limit exceeded"),
    ("exceeded", "limit exceeded"),
    ("overload", "overloaded"),
    ("model", "model not available"),
];

/// The cause that `text`, in lower case, names.
pub(super) fn of_text(text: &str) -> Option<Cause> {
    TEXTS
        .into_iter()
        .find(|(part, _)| text.contains(part))
        .map(|(_, cause)| cause)
}

/// Whether the account, not the key, is at fault.
pub(super) fn is_of_account(cause: Cause) -> bool {
    [BILLING, BUDGET, GUARDRAIL, QUOTA].contains(&cause)
}

/// The cause of a response with this status, whose body names `named`.
///
/// A status that stands for one thing is believed, unless the body names a closer cause: "limit"
/// or "model" in a 429 is none.
pub(super) fn of(status: u16, named: Option<Cause>) -> Cause {
    let is_general = matches!(status, 400..500) && !matches!(status, 402 | 408 | 412 | 429 | 446);
    named
        .filter(|cause| is_general || is_of_account(cause))
        .unwrap_or_else(|| of_status(status))
}

/// The cause that `status` stands for. 412 and 446 are Portkey's: a budget and a guardrail.
fn of_status(status: u16) -> Cause {
    match status {
        300..400 => "redirects",
        400 => "bad request",
        402 | 412 => BUDGET,
        403 => "refused in another way than a wrong key",
        408 => "request timed out",
        429 => TOO_MANY,
        446 => GUARDRAIL,
        500 => "internal error",
        502 => "bad gateway",
        503 => "service unavailable",
        504 => "gateway timed out",
        511 => "the network requires a login",
        529 => "overloaded",
        501..600 => "server error",
        _ => "unexpected status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_its_cause() {
        for (text, cause) in [
            ("budget_exceeded budget has been exceeded", BUDGET),
            (
                "insufficient_quota you exceeded your current quota",
                "quota exceeded",
            ),
            ("your credit balance is too low", "billing problem"),
            ("rate_limit_error rate limit for the model", TOO_MANY),
            ("the request was blocked by guardrail 'pii'", GUARDRAIL),
            ("tokens per minute limit reached", "limit exceeded"),
            ("model not in the list", "model not available"),
        ] {
            assert_eq!(of_text(text), Some(cause), "{text}");
        }
        for text in [
            "",
            "invalid_request_error missing header",
            "authentication error",
        ] {
            assert_eq!(of_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_general_status_is_explained_by_the_text() {
        for (status, named, cause) in [
            (400, Some("model not available"), "model not available"),
            (422, Some(BUDGET), BUDGET),
            (400, None, "bad request"),
            (429, Some("model not available"), TOO_MANY),
            (429, Some(BUDGET), BUDGET),
            (402, Some("limit exceeded"), BUDGET),
            (412, Some(GUARDRAIL), GUARDRAIL),
            (500, Some("limit exceeded"), "internal error"),
            (500, Some(QUOTA), QUOTA),
            (503, None, "service unavailable"),
        ] {
            assert_eq!(of(status, named), cause, "{status} {named:?}");
        }
    }

    #[test]
    fn every_status_has_a_cause() {
        for (status, cause) in [
            (302, "redirects"),
            (402, BUDGET),
            (412, BUDGET),
            (429, TOO_MANY),
            (446, GUARDRAIL),
            (502, "bad gateway"),
            (507, "server error"),
            (529, "overloaded"),
            (418, "unexpected status"),
        ] {
            assert_eq!(of_status(status), cause);
        }
    }
}
