//! What to do about an error of the protocol, by its code: one table for all servers, and before it
//! those of one server.

/// An error that a server is known to report, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownError {
    /// A part of the code or of the description: "AADSTS50011".
    pub(crate) text: String,
    /// The one thing to do now.
    pub(crate) hint: String,
}

/// The codes of RFC 6749 (sections 4.1.2.1 and 5.2), RFC 8628 (section 3.5), RFC 8707 (section 2),
/// RFC 7591 (section 3.2.2), OpenID Connect Core (section 3.1.2.6), and those that servers add.
const REMEDIES: &[(&str, &str)] = &[
    ("invalid_grant", LOG_IN),
    ("expired_token", LOG_IN),
    ("login_required", LOG_IN),
    ("interaction_required", LOG_IN),
    ("consent_required", LOG_IN),
    ("account_selection_required", LOG_IN),
    (
        "access_denied",
        "log in with an account that may use it, or ask its administrator for access",
    ),
    (
        "invalid_client",
        "check 'client_id' and the client's secret or key: the server does not know them, or expects another kind",
    ),
    (
        "unauthorized_client",
        "ask the identity provider's administrator to allow this flow for the client",
    ),
    (
        "unsupported_grant_type",
        "ask the identity provider's administrator to allow this flow, or set another 'flow'",
    ),
    (
        "unsupported_response_type",
        "ask the identity provider's administrator to allow the authorization code flow for the client",
    ),
    (
        "invalid_scope",
        "correct 'scopes': list only those that the client may ask for",
    ),
    (
        "invalid_target",
        "correct 'resource' or 'audience': the server knows no such resource",
    ),
    ("redirect_uri_mismatch", REDIRECT),
    ("invalid_redirect_uri", REDIRECT),
    (
        "invalid_request",
        "check 'redirect_path', 'scopes', 'resource', 'audience' and 'parameters' against the client's registration",
    ),
    ("invalid_client_metadata", REGISTER),
    ("unapproved_software_statement", REGISTER),
    ("temporarily_unavailable", WAIT),
    ("server_error", WAIT),
    ("slow_down", WAIT),
];

const LOG_IN: &str = "log in again";
const REDIRECT: &str = "register the redirect address for the client: http://127.0.0.1 with any port and 'redirect_path'";
const REGISTER: &str =
    "set 'client_id' to a client that the identity provider's administrator registers";
const WAIT: &str = "nothing to do on this machine: try again later";

/// The hint for a code that no table contains.
const UNKNOWN: &str = "ask the identity provider's administrator, with this code";

/// What to do about the error `code` of a server with `description`. Of `known`, the errors of this
/// kind of server, the first that occurs in either one wins.
pub(crate) fn remedy(code: &str, description: Option<&str>, known: &[KnownError]) -> String {
    let occurs = |text: &str| code == text || description.is_some_and(|all| all.contains(text));
    if let Some(error) = known.iter().find(|error| occurs(&error.text)) {
        return error.hint.clone();
    }
    let general = REMEDIES.iter().find(|(known, _)| *known == code);
    general.map_or(UNKNOWN, |(_, hint)| hint).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_own_error_comes_before_the_code() {
        let known = [KnownError {
            text: "AADSTS50011".to_owned(),
            hint: "register it".to_owned(),
        }];
        let description = Some("AADSTS50011: The redirect URI does not match");
        for (code, description, known, expected) in [
            ("invalid_request", description, &known[..], "register it"),
            ("AADSTS50011", None, &known[..], "register it"),
            ("invalid_grant", Some("expired"), &known[..], LOG_IN),
            ("invalid_grant", description, &[], LOG_IN),
            ("redirect_uri_mismatch", None, &[], REDIRECT),
            ("new_code", None, &[], UNKNOWN),
        ] {
            assert_eq!(remedy(code, description, known), expected, "{code}");
        }
    }

    #[test]
    fn every_code_has_one_remedy() {
        for (at, (code, hint)) in REMEDIES.iter().enumerate() {
            assert!(
                REMEDIES[..at].iter().all(|(other, _)| other != code),
                "{code}"
            );
            assert!(
                !hint.ends_with('.') && hint.chars().count() <= 120,
                "{hint}"
            );
        }
    }
}
