//! The contracts of `status` and of the shim's formats.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Bao, KEY, TestEnv};

fn keys(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn the_report_has_the_documented_names_and_values() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.helper().await.printed(KEY);
    let status = env.status().await;
    assert_eq!(keys(&status), ["daemon", "profiles"].into());
    let daemon = &status["daemon"];
    for name in ["pid", "version", "uptime_s", "socket"] {
        assert!(keys(daemon).contains(name), "{name}");
    }
    let pid = env.daemon_pid().unwrap().as_raw_nonzero().get();
    assert_eq!(daemon["pid"], pid);
    assert_eq!(daemon["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(daemon["socket"], env.socket().to_str().unwrap());
    let profile = &status["profiles"][0];
    for name in [
        "name",
        "source",
        "state",
        "fingerprint",
        "issued_at",
        "expires_at",
        "next_refresh_at",
        "version",
        "last_error",
    ] {
        assert!(keys(profile).contains(name), "{name}");
    }
    assert_eq!(profile["name"], "default");
    assert_eq!(profile["source"], "vault");
    assert_eq!(profile["state"], "ready");
    assert_eq!(profile["fingerprint"], sha256(KEY)[..12]);
    assert_eq!(profile["version"], 1);
    assert!(profile["last_error"].is_null());
    let text = env.claviger(&["status"]).await;
    let text = text.succeeded();
    assert!(
        text.contains("default  vault   ready") && text.contains(&sha256(KEY)[..12]),
        "{text}"
    );
    for one in [
        &["default"][..],
        &["--profile", "default"],
        &["--profile=default"],
    ] {
        let one = env.claviger(&[&["status", "--json"], one].concat()).await;
        assert!(one.succeeded().contains("\"ready\""));
    }
}

#[tokio::test]
async fn without_a_daemon_status_and_logout_start_none() {
    let env = TestEnv::new();
    env.claviger(&["status"])
        .await
        .failed(8, &["no daemon is running", "hint: run claviger refresh"]);
    let json = env.claviger(&["status", "--json"]).await;
    assert_eq!(json.code, Some(8));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json, json!({"daemon": null, "profiles": []}));
    assert!(!env.socket().exists(), "no daemon was started");
    assert_eq!(
        env.claviger(&["logout"]).await.succeeded(),
        "no daemon is running: there is nothing to forget\n"
    );
}

#[tokio::test]
async fn a_refresh_starts_a_daemon() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    let refreshed = env.claviger(&["refresh"]).await;
    assert!(refreshed.succeeded().contains("ready"), "{refreshed:?}");
    env.helper().await.printed(KEY);
    assert_eq!(bao.count("read", "secret/data/k"), 1);
}

#[tokio::test]
async fn the_shim_prints_headers_json_and_keys() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    let bearer = format!("Bearer {KEY}");
    let headers = env.helper_with(&["--format", "headers"], &[]).await;
    let headers: Value = serde_json::from_str(headers.succeeded()).unwrap();
    assert_eq!(headers, json!({"Authorization": bearer}));
    let all = env.helper_with(&["--format", "json"], &[]).await;
    let all: Value = serde_json::from_str(all.succeeded()).unwrap();
    assert_eq!(all["token"], KEY);
    assert_eq!(all["headers"], headers);
    env.helper_with(&["--format", "key"], &[])
        .await
        .printed(KEY);
}

/// The search that all other tests pass finds a leak if there is one.
#[tokio::test]
#[should_panic(expected = "a secret leaked")]
async fn a_leaked_secret_fails_the_test() {
    let env = TestEnv::new();
    std::fs::create_dir(env.state_dir()).unwrap();
    std::fs::write(env.state_dir().join("daemon.log"), format!("got {KEY}\n")).unwrap();
    env.add_secret(KEY);
}

fn sha256(text: &str) -> String {
    use std::io::Write as _;
    let mut child = std::process::Command::new("sha256sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}
