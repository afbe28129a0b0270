//! Crowds of connections that ask for nothing, do not finish, do not read or go away: others are
//! served promptly all the same. The floods among them go on while others are served.

mod flood;

use std::{fs, io::Write as _, os::unix::net::UnixStream, time::Duration};

use claviger_wire::{Acquire, Request};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{
    KEY, TestEnv,
    poll::{SOON, timed, until},
    process::is_alive,
    test_env::ProgramOutput,
};

/// The limit for a call while a crowd is there. It is generous for a busy machine; a crowd that has
/// to be waited for takes longer.
const PROMPT: Duration = Duration::from_secs(5);

/// As many connections as a test opens, if the system allows it.
const CROWD: u64 = 2000;

/// The callers of one process that once kept the daemon from being stopped.
const CALLERS: usize = 420;

/// A machine on which the profile `default` has a key, and the program of the profile `slow` runs
/// until the file `go` exists.
fn env() -> TestEnv {
    let env = TestEnv::new();
    env.add_secret(KEY);
    let fixed = env.write_program("fixed", &format!("echo {KEY}"));
    let slow = env.write_program(
        "slow",
        &format!("while ! [ -e \"${{0%/*}}/go\" ]; do sleep 0.05; done; echo {KEY}"),
    );
    env.write_config(&format!(
        r#"
[profile.default]
source = "fixed"
[profile.slow]
source = "slow"
[source.fixed]
type = "exec"
command = ["{fixed}"]
[source.slow]
type = "exec"
timeout = "60s"
command = ["{slow}"]
"#
    ));
    env
}

/// Opens connections that have each sent `bytes`.
fn crowd(env: &TestEnv, bytes: &[u8]) -> Vec<UnixStream> {
    let count = raise_limit().map_or(CROWD, |most| CROWD.min(most / 2));
    (0..count).map(|_| connect(env, bytes)).collect()
}

/// Raises the limit of this process's descriptors as far as the system allows; returns it. The
/// other tests of this process need some, too.
fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, all).unwrap();
    limit.maximum
}

/// Opens a connection that has sent `bytes`.
fn connect(env: &TestEnv, bytes: &[u8]) -> UnixStream {
    let mut stream = UnixStream::connect(env.socket()).unwrap();
    // The daemon may close the connection at once.
    let _ = stream.write_all(bytes);
    stream
}

fn acquire(profile: &str) -> Vec<u8> {
    let acquire = Acquire {
        profile: Some(profile.to_owned()),
        cache_lifetime_ms: 300_000,
        deadline_ms: 600_000,
        ..Acquire::default()
    };
    Request::Acquire(acquire).encode()
}

async fn promptly(call: impl Future<Output = ProgramOutput>) -> ProgramOutput {
    let (output, took) = timed(call).await;
    assert!(took < PROMPT, "{took:?}: {output:?}");
    output
}

/// Asserts that a shim, `status` and `stop` succeed promptly.
async fn others_are_served(env: &TestEnv) {
    promptly(env.helper()).await.printed(KEY);
    promptly(env.claviger(&["status"])).await.succeeded();
    let pid = env.daemon_pid().unwrap();
    let stopped = promptly(env.claviger(&["stop"])).await;
    assert_eq!(stopped.succeeded(), "the daemon has ended\n");
    // It waits for connections under way for up to 2 s.
    until("its process has ended", PROMPT, async || !is_alive(pid)).await;
}

/// The connections that the daemon has.
fn connections(env: &TestEnv) -> usize {
    let socket = env.socket().display().to_string();
    let all = fs::read_to_string("/proc/net/unix").unwrap();
    // The listening socket is not in the state 03, connected.
    let connected = all.lines().filter(|line| line.contains(" 03 "));
    connected.filter(|line| line.ends_with(&socket)).count()
}

#[tokio::test]
async fn silent_connections_lock_nothing_out() {
    let env = env();
    env.helper().await.printed(KEY);
    let _silent = crowd(&env, b"");
    others_are_served(&env).await;
}

#[tokio::test]
async fn half_sent_requests_lock_nothing_out() {
    let env = env();
    env.helper().await.printed(KEY);
    let request = acquire("default");
    for sent in [1, 4, request.len() - 1] {
        let _half = crowd(&env, &request[..sent]);
        promptly(env.helper()).await.printed(KEY);
    }
    let _half = crowd(&env, &request[..request.len() / 2]);
    others_are_served(&env).await;
}

#[tokio::test]
async fn answers_that_are_not_read_lock_nothing_out() {
    let env = env();
    env.helper().await.printed(KEY);
    let _unread = crowd(&env, &Request::Status { profile: None }.encode());
    others_are_served(&env).await;
}

#[tokio::test]
async fn callers_that_wait_for_a_source_lock_nothing_out() {
    let env = env();
    env.helper().await.printed(KEY);
    let slow = acquire("slow");
    let _waiting: Vec<_> = (0..CALLERS).map(|_| connect(&env, &slow)).collect();
    // Each of these is a process of its own, and so has a place.
    let mut shims = Vec::new();
    for _ in 0..100 {
        let args = ["--profile", "slow", "--timeout-ms", "600000"];
        shims.push(env.command("claviger-helper", &args).spawn().unwrap());
    }
    until("the shims wait", SOON, async || connections(&env) >= 100).await;
    promptly(env.helper()).await.printed(KEY);
    promptly(env.claviger(&["status"])).await.succeeded();
    env.write_file("go", "");
    for shim in shims {
        let output = ProgramOutput::from(shim.wait_with_output().await.unwrap());
        output.printed(KEY);
    }
    others_are_served(&env).await;
}

#[tokio::test]
async fn stop_does_not_wait_for_callers() {
    let env = env();
    env.helper().await.printed(KEY);
    let slow = acquire("slow");
    let _waiting: Vec<_> = (0..CALLERS).map(|_| connect(&env, &slow)).collect();
    others_are_served(&env).await;
}

#[tokio::test]
async fn a_caller_that_goes_gives_its_place_back() {
    let env = env();
    env.helper().await.printed(KEY);
    let slow = acquire("slow");
    let mut callers: Vec<_> = (0..CALLERS).map(|_| connect(&env, &slow)).collect();
    until("some wait", SOON, async || connections(&env) > 0).await;
    // The last one to ask has a place for certain.
    let waiting = callers.pop().unwrap();
    drop(callers);
    until("only one is left", SOON, async || connections(&env) == 1).await;
    drop(waiting);
    until("none is left", SOON, async || connections(&env) == 0).await;
    others_are_served(&env).await;
}

#[tokio::test]
async fn a_caller_that_closes_only_its_own_direction_is_answered() {
    use std::io::Read as _;
    let env = env();
    env.helper().await.printed(KEY);
    let mut caller = connect(&env, &acquire("slow"));
    caller.shutdown(std::net::Shutdown::Write).unwrap();
    // Its end was seen before this request was answered.
    env.status().await;
    env.write_file("go", "");
    let mut answer = Vec::new();
    caller.read_to_end(&mut answer).unwrap();
    assert!(answer.windows(KEY.len()).any(|part| part == KEY.as_bytes()));
}
