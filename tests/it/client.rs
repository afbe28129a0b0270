//! The real Claude Code with the real claviger-helper, the real daemon and the embedded gateway.

use claviger::{
    demo::gateway::{GREETING, TestGateway},
    secret::Secret,
};
use serde_json::json;

use crate::support::{
    Bao, TestEnv,
    client::{Client, Session},
    poll::timed,
    test_env::binary,
};

const MESSAGES: &str = "/v1/messages";

/// The first key of every test, and the one that takes its place.
const FIRST: &str = "sk-canary-5f3a9c";
const SECOND: &str = "sk-canary-77b1e0";

/// A machine whose source prints the content of the file `key`, and the gateway that accepts it.
async fn env() -> (TestEnv, TestGateway) {
    let env = TestEnv::new();
    let gateway = TestGateway::start([secret(FIRST)]).await.unwrap();
    let file = env.secret_file("key", FIRST);
    env.secret(SECOND);
    configure(
        &env,
        &gateway,
        &format!(
            r#"type = "exec"
command = ["/bin/cat", "{file}"]"#
        ),
    );
    (env, gateway)
}

fn configure(env: &TestEnv, gateway: &TestGateway, source: &str) {
    env.config(&format!(
        r#"
[profile.default]
gateway = "{}"
source = "it"

[source.it]
{source}
"#,
        gateway.url()
    ));
}

/// The client of this machine's developer.
fn client(env: &TestEnv, gateway: &TestGateway) -> Client {
    let [config, state, run] =
        ["config", "state", "run"].map(|name| env.path(name).display().to_string());
    Client::new(
        &env.path("home"),
        &binary("claviger-helper"),
        &gateway.url(),
        &[
            ("XDG_CONFIG_HOME", &*config),
            ("XDG_STATE_HOME", &*state),
            ("XDG_RUNTIME_DIR", &*run),
            // For a machine that is busy with other tests.
            ("CLAVIGER_TIMEOUT_MS", "30000"),
        ],
    )
}

/// Says each prompt and gets its answer.
async fn talk(session: &mut Session, prompts: &[&str]) {
    for prompt in prompts {
        let turn = session.turn(prompt).await;
        assert_eq!(
            (turn.text, turn.is_error),
            (format!("{GREETING}{prompt}"), false)
        );
    }
}

fn secret(key: &str) -> Secret {
    Secret::new(key.to_owned())
}

/// What the gateway answered to which key, messages only.
fn answers(gateway: &TestGateway) -> Vec<(u16, String)> {
    let log = gateway.requests().into_iter();
    log.filter(|seen| seen.path == MESSAGES)
        .map(|seen| (seen.status.unwrap(), seen.fingerprint.unwrap().to_string()))
        .collect()
}

fn answer(status: u16, key: &str) -> (u16, String) {
    (status, secret(key).fingerprint().to_string())
}

#[tokio::test]
async fn a_turn_works() {
    let (env, gateway) = env().await;
    let client = client(&env, &gateway);
    let (output, took) = timed(client.turn("What is up?")).await;
    env.heard("Claude Code", &client.heard());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, format!("{GREETING}What is up?\n"));
    assert_eq!(output.stderr, "");
    assert_eq!(answers(&gateway), [answer(200, FIRST)]);
    println!("a turn: {took:?}");
}

#[tokio::test]
async fn a_session_survives_a_rotation() {
    let (env, gateway) = env().await;
    let client = client(&env, &gateway);
    let mut session = client.session();
    talk(&mut session, &["one", "two", "three"]).await;

    env.secret_file("key", SECOND);
    gateway.set_keys([secret(SECOND)]);
    env.claviger(&["refresh"]).await.succeeded();

    let ((), took) = timed(talk(&mut session, &["four"])).await;
    talk(&mut session, &["five"]).await;
    let (status, stderr) = session.end().await;
    env.heard("Claude Code", &client.heard());
    assert!(status.success(), "{stderr}");
    // One 401 is what the rotation costs: the client asks the helper again and retries.
    let before = [answer(200, FIRST), answer(200, FIRST), answer(200, FIRST)];
    let after = [answer(401, FIRST), answer(200, SECOND), answer(200, SECOND)];
    assert_eq!(answers(&gateway), [before, after].concat());
    println!("the turn after the rotation: {took:?}");
}

#[tokio::test]
async fn a_session_survives_a_rotation_in_openbao() {
    let bao = Bao::start().await;
    bao.put("team/gateway", json!({"api_key": FIRST})).await;
    let role = bao.approle(json!({})).await;
    let env = TestEnv::new();
    env.secret(FIRST);
    env.secret(SECOND);
    let secret_id = env.secret_file("secret-id", &role.secret_id);
    let gateway = TestGateway::start([secret(FIRST)]).await.unwrap();
    let source = format!(
        r#"type = "vault"
address = "{}"
path = "secret/team/gateway"
field = "api_key"
auth = {{ method = "approle", role_id = "{}", secret_id_file = "{secret_id}" }}"#,
        bao.url(),
        role.role_id
    );
    configure(&env, &gateway, &source);
    let client = client(&env, &gateway);
    let mut session = client.session();
    talk(&mut session, &["one", "two"]).await;
    let reads = || bao.asked("read", "secret/data/team/gateway");
    let logins = || bao.asked("update", "auth/approle/login");
    assert_eq!((logins(), reads()), (1, 1), "{:?}", bao.requests());

    bao.put("team/gateway", json!({"api_key": SECOND})).await;
    gateway.accept(secret(SECOND));
    gateway.revoke(&secret(FIRST));
    env.claviger(&["refresh"]).await.succeeded();

    let ((), took) = timed(talk(&mut session, &["three"])).await;
    talk(&mut session, &["four"]).await;
    let (status, stderr) = session.end().await;
    env.heard("Claude Code", &client.heard());
    assert!(status.success(), "{stderr}");
    let before = [answer(200, FIRST), answer(200, FIRST)];
    let after = [answer(401, FIRST), answer(200, SECOND), answer(200, SECOND)];
    assert_eq!(answers(&gateway), [&before[..], &after].concat());
    // The helper's second run is answered with what the refresh brought.
    assert_eq!((logins(), reads()), (1, 2), "{:?}", bao.requests());
    println!("the turn after the rotation: {took:?}");
}

#[tokio::test]
async fn the_client_shows_why_there_is_no_key() {
    let (env, gateway) = env().await;
    configure(
        &env,
        &gateway,
        "type = \"exec\"\ncommand = [\"/bin/false\"]",
    );
    let client = client(&env, &gateway);
    let (output, took) = timed(client.turn("What is up?")).await;
    env.heard("Claude Code", &client.heard());
    assert!(!output.status.success(), "{output:?}");
    let said = client.heard();
    assert!(
        said.contains("apiKeyHelper failed: exited 5: claviger: ") && said.contains("/bin/false"),
        "{output:?}"
    );
    // The client asks all the same, with an empty key.
    let empty = answer(401, "");
    assert!(answers(&gateway).iter().all(|answer| *answer == empty));
    println!("a failing helper: {took:?}");
}
