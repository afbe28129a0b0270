//! Callbacks of this sign-in, and those that resemble one.

use super::*;

const STATE: &str = "st4te-canary-0123456789";
const ISSUER: &str = "https://login.example/";

fn expected(issuer: Option<&str>, iss_required: bool) -> ExpectedCallback {
    ExpectedCallback {
        state: Secret::new(STATE.to_owned()),
        issuer: issuer.map(str::to_owned),
        iss_required,
    }
}

/// Reads a query in which `STATE` stands for the right state.
fn read(query: &str) -> Result<Callback, Foreign> {
    expected(None, false).read(&query.replace("STATE", STATE))
}

fn code(text: &str) -> Result<Callback, Foreign> {
    Ok(Callback::Code(Secret::new(text.to_owned())))
}

fn error(code: &str, description: Option<&str>) -> Result<Callback, Foreign> {
    Ok(Callback::Error {
        code: code.to_owned(),
        description: description.map(str::to_owned),
    })
}

#[test]
fn the_right_state_brings_the_code() {
    assert_eq!(read("code=abc&state=STATE"), code("abc"));
    assert_eq!(read("state=STATE&code=a%2Fb%2Bc+d"), code("a/b+c d"));
    // Parameters that are not known are ignored (RFC 6749 section 4.1.2), an empty one is omitted.
    assert_eq!(
        read("code=abc&state=STATE&session_state=1&scope=a&scope=b&error="),
        code("abc")
    );
    let long = "x".repeat(4000);
    assert_eq!(read(&format!("code={long}&state=STATE")), code(&long));
}

#[test]
fn an_error_is_believed_only_with_the_right_state() {
    assert_eq!(
        read("error=access_denied&error_description=The+user+said+no&state=STATE"),
        error("access_denied", Some("The user said no"))
    );
    assert_eq!(
        read("error=server_error&state=STATE"),
        error("server_error", None)
    );
    for query in [
        "",
        "error=access_denied",
        "error=access_denied&state=",
        "error=access_denied&state=STATE1",
        "error=access_denied&state=STATE%00",
        "error=access_denied&state=ST4TE-CANARY-0123456789",
        "error=access_denied&State=STATE",
        "code=abc",
        "code=abc&state=st4te-canary-012345678",
        "code=abc&amp;state=STATE",
        "code=abc#state=STATE",
    ] {
        assert_eq!(read(query), Err(Foreign::State), "{query}");
    }
}

#[test]
fn a_repeated_parameter_is_refused() {
    for (query, name) in [
        ("code=a&code=b&state=STATE", "code"),
        ("code=a&code=a&state=STATE", "code"),
        ("code=a&state=STATE&state=STATE", "state"),
        ("code=a&state=wrong&state=STATE", "state"),
        ("error=a&error=b&state=STATE", "error"),
        (
            "error=a&error_description=x&state=STATE&error_description=y",
            "error_description",
        ),
        ("code=a&iss=x&state=STATE&iss=x", "iss"),
    ] {
        assert_eq!(read(query), Err(Foreign::Repeated(name)), "{query}");
    }
}

#[test]
fn an_answer_is_a_code_or_an_error() {
    for query in [
        "state=STATE",
        "state=STATE&code=",
        "state=STATE&code=abc&error=access_denied",
        "state=STATE&error_description=x",
        "state=STATE&access_token=x",
    ] {
        assert_eq!(read(query), Err(Foreign::Incomplete), "{query}");
    }
}

#[test]
fn the_issuer_is_compared_as_written() {
    let read = |expected: &ExpectedCallback, iss: &str| {
        let iss = form_urlencoded::byte_serialize(iss.as_bytes()).collect::<String>();
        expected.read(&format!("code=abc&state={STATE}&iss={iss}"))
    };
    for is_required in [true, false] {
        let expected = expected(Some(ISSUER), is_required);
        assert_eq!(read(&expected, ISSUER), code("abc"));
        for other in [
            "https://login.example",
            "https://LOGIN.example/",
            "https://login.example:443/",
            "https://evil.example/",
            "https://login.example/ ",
        ] {
            assert!(
                matches!(read(&expected, other), Err(Foreign::Issuer { .. })),
                "{other}"
            );
        }
        let missing = expected.read(&format!("code=abc&state={STATE}"));
        assert_eq!(missing.is_ok(), !is_required);
        assert_eq!(read(&expected, "").is_ok(), !is_required);
    }
    assert_eq!(read(&expected(None, true), "anything"), code("abc"));
    // The state is judged first, and an error counts no more than a code.
    let expected = expected(Some(ISSUER), true);
    assert_eq!(expected.read("code=abc&state=x"), Err(Foreign::State));
    let error = expected.read(&format!("error=access_denied&state={STATE}"));
    assert!(error.unwrap_err().to_string().contains("got none"));
}

#[test]
fn an_error_has_only_the_characters_of_oauth() {
    let query = "error=%00in%22va%5Clid%0d%0a%C3%A9&error_description=%3Cb%3E%1b[2J+a%0a%22b%22+\
                 %E2%80%AEx&state=STATE";
    let Ok(Callback::Error { code, description }) = read(query) else {
        panic!("expected an error");
    };
    for text in [&code, description.as_ref().unwrap()] {
        let is_allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
        assert!(text.chars().all(is_allowed), "{text:?}");
    }
    let long = "x".repeat(5000);
    let query = format!("error={long}&error_description={long}&state=STATE");
    let Ok(Callback::Error { code, description }) = read(&query) else {
        panic!("expected an error");
    };
    assert!(code.len() <= MAX_ERROR_CODE_CHARS);
    assert!(description.unwrap().len() <= 200);
}

#[test]
fn no_text_contains_the_state_or_the_code() {
    let expected = expected(Some(ISSUER), true);
    for query in [
        format!("code=c0de-canary&state={STATE}&iss={STATE}"),
        format!("code=c0de-canary&state={STATE}"),
        format!("code=c0de-canary&code=c0de-canary&state={STATE}&iss={ISSUER}"),
        format!("code=c0de-canary&error=x&state={STATE}&iss={ISSUER}"),
        format!("error={STATE}&error_description=bad+{STATE}&state={STATE}&iss={ISSUER}"),
        format!("code=c0de-canary&state={STATE}&iss={ISSUER}"),
    ] {
        let read = expected.read(&query);
        let texts = format!("{read:?} {:?}", read.as_ref().map_err(ToString::to_string));
        assert!(!texts.contains("canary"), "{texts}");
    }
}
