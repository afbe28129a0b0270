//! Frames as files: the encoding never changes. `BLESS=1 cargo test` writes the files anew.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{fs, path::PathBuf};

use claviger_wire::{
    Acquire, ExitCode, Failure, Format, HEADER_LEN, Login, LoginFlow, Request, Response, Token,
    Variable, Variables, body_len,
};

fn requests() -> Vec<(&'static str, Request)> {
    let acquire = Acquire {
        profile: Some("work".to_owned()),
        gateway: Some("https://llm-gateway.example.com/eu".to_owned()),
        cache_lifetime_ms: 300_000,
        format: Format::Json,
        deadline_ms: 8_000,
        reveal: true,
        pid: Some(4_711),
        client: None,
        context: None,
        variables: Variables::Unsupported,
    };
    let on_request = Acquire {
        variables: Variables::OnRequest,
        ..acquire.clone()
    };
    let variable = |name: &str, value: &[u8]| Variable {
        name: name.to_owned(),
        value: Token::new(value.to_vec()),
    };
    let sent = Variables::Sent(vec![
        variable("TEAM", b"core"),
        variable("EMPTY", b""),
        variable("TOKEN", b"a=\xff"),
    ]);
    let with_variables = Acquire {
        variables: sent.clone(),
        ..acquire.clone()
    };
    let bare = Acquire {
        cache_lifetime_ms: 0,
        deadline_ms: 1,
        ..Acquire::default()
    };
    let headers = Acquire {
        format: Format::Headers,
        ..bare.clone()
    };
    let of_client = Acquire {
        client: Some("codex".to_owned()),
        context: Some("mid-session-refresh".to_owned()),
        ..acquire.clone()
    };
    let oauth = Acquire {
        format: Format::Oauth,
        ..bare.clone()
    };
    let profile = Some("work".to_owned());
    vec![
        ("request-acquire", Request::Acquire(acquire)),
        ("request-acquire-bare", Request::Acquire(bare)),
        ("request-acquire-headers", Request::Acquire(headers)),
        ("request-status", Request::Status { profile: None }),
        (
            "request-status-profile",
            Request::Status {
                profile: profile.clone(),
            },
        ),
        (
            "request-refresh",
            Request::Refresh {
                profile: profile.clone(),
                variables: Variables::Unsupported,
            },
        ),
        (
            "added-request-login",
            Request::Login(Login {
                profile: profile.clone(),
                flow: LoginFlow::NoBrowser,
                force: true,
                variables: sent.clone(),
            }),
        ),
        ("added-request-login-bare", Request::Login(Login::default())),
        ("request-logout", Request::Logout { profile }),
        ("request-stop", Request::Stop),
        ("added-request-metrics", Request::Metrics),
        ("added-request-lock", Request::Lock),
        ("added-request-unlock", Request::Unlock),
        ("request-unknown-kind", Request::Unknown { kind: 99 }),
        (
            "added-request-acquire-on-request",
            Request::Acquire(on_request),
        ),
        ("added-request-acquire-client", Request::Acquire(of_client)),
        ("added-request-acquire-oauth", Request::Acquire(oauth)),
        (
            "added-request-acquire-variables",
            Request::Acquire(with_variables),
        ),
        (
            "added-request-refresh-variables",
            Request::Refresh {
                profile: None,
                variables: sent,
            },
        ),
    ]
}

fn responses() -> Vec<(&'static str, Response)> {
    let token = || Token::new(b"sk-golden-frame".to_vec());
    let failure = |hint: Option<&str>| {
        Response::Failure(Failure {
            code: ExitCode::LoginRequired,
            message: "profile \"work\" needs a login".to_owned(),
            hint: hint.map(str::to_owned),
        })
    };
    let expires_at = Some("2026-11-21T08:13:05Z".to_owned());
    vec![
        (
            "response-credential",
            Response::Credential {
                token: token(),
                expires_at: expires_at.clone(),
                expires_in: None,
            },
        ),
        (
            "response-credential-endless",
            Response::Credential {
                token: token(),
                expires_at: None,
                expires_in: None,
            },
        ),
        ("response-failure", failure(Some("run claviger login work"))),
        ("response-failure-without-hint", failure(None)),
        (
            "response-report",
            Response::Report("{\"name\":\"wörk\"}".to_owned()),
        ),
        ("response-done", Response::Done),
        ("response-unsupported", Response::Unsupported { version: 1 }),
        ("response-unknown-kind", Response::Unknown { kind: 200 }),
        (
            "added-response-credential-seconds",
            Response::Credential {
                token: token(),
                expires_at,
                expires_in: Some(3_600),
            },
        ),
        (
            "added-response-variables",
            Response::Variables {
                names: vec!["TEAM".to_owned(), "TOKEN".to_owned()],
            },
        ),
    ]
}

/// Frames of a later version, which this one decodes and never encodes.
fn later() -> Vec<(&'static str, &'static [u8], Result<Request, Response>)> {
    vec![
        (
            "later-request-unknown-field",
            b"\0\0\0\x09\x02\x05\xc8\0\x04what",
            Ok(Request::Stop),
        ),
        (
            "later-request-unknown-kind",
            b"\0\0\0\x09\x02\x63\x01\0\x04what",
            Ok(Request::Unknown { kind: 99 }),
        ),
        (
            "later-response-unknown-field",
            b"\0\0\0\x09\x02\x84\xc8\0\x04what",
            Err(Response::Done),
        ),
    ]
}

fn body(frame: &[u8]) -> &[u8] {
    let (header, body) = frame.split_first_chunk::<HEADER_LEN>().unwrap();
    assert_eq!(body_len(*header).unwrap(), body.len());
    body
}

fn golden(name: &str, frame: &[u8]) -> Vec<u8> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/frames/{name}.frame"));
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, frame).unwrap();
    }
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; BLESS=1 writes it", file.display()))
}

#[test]
fn requests_match_their_files() {
    for (name, request) in requests() {
        let golden = golden(name, &request.encode());
        assert_eq!(request.encode(), golden, "{name}");
        assert_eq!(Request::decode(body(&golden)), Ok(request), "{name}");
    }
}

#[test]
fn responses_match_their_files() {
    for (name, response) in responses() {
        let golden = golden(name, &response.encode());
        assert_eq!(response.encode(), golden, "{name}");
        assert_eq!(Response::decode(body(&golden)), Ok(response), "{name}");
    }
}

#[test]
fn frames_of_a_later_version_are_decoded() {
    for (name, frame, expected) in later() {
        let golden = golden(name, frame);
        match expected {
            Ok(request) => assert_eq!(Request::decode(body(&golden)), Ok(request), "{name}"),
            Err(response) => assert_eq!(Response::decode(body(&golden)), Ok(response), "{name}"),
        }
    }
}

#[test]
fn every_file_belongs_to_a_message() {
    let known = requests().len() + responses().len() + later().len();
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frames");
    if std::env::var_os("BLESS").is_none() {
        assert_eq!(fs::read_dir(dir).unwrap().count(), known);
    }
}
