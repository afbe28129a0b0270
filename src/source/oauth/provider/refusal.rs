//! What an answer means that is not the one that was asked for.
//!
//! A user is logged out only by the server's own "no": a captive portal, a proxy or a web
//! application firewall in its place must never end a login. In this order:
//!
//! | status | body | means |
//! |---|---|---|
//! | 5xx, 408 | any | temporary |
//! | others | JSON with an `error` of RFC 6749, section 5.2 | refused, with this code |
//! | 429 | any other | temporary |
//! | 3xx, or any | a web page | another program has answered |
//! | 400 | none | unexplained: `invalid_grant` |
//! | 401 | none | unexplained: `invalid_client` if the client has credentials, or `invalid_grant` |
//! | 403 | none | unexplained: `invalid_client` if the client has credentials |
//! | others | any | another program has answered, or the server does not speak the protocol |
//!
//! Unexplained refusals, which glewlwyd for one sends, count only for a request with a code or a
//! token, and only if the server itself answers at that moment: its discovery document, on the same
//! origin, is fetched again and must still be its own.

use serde::Deserialize;

use super::exchange::Answer;
use crate::{
    network::ForeignText,
    source::{
        SourceError,
        oauth::server::{Grant, TokenError},
    },
};

/// The longest code of an error. The longest registered one has 32 characters.
const MAX_CODE: usize = 64;

/// What is known about a request that was refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Whether it contains a code or token that the server may refuse.
    pub(super) has_grant: bool,
    /// Whether it contains credentials of the client.
    pub(super) is_confidential: bool,
}

/// What an answer means.
#[derive(Debug)]
pub(super) enum Meaning {
    Error(TokenError),
    /// A refusal without a reason: `error` if the server itself has answered, else `otherwise`.
    Unexplained {
        error: TokenError,
        otherwise: SourceError,
    },
}

/// An error response (RFC 6749, section 5.2).
#[derive(Deserialize)]
struct ErrorBody {
    error: ForeignText,
    error_description: Option<ForeignText>,
}

impl Asked {
    /// A request with `grant`.
    pub(super) fn with(grant: &Grant<'_>, is_confidential: bool) -> Self {
        Self {
            has_grant: !matches!(grant, Grant::ClientCredentials),
            is_confidential,
        }
    }

    /// The meaning of `answer`, which contains no tokens.
    pub(super) fn meaning(self, answer: &Answer) -> Meaning {
        let refused = of_body(answer);
        if answer.status >= 500 || answer.status == 408 {
            let code = refused.map(|(code, _)| code);
            return other(answer.unavailable(code.as_deref()));
        }
        if let Some((code, description)) = refused {
            return Meaning::Error(error(answer, code, description));
        }
        if answer.is_unavailable() {
            return other(answer.unavailable(None));
        }
        if answer.is_page || (300..400).contains(&answer.status) {
            return other(answer.page());
        }
        let otherwise = answer.malformed(match answer.is_empty() {
            true => format!("an empty body ({})", answer.status),
            false => format!("status {} without an OAuth error", answer.status),
        });
        match self.unexplained(answer) {
            Some(code) => Meaning::Unexplained {
                error: error(answer, code.to_owned(), None),
                otherwise,
            },
            None => other(otherwise),
        }
    }

    fn unexplained(self, answer: &Answer) -> Option<&'static str> {
        if !self.has_grant || !answer.is_empty() {
            return None;
        }
        match (answer.status, self.is_confidential) {
            (401 | 403, true) => Some("invalid_client"),
            (400, _) | (401, false) => Some("invalid_grant"),
            _ => None,
        }
    }
}

/// Whether the server has done what it was asked for. Some report an error with 200.
pub(super) fn is_success(answer: &Answer) -> bool {
    (200..300).contains(&answer.status) && of_body(answer).is_none()
}

/// The code and the cleaned description in an error response.
pub(super) fn of_body(answer: &Answer) -> Option<(String, Option<String>)> {
    let body: ErrorBody = serde_json::from_slice(&answer.body).ok()?;
    let code = code(body.error.uncleaned())?;
    // A code that repeats a secret is not one.
    if answer.clean(&code) != code {
        return None;
    }
    let description = body
        .error_description
        .map(|text| text.clean(&answer.secrets));
    Some((code, description.filter(|text| !text.is_empty())))
}

/// `text` if it is a code: short, and of the characters that RFC 6749 allows, without spaces.
pub(super) fn code(text: &str) -> Option<String> {
    let is_code = !text.is_empty()
        && text.len() <= MAX_CODE
        && text
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    is_code.then(|| text.to_owned())
}

fn error(answer: &Answer, code: String, description: Option<String>) -> TokenError {
    TokenError::Refused {
        code,
        description,
        status: answer.status,
        retry_after: answer.retry_after,
    }
}

fn other(error: SourceError) -> Meaning {
    Meaning::Error(TokenError::Other(error))
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::{network::RequestSecrets, secret::Secret};

    const INVALID: &str = r#"{"error":"invalid_grant","error_description":"expired\u001b[1m"}"#;
    const PAGE: &str = "<html>Sign in to the Wi-Fi</html>";

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            host: "i.test".to_owned(),
            status,
            body: Zeroizing::new(body.as_bytes().to_vec()),
            is_page: body.starts_with('<'),
            retry_after: None,
            secrets: RequestSecrets::from_iter([Secret::new("rt-0123456789abcdef".to_owned())]),
        }
    }

    /// The name of the meaning.
    fn name_of(asked: Asked, status: u16, body: &str) -> String {
        match asked.meaning(&answer(status, body)) {
            Meaning::Error(TokenError::Refused { code, .. }) => code,
            Meaning::Unexplained {
                error: TokenError::Refused { code, .. },
                ..
            } => format!("{code}?"),
            Meaning::Error(TokenError::Other(error)) => match error {
                SourceError::Unavailable { .. } => "unavailable".to_owned(),
                SourceError::WebPage { .. } => "page".to_owned(),
                SourceError::Malformed { .. } => "malformed".to_owned(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_servers_own_no_ends_a_login() {
        for (status, body, public, confidential, without_grant) in [
            (
                400,
                INVALID,
                "invalid_grant",
                "invalid_grant",
                "invalid_grant",
            ),
            (
                401,
                INVALID,
                "invalid_grant",
                "invalid_grant",
                "invalid_grant",
            ),
            (
                403,
                INVALID,
                "invalid_grant",
                "invalid_grant",
                "invalid_grant",
            ),
            (
                429,
                INVALID,
                "invalid_grant",
                "invalid_grant",
                "invalid_grant",
            ),
            (
                200,
                INVALID,
                "invalid_grant",
                "invalid_grant",
                "invalid_grant",
            ),
            (500, INVALID, "unavailable", "unavailable", "unavailable"),
            (
                503,
                r#"{"error":"temporarily_unavailable"}"#,
                "unavailable",
                "unavailable",
                "unavailable",
            ),
            (
                429,
                r#"{"error":"slow_down"}"#,
                "slow_down",
                "slow_down",
                "slow_down",
            ),
            (
                400,
                r#"{"error":"temporarily_unavailable"}"#,
                "temporarily_unavailable",
                "temporarily_unavailable",
                "temporarily_unavailable",
            ),
            (408, "", "unavailable", "unavailable", "unavailable"),
            (429, "", "unavailable", "unavailable", "unavailable"),
            (502, "", "unavailable", "unavailable", "unavailable"),
            (503, PAGE, "unavailable", "unavailable", "unavailable"),
            (200, PAGE, "page", "page", "page"),
            (400, PAGE, "page", "page", "page"),
            (403, PAGE, "page", "page", "page"),
            (302, "", "page", "page", "page"),
            (400, "", "invalid_grant?", "invalid_grant?", "malformed"),
            (
                400,
                " \r\n",
                "invalid_grant?",
                "invalid_grant?",
                "malformed",
            ),
            (401, "", "invalid_grant?", "invalid_client?", "malformed"),
            (403, "", "malformed", "invalid_client?", "malformed"),
            (404, "", "malformed", "malformed", "malformed"),
            (400, "bad request", "malformed", "malformed", "malformed"),
            (
                401,
                "RBAC: access denied",
                "malformed",
                "malformed",
                "malformed",
            ),
            (
                400,
                r#"{"message":"invalid_grant"}"#,
                "malformed",
                "malformed",
                "malformed",
            ),
            (
                401,
                r#"{"error":{"code":"invalid_grant"}}"#,
                "malformed",
                "malformed",
                "malformed",
            ),
            (
                400,
                r#"{"error":"two words"}"#,
                "malformed",
                "malformed",
                "malformed",
            ),
            (
                400,
                r#"{"error":"rt-0123456789abcdef"}"#,
                "malformed",
                "malformed",
                "malformed",
            ),
            (200, "", "malformed", "malformed", "malformed"),
        ] {
            for (has_grant, is_confidential, expected) in [
                (true, false, public),
                (true, true, confidential),
                (false, true, without_grant),
            ] {
                let asked = Asked {
                    has_grant,
                    is_confidential,
                };
                assert_eq!(
                    name_of(asked, status, body),
                    expected,
                    "{asked:?} {status} {body}"
                );
            }
        }
    }

    #[test]
    fn a_description_is_cleaned() {
        let of = |text: &str| {
            let body = serde_json::json!({ "error": "x", "error_description": text });
            of_body(&answer(400, &body.to_string())).unwrap().1
        };
        assert_eq!(of("two\n lines\u{1b}[1m"), Some("two lines [1m".to_owned()));
        assert_eq!(of(""), None);
        let repeated = of("the token rt-0123456789abcdef has expired").unwrap();
        assert!(!repeated.contains("0123456789"), "{repeated}");
    }
}
