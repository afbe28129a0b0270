use super::*;

fn parsed(stdout: &str) -> Result<ParsedOutput, SourceError> {
    parse(
        "/bin/x",
        stdout.as_bytes(),
        "2026-01-01T00:00:00Z".parse().unwrap(),
    )
}

/// The key and its lifetime in seconds.
fn key(stdout: &str) -> (String, Option<u64>) {
    let parsed = parsed(stdout).unwrap_or_else(|error| panic!("{stdout}: {error}"));
    let seconds = parsed.lifetime.map(|lifetime| lifetime.as_secs());
    (parsed.key.expose().to_owned(), seconds)
}

#[test]
fn a_bare_key() {
    assert_eq!(key("\n sk-1\r\n"), ("sk-1".to_owned(), None));
    assert_eq!(key("\u{feff}sk-1").0, "sk-1");
    assert_eq!(key("\u{feff}{\"token\":\"sk-1\"}").0, "sk-1");
}

#[test]
fn the_common_objects() {
    for (stdout, seconds) in [
        (r#" {"token":"sk-1"}"#, None),
        (r#"{"token":"sk-1\n","expires_at":null}"#, None),
        (
            r#"{"token":"sk-1","expires_at":"2026-01-01T01:30:00+01:00","more":1}"#,
            Some(1800),
        ),
        (r#"{"token":"sk-1","expires_at":1767229200}"#, Some(3600)),
        (
            r#"{"access_token":"sk-1","token_type":"Bearer","expires_in":3600,"scope":"a b"}"#,
            Some(3600),
        ),
        (r#"{"access_token":"sk-1","expires_in":"300"}"#, Some(300)),
        (
            r#"{"accessToken":"sk-1","expiresOn":"2026-01-01 02:00:00.000000","expires_on":1767229200}"#,
            Some(3600),
        ),
        (
            r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","spec":{},
                "status":{"expirationTimestamp":"2026-01-01T00:10:00Z","token":"sk-1","clientKeyData":"x"}}"#,
            Some(600),
        ),
        (
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"sk-1"}}"#,
            None,
        ),
        // Both names of one token, as container registries print them, and both kinds of expiry.
        (
            r#"{"token":"sk-1","access_token":"sk-1","expires_in":3600,"expires_at":"2026-01-01T00:30:00Z"}"#,
            Some(1800),
        ),
        // Not a credential plugin: `status` is something else.
        (r#"{"token":"sk-1","status":"ok"}"#, None),
        (r#"{"token":"sk-1","status":{"token":"other"}}"#, None),
        (r#"{"token":"sk-1","status":[1,{"a":null}]}"#, None),
    ] {
        assert_eq!(key(stdout), ("sk-1".to_owned(), seconds), "{stdout}");
    }
}

#[test]
fn an_invalid_field_is_named_and_its_value_hidden() {
    for (stdout, field) in [
        ("", "stdout"),
        ("sk-1 hunter2", "stdout"),
        ("\"hunter2\"\n", "stdout"),
        ("null", "stdout"),
        (r#"{"token":""}"#, "token"),
        (r#"{"token":"undefined"}"#, "token"),
        (r#"{"token":42}"#, "token"),
        (r#"{"token":["hunter2"]}"#, "token"),
        (r#"{"token":{"token":"hunter2"}}"#, "token"),
        (r#"{"access_token":"hunter2 x"}"#, "access_token"),
        (r#"{"token":"sk","access_token":"hunter2"}"#, "access_token"),
        (
            r#"{"token":"sk","kind":"ExecCredential","status":{"token":"hunter2"}}"#,
            "status.token",
        ),
        (
            r#"{"kind":"ExecCredential","status":"hunter2"}"#,
            "status.token",
        ),
        (
            r#"{"kind":"ExecCredential","status":{"clientCertificateData":"hunter2"}}"#,
            "status.token",
        ),
        (
            r#"{"kind":"ExecCredential","status":{"token":"sk","expirationTimestamp":"hunter2"}}"#,
            "status.expirationTimestamp",
        ),
        (
            r#"{"token":"sk","expires_at":"2025-12-31T23:59:59Z"}"#,
            "expires_at",
        ),
        (r#"{"token":"sk","expires_at":"hunter2"}"#, "expires_at"),
        (r#"{"token":"sk","expires_at":true}"#, "expires_at"),
        (r#"{"access_token":"sk","expires_in":0}"#, "expires_in"),
        (r#"{"access_token":"sk","expires_in":"-5"}"#, "expires_in"),
        (r#"{"access_token":"sk","expires_in":1e-300}"#, "expires_in"),
        (
            r#"{"accessToken":"sk","expires_on":"hunter2"}"#,
            "expires_on",
        ),
        (
            r#"{"accessToken":"sk","expiresOn":"2026-01-01 02:00:00.000000"}"#,
            "expiresOn",
        ),
    ] {
        match parsed(stdout).unwrap_err() {
            SourceError::Unusable {
                field: found,
                reason,
                ..
            } => {
                assert_eq!(found, field, "{stdout}");
                assert!(!reason.contains("hunter2"), "{reason}");
            }
            other => panic!("{stdout}: {other:?}"),
        }
    }
}

#[test]
fn another_object_is_bad_output() {
    for stdout in [
        "{\"token\": \"hunter2\"",
        "{\"tok\": \"hunter2\"}",
        "{\"Token\": \"hunter2\"}",
        "{\"status\": {\"token\": \"hunter2\"}}",
        "{\"token\": \"hunter2\", \"token\": \"hunter3\"}",
        "{\"token\": \"hunter2\"} trailing",
        "{}",
    ] {
        let error = parsed(stdout).unwrap_err();
        assert!(matches!(error, SourceError::BadOutput { .. }), "{error:?}");
        assert!(!format!("{error:?}").contains("hunter"));
    }
}

#[test]
fn two_different_keys_are_ambiguous() {
    let error = parsed(r#"{"token":"sk-1","access_token":"sk-2"}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "field 'access_token' from '/bin/x' is ambiguous: it differs from 'token'"
    );
}
