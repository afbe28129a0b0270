//! What to do about an error of the protocol, by its code: for all servers. A preset knows more
//! about the errors of its provider.

/// The codes of RFC 6749 (sections 4.1.2.1 and 5.2), RFC 8707 (section 2), RFC 7591 (section
/// 3.2.2), and those that servers add; not those for which only a login or time helps.
const REMEDIES: &[(&str, &str)] = &[
    (
        "access_denied",
        "sign in with an account that may use the client, or ask the identity provider's administrator for access",
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
];

const REDIRECT: &str = "register the redirect address for the client: http://127.0.0.1 with any port and 'redirect_path'";
const REGISTER: &str =
    "set 'client_id' to a client that the identity provider's administrator registers";

/// The hint for a code that no table contains.
const UNKNOWN: &str = "ask the identity provider's administrator, with this code";

/// What to do about the error `code` of any server.
pub(crate) fn remedy(code: &str) -> &'static str {
    let known = REMEDIES.iter().find(|(known, _)| *known == code);
    known.map_or(UNKNOWN, |(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_not_known_has_a_remedy_too() {
        assert_eq!(remedy("redirect_uri_mismatch"), REDIRECT);
        assert_eq!(remedy("new_code"), UNKNOWN);
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
