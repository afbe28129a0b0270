//! Old and new programs together, as after an update while the daemon is running, over the real
//! socket.

#[path = "frozen/wire_v1.rs"]
#[expect(
    unreachable_pub,
    reason = "an unchanged copy of a module of its own crate"
)]
pub(crate) mod v1;

use std::{
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    thread,
};

use crate::support::{KEY, TestEnv, test_env::set_mode};

/// Sends an old program's request; returns the daemon's responses.
fn exchange(env: &TestEnv, request: &v1::Request) -> Vec<v1::Response> {
    let mut stream = UnixStream::connect(env.socket()).unwrap();
    stream.write_all(&request.encode()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let mut rest = &bytes[..];
    let mut responses = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<{ v1::HEADER_LEN }>() {
        let (body, after) = after.split_at(v1::body_len(*header).unwrap());
        responses.push(v1::Response::decode(body).unwrap());
        rest = after;
    }
    responses
}

fn acquire(profile: Option<&str>) -> v1::Request {
    v1::Request::Acquire(v1::Acquire {
        profile: profile.map(str::to_owned),
        cache_lifetime_ms: 300_000,
        deadline_ms: 8_000,
        ..v1::Acquire::default()
    })
}

#[tokio::test]
async fn the_daemon_answers_an_old_shim() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let credential = v1::Response::Credential {
        token: v1::Token::new(KEY.as_bytes().to_vec()),
        expires_at: None,
    };
    assert_eq!(exchange(&env, &acquire(None)), [credential]);
    let [v1::Response::Failure(failure)] = &exchange(&env, &acquire(Some("none")))[..] else {
        panic!("no failure");
    };
    assert_eq!(failure.code, 2);
    assert!(
        failure.message.contains("unknown profile 'none'"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn the_daemon_reports_variables_that_an_old_shim_cannot_send() {
    let env = TestEnv::with_script(&format!("echo {KEY}"));
    env.helper().await.printed(KEY);
    env.edit_config(|config| config.replace("corp-key\"]", "corp-key\", \"{env:TEAM}\"]"));
    let [v1::Response::Failure(failure)] = &exchange(&env, &acquire(None))[..] else {
        panic!("no failure");
    };
    assert_eq!(failure.code, 2);
    assert_eq!(
        failure.message,
        "profile 'default' needs the variable 'TEAM' of the client's environment, which this version of \
         the client does not send"
    );
    assert_eq!(failure.hint.as_deref(), Some("update claviger-helper"));
}

#[tokio::test]
async fn the_daemon_answers_an_old_command_line() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let status = v1::Request::Status { profile: None };
    let responses = exchange(&env, &status);
    let [
        v1::Response::Report(daemon),
        v1::Response::Report(profile),
        v1::Response::Done,
    ] = &responses[..]
    else {
        panic!("{responses:?}");
    };
    assert!(
        daemon.contains("\"pid\"") && profile.contains("\"ready\""),
        "{responses:?}"
    );
    let refresh = v1::Request::Refresh { profile: None };
    assert_eq!(exchange(&env, &refresh).len(), 3);
    // An old command line skips the reports before the end of the answer.
    let logout = v1::Request::Logout { profile: None };
    let responses = exchange(&env, &logout);
    let [v1::Response::Report(_), v1::Response::Done] = &responses[..] else {
        panic!("{responses:?}");
    };
    assert_eq!(exchange(&env, &v1::Request::Stop), [v1::Response::Done]);
    assert!(!env.socket().exists());
}

#[tokio::test]
async fn the_daemon_refuses_an_unknown_request() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let unknown = v1::Request::Unknown { kind: 200 };
    let version = v1::VERSION;
    assert_eq!(
        exchange(&env, &unknown),
        [v1::Response::Unsupported { version }]
    );
}

/// Answers one request on the environment's socket, as an old daemon does.
pub(crate) fn old_daemon(env: &TestEnv, answer: v1::Response) {
    std::fs::create_dir(env.path("run/claviger")).unwrap();
    set_mode(&env.path("run/claviger"), 0o700);
    let listener = UnixListener::bind(env.socket()).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // Before the answer: the shim does not wait for more than that, and then the environment is
        // dropped and ends the process that listens, which is this one.
        drop(listener);
        let mut header = [0; v1::HEADER_LEN];
        stream.read_exact(&mut header).unwrap();
        let mut body = vec![0; v1::body_len(header).unwrap()];
        stream.read_exact(&mut body).unwrap();
        let request = v1::Request::decode(&body).unwrap();
        let expected = matches!(
            request,
            v1::Request::Acquire(_) | v1::Request::Unknown { kind: 6 }
        );
        assert!(expected, "neither a key nor a login: {request:?}");
        stream.write_all(&answer.encode()).unwrap();
    });
}

#[tokio::test]
async fn the_shim_prints_an_old_daemons_key() {
    let env = TestEnv::with_fixed_key();
    old_daemon(
        &env,
        v1::Response::Credential {
            token: v1::Token::new(b"sk-of-the-old-one".to_vec()),
            expires_at: Some("2999-01-01T00:00:00Z".to_owned()),
        },
    );
    env.helper().await.printed("sk-of-the-old-one");
}

/// An old daemon skips the client and its reason, and does not know the format or send the seconds.
#[tokio::test]
async fn an_old_daemon_serves_every_client() {
    let env = TestEnv::with_fixed_key();
    old_daemon(
        &env,
        v1::Response::Credential {
            token: v1::Token::new(b"sk-of-the-old-one".to_vec()),
            expires_at: Some("2999-01-01T00:00:00Z".to_owned()),
        },
    );
    let context = [("CLAUDE_HELPER_CONTEXT", "mid-session-refresh")];
    env.helper_with(&["--client", "hermes"], &context)
        .await
        .printed("{\"access_token\":\"sk-of-the-old-one\",\"token_type\":\"Bearer\"}");
}

#[tokio::test]
async fn the_shim_reports_an_old_daemons_failure() {
    let env = TestEnv::with_fixed_key();
    old_daemon(
        &env,
        v1::Response::Failure(v1::Failure {
            code: 3,
            message: "'v' wants a person to log in".to_owned(),
            hint: Some("run claviger login default".to_owned()),
        }),
    );
    env.helper().await.failed(
        3,
        &[
            "claviger: 'v' wants a person to log in.\n",
            "hint: run claviger login default\n",
        ],
    );
}

#[tokio::test]
async fn the_shim_reports_a_daemon_that_does_not_support_its_request() {
    let env = TestEnv::with_fixed_key();
    old_daemon(&env, v1::Response::Unsupported { version: 1 });
    env.helper().await.failed(8, &["claviger stop"]);
}
