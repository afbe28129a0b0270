//! Root, at the daemon of another user: it gets the state and can end the daemon, and no key.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::{fs::chown, net::UnixStream},
    path::Path,
    process::Stdio,
};

use claviger_wire::{Acquire, ExitCode, HEADER_LEN, Request, Response, Variables, body_len};
use tokio::process::{Child, Command};

use crate::support::{
    KEY, TestEnv,
    poll::{SOON, until},
    process::{binary, require_root},
    test_env::set_mode,
};

/// The user and the group of the daemon: no file belongs to them.
const OTHER: u32 = 54_321;

/// Starts a daemon of the user [`OTHER`], and waits until it listens.
async fn daemon_of_another_user(env: &TestEnv) -> Child {
    set_mode(env.path("").as_path(), 0o755);
    give_away(&env.path("run"));
    give_away(&env.path("state"));
    give_away(&env.path("config"));
    give_away(&env.path("home"));
    give_away(&env.path("secrets"));
    let like = env.command("claviger", &[]);
    let id = OTHER.to_string();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", &id, "--regid", &id, "--clear-groups"])
        .arg(binary("claviger"))
        .arg("daemon")
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for (name, value) in like.as_std().get_envs() {
        command.env(name, value.unwrap());
    }
    let daemon = command.spawn().unwrap();
    until("it listens", SOON, async || env.daemon_pid().is_some()).await;
    daemon
}

/// Makes `path` and all below it [`OTHER`]'s.
fn give_away(path: &Path) {
    chown(path, Some(OTHER), Some(OTHER)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}

/// The responses to a request of this process.
fn ask(env: &TestEnv, request: &Request) -> Vec<Response> {
    let mut stream = UnixStream::connect(env.socket()).unwrap();
    stream.write_all(&request.encode()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let mut rest = answer.as_slice();
    let mut responses = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<HEADER_LEN>() {
        let (body, after) = after.split_at(body_len(*header).unwrap());
        responses.push(Response::decode(body).unwrap());
        rest = after;
    }
    responses
}

#[tokio::test]
async fn root_gets_the_state_of_another_users_daemon_and_no_key() {
    require_root();
    let env = TestEnv::with_fixed_key();
    let daemon = daemon_of_another_user(&env).await;

    let acquire = Request::Acquire(Acquire {
        deadline_ms: 5_000,
        ..Acquire::default()
    });
    let refused = [
        acquire,
        Request::Refresh {
            profile: None,
            variables: Variables::default(),
        },
        Request::Logout { profile: None },
    ];
    for request in refused {
        match ask(&env, &request).as_slice() {
            [Response::Failure(failure)] => assert_eq!(failure.code, ExitCode::Denied),
            other => panic!("{request:?}: {other:?}"),
        }
    }
    let status = ask(&env, &Request::Status { profile: None });
    let [
        Response::Report(_),
        Response::Report(profile),
        Response::Done,
    ] = status.as_slice()
    else {
        panic!("{status:?}");
    };
    assert!(profile.contains(r#""state":"empty""#), "{profile}");
    assert_eq!(ask(&env, &Request::Stop), [Response::Done]);

    let output = daemon.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8(output.stderr).unwrap();
    let requests = log.matches("received a request of root").count();
    assert_eq!(requests, 5, "{log}");
    assert!(!log.contains(KEY));
}
