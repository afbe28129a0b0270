//! The scripts of `packaging/vault`, run as an administrator does, against a real server.

use std::{path::PathBuf, process::Stdio};

use serde_json::json;
use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::support::{
    Bao, KEY, TestEnv,
    fingerprint::fingerprint,
    identity_provider::{PASSWORD, PUBLIC_CLIENT},
    login_command::sign_in,
    oidc_provider::OidcProvider,
    poll::{SOON, until},
    tools::tool,
};

/// The output of one script.
struct Ran {
    ok: bool,
    stdout: String,
    stderr: String,
}

/// Runs a script with root's token, and with `input` on stdin.
async fn run(env: &TestEnv, bao: &Bao, script: &str, args: &[&str], input: &str) -> Ran {
    run_with(env, bao, "root", script, args, input).await
}

async fn run_with(
    env: &TestEnv,
    bao: &Bao,
    token: &str,
    script: &str,
    args: &[&str],
    input: &str,
) -> Ran {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("packaging/vault");
    let mut child = Command::new(folder.join(script))
        .args(args)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", env.path("admin"))
        .env("VAULT", tool("bao"))
        .env("VAULT_ADDR", bao.url())
        .env("VAULT_TOKEN", token)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A script that reads nothing closes it.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let ran = Ran {
        ok: output.status.success(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    env.record_output(script, &ran.stderr);
    // The token for the machine is what it is for.
    if script != "enroll" {
        env.record_output(script, &ran.stdout);
    }
    ran
}

impl Ran {
    fn succeeded(self) -> String {
        assert!(self.ok, "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// The claim `preferred_username` of two users, of which the first one signs in, and their keys.
const KEYS: [(&str, &str); 2] = [
    ("ana.sousa", "sk-canary-ana-5f3a"),
    ("bob.lee", "sk-canary-bob-9c1d"),
];

/// The key of all developers.
const SHARED: &str = "secret/llm-gateway/shared";

#[tokio::test]
async fn a_machine_is_enrolled_its_key_is_rotated_and_it_is_offboarded() {
    let bao = Bao::start().await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let first = run(&env, &bao, "rotate", &[SHARED], KEY).await.succeeded();
    assert_eq!(
        first,
        format!("version 1, fingerprint {}\n", fingerprint(KEY))
    );

    let source = run(&env, &bao, "setup", &["approle"], "").await.succeeded();
    // A second run changes nothing.
    let again = run(&env, &bao, "setup", &["approle"], "").await.succeeded();
    assert_eq!(again, source);
    let token = run(&env, &bao, "enroll", &["laptop-7"], "")
        .await
        .succeeded();
    let token_file = env.write_secret_file("secret-id", &token);
    env.add_secret(token.trim());
    let source = source
        .replace("/var/lib/claviger/{user}.secret-id", &token_file)
        .replace(r#"store             = "system""#, r#"store = "file""#)
        .replace(
            "field   = \"api_key\"",
            "field = \"api_key\"\nwatch = \"1s\"",
        );
    env.write_config(&format!(
        "[profile.default]\nsource = \"team-vault\"\n{source}"
    ));
    env.claviger(&["config", "check"]).await.succeeded();
    env.helper().await.printed(KEY);

    // An emergency: the new version is found, and the old one cannot be read again.
    let second = "sk-canary-rotated-81c7";
    env.add_secret(second);
    let rotated = run(&env, &bao, "rotate", &["--destroy-old", SHARED], second).await;
    assert_eq!(
        rotated.succeeded(),
        format!(
            "version 2, fingerprint {}\ndestroyed versions 1 to 1\n",
            fingerprint(second)
        )
    );
    until("the new version is served", SOON, async || {
        env.helper().await.stdout.trim_end() == second
    })
    .await;
    let (status, _) = bao
        .api(
            reqwest::Method::GET,
            "secret/data/llm-gateway/shared?version=1",
            json!(null),
        )
        .await;
    assert_eq!(status, 404);

    let ended = run(&env, &bao, "offboard", &["--machine", "laptop-7"], "").await;
    let ended = ended.succeeded();
    assert!(ended.contains("destroyed the secret-id"), "{ended}");
    assert!(ended.contains("revoked the token"), "{ended}");
    env.claviger(&["stop"]).await.succeeded();
    env.helper().await.failed(3, &["team-vault"]);
    let unknown = run(&env, &bao, "offboard", &["--machine", "laptop-8"], "").await;
    assert!(!unknown.ok);
    assert!(
        unknown
            .stderr
            .contains("no secret-id of the machine 'laptop-8'")
    );
}

#[tokio::test]
async fn a_user_signs_in_reads_only_their_own_key_and_is_offboarded() {
    let provider = OidcProvider::start().await;
    let bao = Bao::start().await;
    let env = TestEnv::new();
    env.add_secret(PASSWORD);
    for (user, key) in KEYS {
        env.add_secret(key);
        let path = format!("secret/llm-gateway/users/{user}");
        let args = [path.as_str()];
        run(&env, &bao, "rotate", &args, key).await.succeeded();
    }
    let args = ["jwt", provider.issuer(), PUBLIC_CLIENT];
    let source = run(&env, &bao, "setup", &args, "").await.succeeded();
    let profile = "[profile.default]\nsource = \"team-vault\"\n";
    let with_store = format!("{profile}{source}store = \"file\"\n");
    let others = with_store.replace("{claim:preferred_username}", KEYS[1].0);
    env.write_config(&others);
    env.claviger(&["config", "check"]).await.succeeded();
    sign_in(&env, &[]).await;
    env.helper().await.failed(5, &["permission denied"]);
    env.write_config(&with_store);
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEYS[0].1);

    let args = ["--user", KEYS[0].0];
    let ended = run(&env, &bao, "offboard", &args, "").await.succeeded();
    assert!(ended.contains("deleted the key"), "{ended}");
    assert!(ended.contains("and its tokens"), "{ended}");
    let refreshed = env.claviger(&["refresh"]).await;
    assert_ne!(refreshed.code, Some(0), "{}", refreshed.stdout);
}

#[tokio::test]
async fn a_wrong_call_says_what_is_expected_and_changes_nothing() {
    let bao = Bao::start().await;
    let env = TestEnv::new();
    for (script, args, input, expected) in [
        ("setup", &[][..], "", "expected a login"),
        ("setup", &["radius"], "", "unexpected argument 'radius'"),
        ("setup", &["--mount"], "", "'--mount' needs a value"),
        ("enroll", &["a b"], "", "expected letters"),
        ("rotate", &["shared"], "x", "expected MOUNT/PATH"),
        ("rotate", &[SHARED], "", "standard input is empty"),
        ("rotate", &[SHARED], "two words\n", "white space"),
        ("offboard", &["--user", "a/b"], "", "invalid name"),
        ("offboard", &[], "", "expected '--user NAME'"),
    ] {
        let ran = run(&env, &bao, script, args, input).await;
        assert!(!ran.ok, "{script} {args:?}");
        assert!(
            ran.stderr.contains(expected),
            "{script} {args:?}: {}",
            ran.stderr
        );
    }
    let writes = bao.requests();
    assert!(
        writes.iter().all(|(operation, _)| operation == "read"),
        "{writes:?}"
    );
}

/// A version that cannot be read is not taken for none: check-and-set would then overwrite nothing
/// for a new secret, and report the wrong cause for an old one.
#[tokio::test]
async fn a_rotation_that_cannot_read_the_version_writes_nothing() {
    let bao = Bao::start().await;
    let env = TestEnv::new();
    let policy = r#"path "secret/data/llm-gateway/*" { capabilities = ["create", "update"] }"#;
    bao.write("sys/policies/acl/writer", json!({"policy": policy}))
        .await;
    let token = bao.create_token(json!({"policies": ["writer"]})).await;
    for secret in [&token, KEY] {
        env.add_secret(secret);
    }
    let ran = run_with(&env, &bao, &token, "rotate", &[SHARED], KEY).await;
    assert!(!ran.ok, "{}", ran.stdout);
    for part in [
        "the version of secret/llm-gateway/shared cannot be read",
        "permission denied",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let path = "secret/metadata/llm-gateway/shared";
    let (status, _) = bao.api(reqwest::Method::GET, path, json!(null)).await;
    assert_eq!(status, 404);
}

/// A machine's login with a secret-id whose metadata name it, as `enroll` makes them.
async fn sign_machine_in(bao: &Bao, machine: &str) -> String {
    let metadata = json!({"metadata": json!({"machine": machine}).to_string()});
    let role = "auth/approle/role/claviger";
    let secret_id = bao.write(&format!("{role}/secret-id"), metadata).await;
    let path = format!("{role}/role-id");
    let (_, role_id) = bao.api(reqwest::Method::GET, &path, json!(null)).await;
    let body = json!({
        "role_id": role_id["data"]["role_id"],
        "secret_id": secret_id["data"]["secret_id"],
    });
    let login = bao.write("auth/approle/login", body).await;
    login["auth"]["client_token"].as_str().unwrap().to_owned()
}

async fn is_valid(bao: &Bao, token: &str) -> bool {
    let body = json!({"token": token});
    let (status, _) = bao
        .api(reqwest::Method::POST, "auth/token/lookup", body)
        .await;
    status == 200
}

/// A dot matches no other character, and the name of one is not a part of another's.
#[tokio::test]
async fn offboarding_ends_the_logins_of_one_machine_alone() {
    let bao = Bao::start().await;
    let env = TestEnv::new();
    run(&env, &bao, "setup", &["approle"], "").await.succeeded();
    let mut tokens = Vec::new();
    for machine in ["laptop.7", "laptop-7", "laptop.70", "laptop.7"] {
        let token = sign_machine_in(&bao, machine).await;
        env.add_secret(&token);
        tokens.push(token);
    }
    let args = ["--machine", "laptop.7"];
    let ended = run(&env, &bao, "offboard", &args, "").await.succeeded();
    assert_eq!(ended.matches("destroyed the secret-id").count(), 2);
    assert_eq!(ended.matches("revoked the token").count(), 2, "{ended}");
    let mut valid = Vec::new();
    for token in &tokens {
        valid.push(is_valid(&bao, token).await);
    }
    assert_eq!(valid, [false, true, true, false]);
}

/// What could not be looked up may go on: that is a failure, not an end.
#[tokio::test]
async fn an_offboarding_that_may_not_see_everything_fails() {
    let bao = Bao::start().await;
    let env = TestEnv::new();
    run(&env, &bao, "setup", &["approle"], "").await.succeeded();
    bao.enable_auth("jwt").await;
    let victim = sign_machine_in(&bao, "laptop-7").await;
    let secret_ids = r#"path "auth/approle/role/claviger/*"
        { capabilities = ["create", "read", "update", "delete", "list"] }"#;
    let accessors = r#"path "auth/token/accessors/*" { capabilities = ["list", "sudo"] }"#;
    let users = r#"path "secret/metadata/*" { capabilities = ["delete"] }
        path "sys/auth/jwt" { capabilities = ["read", "sudo"] }"#;
    for (name, policy, args, expected) in [
        (
            "no-list",
            secret_ids.to_owned(),
            ["--machine", "laptop-7"],
            "auth/token/accessors cannot be listed",
        ),
        (
            "no-lookup",
            format!("{secret_ids}\n{accessors}"),
            ["--machine", "laptop-8"],
            "a token cannot be looked up",
        ),
        (
            "no-entity",
            users.to_owned(),
            ["--user", "ana.sousa"],
            "the logins of 'ana.sousa' cannot be looked up",
        ),
    ] {
        sign_machine_in(&bao, "laptop-8").await;
        bao.write(
            &format!("sys/policies/acl/{name}"),
            json!({"policy": policy}),
        )
        .await;
        let token = bao.create_token(json!({"policies": [name]})).await;
        env.add_secret(&token);
        let ran = run_with(&env, &bao, &token, "offboard", &args, "").await;
        assert!(!ran.ok, "{name}: {}", ran.stdout);
        assert!(ran.stderr.contains(expected), "{name}: {}", ran.stderr);
    }
    assert!(is_valid(&bao, &victim).await);

    let unknown = run(&env, &bao, "offboard", &["--user", "ana.sousa"], "").await;
    let unknown = unknown.succeeded();
    assert!(
        unknown.contains("no login of 'ana.sousa' is known"),
        "{unknown}"
    );
}
