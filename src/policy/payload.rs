//! What is signed: the document as JSON, and when it was signed.

use serde::Deserialize;
use serde_json::{Value, json};

use super::document::PolicyDocument;
use crate::clock::Timestamp;

/// What is signed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    /// When it was signed, in seconds since 1970 (RFC 7519, section 4.1.6).
    iat: i64,
    /// The document, member by member as in TOML.
    policy: PolicyDocument,
}

/// What is signed for `document`, the JSON of a [`PolicyDocument`].
#[must_use]
pub(crate) fn payload(document: &Value, issued_at: Timestamp) -> Vec<u8> {
    let payload = json!({ "iat": issued_at.as_second(), "policy": document });
    payload.to_string().into_bytes()
}

/// The document in `payload`, and when it was signed. Both are checked as if the document were in
/// TOML: not every signature is made by this program.
///
/// # Errors
///
/// What is wrong, as the end of a sentence whose subject is the policy.
pub(super) fn parse(payload: &[u8]) -> Result<(PolicyDocument, Timestamp), String> {
    let wrong = |error: serde_json::Error| error.to_string().replace('`', "'");
    let Payload { iat, policy } = serde_json::from_slice(payload).map_err(wrong)?;
    check_objects(&serde_json::from_slice(payload).map_err(wrong)?)?;
    let issued_at = Timestamp::from_second(iat).map_err(|_| "'iat' is no moment".to_owned())?;
    match policy.mistakes(issued_at).into_iter().next() {
        None => Ok((policy, issued_at)),
        Some(mistake) => Err(format!("'{}': {}", mistake.path.join("."), mistake.problem)),
    }
}

/// Checks that what is a table in TOML is an object: serde also reads an array of the members in
/// their order, which differs between versions of the program.
fn check_objects(payload: &Value) -> Result<(), String> {
    let policy = &payload["policy"];
    if !payload.is_object() || !policy.is_object() {
        return Err("expected an object".to_owned());
    }
    let mut rules = policy["rule"].as_object().into_iter().flatten();
    match rules.find(|(_, rule)| !rule.is_object()) {
        Some((name, _)) => Err(format!("'rule.{name}': expected an object")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(payload: &str) -> String {
        parse(payload.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_is_signed_is_read() {
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let document = json!({ "version": 1, "counter": 42 });
        let (policy, issued_at) = parse(&payload(&document, at)).unwrap();
        assert_eq!((policy.counter, issued_at), (42, at));
    }

    /// What the TOML parser refuses by itself, and what a parser of JSON may pass.
    #[test]
    fn a_payload_that_another_program_signed_is_checked() {
        for (payload, expected) in [
            ("", "EOF"),
            ("{}", "missing field 'iat'"),
            (
                r#"{"iat":1,"policy":{"version":1}}"#,
                "missing field 'counter'",
            ),
            (
                r#"{"iat":1,"policy":{"version":2,"counter":1}}"#,
                "'version': expected 1",
            ),
            (
                r#"{"iat":1,"policy":{"version":1,"counter":0}}"#,
                "'counter': expected 1 to 9007199254740991",
            ),
            (
                r#"{"iat":1,"policy":{"version":1,"counter":9007199254740992}}"#,
                "'counter': expected 1 to",
            ),
            (
                r#"{"iat":1,"policy":{"version":1,"counter":1,"forbid":[]}}"#,
                "unknown field 'forbid'",
            ),
            (
                r#"{"iat":1,"nbf":1,"policy":{"version":1,"counter":1}}"#,
                "unknown field 'nbf'",
            ),
            (
                r#"{"iat":1,"policy":{"version":1,"counter":2,"counter":1}}"#,
                "duplicate field 'counter'",
            ),
            (
                r#"{"iat":1,"policy":{"version":1,"counter":1,"rule":{"a":{"disabled":"x"},"a":{"disabled":"y"}}}}"#,
                "duplicate rule 'a'",
            ),
            (
                r#"{"iat":1,"policy":{"version":1,"counter":1,"rule":{"a b":{"disabled":"x"}}}}"#,
                "expected a name",
            ),
            (
                r#"{"iat":1,"policy":{"version":1,"counter":1,"rule":{"a":{"users":[],"disabled":"x"}}}}"#,
                "'rule.a.users': must not be empty",
            ),
            (
                r#"{"iat":1,"policy":{"version":1,"counter":1}} x"#,
                "trailing characters",
            ),
            (r#"[1,{"version":1,"counter":1}]"#, "expected an object"),
            (
                r#"{"iat":1,"policy":[1,1,"1m","7d",null,{}]}"#,
                "expected an object",
            ),
            (
                r#"{"iat":1,"policy":{"version":1,"counter":1,"rule":{"a":[null,null,null,"x",null,null,null,null]}}}"#,
                "'rule.a': expected an object",
            ),
            (
                r#"{"iat":9999999999999,"policy":{"version":1,"counter":1}}"#,
                "'iat' is no moment",
            ),
        ] {
            let problem = problem(payload);
            assert!(problem.contains(expected), "{payload}: {problem}");
        }
    }
}
