//! What Vault is asked at all, by its own audit log: the price of this program for whoever runs Vault.

use serde_json::json;

use crate::support::{Bao, KEY, TestEnv, test_env::vault};

const DATA: &str = "secret/data/k";

async fn bao() -> Bao {
    let bao = Bao::start().await;
    bao.put("k", json!({"api_key": KEY})).await;
    bao
}

/// Runs of the shim one after another, each for a client of its own as far as Vault is concerned.
#[tokio::test]
async fn twenty_keys_are_one_read() {
    let bao = bao().await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    for _ in 0..20 {
        env.helper().await.printed(KEY);
    }
    assert_eq!(bao.asked("update", "auth/approle/login"), 1);
    assert_eq!(bao.asked("read", DATA), 1);
}

/// Two profiles of one source share the login and the key.
#[tokio::test]
async fn profiles_of_one_source() {
    let bao = bao().await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    let config = std::fs::read_to_string(env.config_file()).unwrap();
    env.raw_config(&format!("{config}[profile.other]\nsource = \"vault\"\n"));
    env.helper().await.printed(KEY);
    env.helper_with(&["--profile", "other"], &[])
        .await
        .printed(KEY);
    assert_eq!(bao.asked("update", "auth/approle/login"), 1);
}

/// A wrong secret does not lock the account: one try, and then the back-off.
#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let bao = bao().await;
    bao.userpass("ana", "correct-horse-battery").await;
    let env = TestEnv::new();
    let password = env.secret_file("password", "incorrect-horse");
    let auth = format!("method = \"userpass\", username = \"ana\", password_file = \"{password}\"");
    env.config(&vault(&bao.url(), "secret/k", "", &auth));
    for output in env.helpers(20).await {
        output.failed(3, &["invalid username or password"]);
    }
    let tries = bao.asked("update", "auth/userpass/login/ana");
    assert!(tries <= 3, "{tries}");
}
