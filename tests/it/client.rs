//! The real Claude Code with the real claviger-helper, the real daemon and the embedded gateway.

use claviger::demo::gateway::{GREETING, TestGateway};
use serde_json::json;

use crate::support::{
    Bao, TestEnv,
    answers::{answer, answers, secret},
    claude::{ClaudeCode, ClaudeSession},
    poll::timed,
    vault_config::{approle_auth, vault_source},
};

/// The first key of every test, and the key that replaces it.
const FIRST: &str = "sk-canary-5f3a9c";
const SECOND: &str = "sk-canary-77b1e0";

/// A machine whose source prints the content of the file `key`, and a gateway that accepts it.
async fn env() -> (TestEnv, TestGateway) {
    let env = TestEnv::new();
    let gateway = TestGateway::start([secret(FIRST)]).await.unwrap();
    let file = env.write_secret_file("key", FIRST);
    env.add_secret(SECOND);
    configure(
        &env,
        &gateway,
        &exec_source(&format!("\"/bin/cat\", \"{file}\"")),
    );
    (env, gateway)
}

/// Configures a profile for the gateway, with the source `it`, whose table is `source`.
fn configure(env: &TestEnv, gateway: &TestGateway, source: &str) {
    env.write_config(&format!(
        "[profile.default]\ngateway = \"{}\"\nsource = \"it\"\n{source}",
        gateway.url()
    ));
}

fn exec_source(command: &str) -> String {
    format!("[source.it]\ntype = \"exec\"\ncommand = [{command}]\n")
}

/// Takes a turn for each prompt and asserts its answer.
async fn take_turns(session: &mut ClaudeSession, prompts: &[&str]) {
    for prompt in prompts {
        let turn = session.turn(prompt).await;
        assert_eq!(
            (turn.text, turn.is_error),
            (format!("{GREETING}{prompt}"), false)
        );
    }
}

#[tokio::test]
async fn a_turn_costs_one_request() {
    let (env, gateway) = env().await;
    let client = ClaudeCode::new(&env, &gateway.url(), &[]);
    let (output, took) = timed(client.turn("What is up?")).await;
    env.record_output("Claude Code", &client.transcript());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, format!("{GREETING}What is up?\n"));
    assert_eq!(output.stderr, "");
    assert_eq!(answers(&gateway), [answer(200, FIRST)]);
    println!("a turn: {took:?}");
}

#[tokio::test]
async fn a_session_survives_a_rotation() {
    let (env, gateway) = env().await;
    let client = ClaudeCode::new(&env, &gateway.url(), &[]);
    let mut session = client.session();
    take_turns(&mut session, &["one", "two", "three"]).await;

    env.write_secret_file("key", SECOND);
    gateway.set_keys([secret(SECOND)]);
    env.claviger(&["refresh"]).await.succeeded();

    let ((), took) = timed(take_turns(&mut session, &["four"])).await;
    take_turns(&mut session, &["five"]).await;
    let (status, stderr) = session.end().await;
    env.record_output("Claude Code", &client.transcript());
    assert!(status.success(), "{stderr}");
    // The rotation costs one 401: the client runs the helper again and retries.
    let before = [answer(200, FIRST), answer(200, FIRST), answer(200, FIRST)];
    let after = [answer(401, FIRST), answer(200, SECOND), answer(200, SECOND)];
    assert_eq!(answers(&gateway), [before, after].concat());
    println!("the turn after the rotation: {took:?}");
}

#[tokio::test]
async fn a_session_survives_a_rotation_in_openbao() {
    let bao = Bao::start_with_key("team/gateway", FIRST).await;
    let role = bao.enable_approle(json!({})).await;
    let env = TestEnv::new();
    env.add_secret(FIRST);
    env.add_secret(SECOND);
    let secret_id = env.write_secret_file("secret-id", &role.secret_id);
    let gateway = TestGateway::start([secret(FIRST)]).await.unwrap();
    let auth = approle_auth(&role.role_id, &secret_id);
    let source = vault_source("it", &bao.url(), "secret/team/gateway", "", &auth);
    configure(&env, &gateway, &source);
    let client = ClaudeCode::new(&env, &gateway.url(), &[]);
    let mut session = client.session();
    take_turns(&mut session, &["one", "two"]).await;
    let reads = || bao.count("read", "secret/data/team/gateway");
    let logins = || bao.count("update", "auth/approle/login");
    assert_eq!((logins(), reads()), (1, 1), "{:?}", bao.requests());

    bao.put("team/gateway", json!({"api_key": SECOND})).await;
    gateway.accept(secret(SECOND));
    gateway.revoke(&secret(FIRST));
    env.claviger(&["refresh"]).await.succeeded();

    let ((), took) = timed(take_turns(&mut session, &["three"])).await;
    take_turns(&mut session, &["four"]).await;
    let (status, stderr) = session.end().await;
    env.record_output("Claude Code", &client.transcript());
    assert!(status.success(), "{stderr}");
    let before = [answer(200, FIRST), answer(200, FIRST)];
    let after = [answer(401, FIRST), answer(200, SECOND), answer(200, SECOND)];
    assert_eq!(answers(&gateway), [&before[..], &after].concat());
    // The helper's second run gets the key of the refresh.
    assert_eq!((logins(), reads()), (1, 2), "{:?}", bao.requests());
    println!("the turn after the rotation: {took:?}");
}

#[tokio::test]
async fn the_client_shows_the_helpers_error() {
    let (env, gateway) = env().await;
    configure(&env, &gateway, &exec_source("\"/bin/false\""));
    let client = ClaudeCode::new(&env, &gateway.url(), &[]);
    let (output, took) = timed(client.turn("What is up?")).await;
    env.record_output("Claude Code", &client.transcript());
    assert!(!output.status.success(), "{output:?}");
    let transcript = client.transcript();
    assert!(
        transcript.contains("apiKeyHelper failed: exited 5: claviger: ")
            && transcript.contains("/bin/false"),
        "{output:?}"
    );
    // The client sends its request with an empty key.
    let empty = answer(401, "");
    assert!(answers(&gateway).iter().all(|answer| *answer == empty));
    println!("a failing helper: {took:?}");
}
