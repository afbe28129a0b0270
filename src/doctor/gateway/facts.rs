//! What was observed of one gateway with one key.

use std::time::Duration;

use crate::{
    doctor::{check::Check, finding::Finding},
    network::TransportError,
};

/// An answer to a request, or why there is none.
pub(super) type Outcome = Result<Exchange, TransportError>;

/// What was observed of the gateway of one profile.
#[derive(Clone, Debug)]
pub(super) struct GatewayFacts {
    pub(super) profile: String,
    /// Its address, without a slash at the end.
    pub(super) address: String,
    pub(super) model: Model,
    /// `GET /v1/models`, with the key in both headers.
    pub(super) models: Outcome,
    /// The same, with `x-api-key` alone.
    pub(super) with_api_key: Outcome,
    /// The same, with `Authorization` alone.
    pub(super) with_bearer: Outcome,
    /// `POST /v1/messages/count_tokens`.
    pub(super) count_tokens: Outcome,
    /// `POST /v1/messages` without messages, which costs nothing.
    pub(super) invalid: Outcome,
    /// A message of one token as Claude Code sends it; `None` if none may be sent.
    pub(super) message: Option<Outcome>,
    /// The same without `?beta=true` and `anthropic-beta`, if they may be the reason of a refusal.
    pub(super) without_beta: Option<Outcome>,
    /// Another address at which there is a route for messages, if there is none at this one.
    pub(super) elsewhere: Option<String>,
    /// A message as a stream; `None` if none may be sent.
    pub(super) stream: Option<Result<Stream, TransportError>>,
}

/// The model of the messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) name: String,
    /// Whether Claude Code's managed settings name it; otherwise it is a guess.
    pub(super) is_configured: bool,
}

/// An answer, without its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exchange {
    pub(super) status: u16,
    /// Whether the body is JSON by its content type.
    pub(super) is_json: bool,
    /// Whether it is a page for people.
    pub(super) is_page: bool,
    /// Whether it is JSON that contains an error in the API's form.
    pub(super) has_error: bool,
    /// What the error is about, in fixed terms.
    pub(super) cause: Option<&'static str>,
    /// The error's message, cleaned of secrets.
    pub(super) reason: Option<String>,
    /// Where it redirects to, without a query.
    pub(super) location: Option<String>,
    /// Whether there is a header `request-id`.
    pub(super) has_request_id: bool,
}

/// An answer that was requested as a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) exchange: Exchange,
    /// Whether the content type is `text/event-stream`.
    pub(super) is_events: bool,
    /// Whether the length was known at the start, so that the whole answer was.
    pub(super) has_length: bool,
    /// When the request was sent until each part of the body arrived, and the part's events.
    pub(super) parts: Vec<(Duration, usize)>,
}

impl Exchange {
    pub(super) fn is_success(&self) -> bool {
        matches!(self.status, 200..300)
    }

    /// Whether the gateway lacks the route: not if it lacks the model, which some report with 404.
    pub(super) fn lacks_route(&self) -> bool {
        matches!(self.status, 404 | 405 | 501) && !self.is_about_model()
    }

    /// Whether the model is refused.
    pub(super) fn is_about_model(&self) -> bool {
        matches!(self.status, 400..500)
            && !matches!(self.status, 401 | 402 | 429)
            && self.cause == Some("model not available")
    }

    /// As evidence: what was sent, and what came back.
    pub(super) fn evidence(&self, request: &str) -> String {
        let kind = match (self.is_page, self.is_json) {
            (true, _) => " with a web page",
            (false, true) => "",
            (false, false) => " without JSON",
        };
        let reason = self.reason.as_ref().map(|reason| format!(": {reason}"));
        let reason = reason.unwrap_or_default();
        format!(
            "{request} is answered with status {}{kind}{reason}",
            self.status
        )
    }
}

/// How requests are named as evidence.
pub(super) const MODELS: &str = "GET /v1/models";
pub(super) const MESSAGES: &str = "POST /v1/messages?beta=true";
pub(super) const COUNT_TOKENS: &str = "POST /v1/messages/count_tokens";

impl GatewayFacts {
    /// The answer that shows best what a client's turn meets: that to a message; to one without
    /// content if none may be sent.
    pub(super) fn turn(&self) -> Option<&Exchange> {
        self.message.as_ref().unwrap_or(&self.invalid).as_ref().ok()
    }

    /// What `check` found about this gateway.
    pub(super) fn found(
        &self,
        check: &Check,
        finding: String,
        evidence: impl IntoIterator<Item = String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding {
            profile: Some(self.profile.clone()),
            ..check.found(finding, evidence, remedy)
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A success in JSON.
    pub(in super::super) fn success() -> Exchange {
        Exchange {
            status: 200,
            is_json: true,
            has_request_id: true,
            ..Exchange::default()
        }
    }

    /// An error in the API's form.
    pub(in super::super) fn error(status: u16, cause: Option<&'static str>) -> Exchange {
        Exchange {
            status,
            has_error: true,
            cause,
            ..success()
        }
    }

    /// A gateway that does everything as it must.
    pub(in super::super) fn healthy() -> GatewayFacts {
        GatewayFacts {
            profile: "work".to_owned(),
            address: "https://gw.test".to_owned(),
            model: Model {
                name: "claude-sonnet-4-5".to_owned(),
                is_configured: false,
            },
            models: Ok(success()),
            with_api_key: Ok(success()),
            with_bearer: Ok(success()),
            count_tokens: Ok(success()),
            invalid: Ok(error(400, None)),
            message: Some(Ok(success())),
            without_beta: None,
            elsewhere: None,
            stream: Some(Ok(Stream {
                exchange: success(),
                is_events: true,
                has_length: false,
                parts: vec![
                    (Duration::from_millis(300), 2),
                    (Duration::from_millis(900), 5),
                ],
            })),
        }
    }

    /// The checks that find something, without the family.
    pub(in super::super) fn ids(facts: &GatewayFacts) -> Vec<String> {
        let findings = crate::doctor::gateway::judge(facts).into_iter();
        findings
            .map(|found| found.id.strip_prefix("gateway.").unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_healthy_gateway_has_no_finding_with_and_without_messages() {
        assert_eq!(ids(&healthy()), [""; 0]);
        let silent = GatewayFacts {
            message: None,
            stream: None,
            ..healthy()
        };
        assert_eq!(ids(&silent), [""; 0]);
    }

    #[test]
    fn a_model_that_is_missing_is_no_missing_route() {
        assert!(error(404, None).lacks_route());
        assert!(!error(404, Some("model not available")).lacks_route());
        assert!(error(404, Some("model not available")).is_about_model());
        assert!(!error(429, Some("model not available")).is_about_model());
    }
}
