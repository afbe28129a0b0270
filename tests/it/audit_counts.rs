//! How many requests Vault receives, counted in its audit log: the load on its operator.

use serde_json::json;

use crate::support::{
    Bao, KEY, TestEnv,
    vault_config::{userpass_auth, vault_config},
};

const DATA: &str = "secret/data/k";

#[tokio::test]
async fn twenty_calls_cost_one_login_and_one_read() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    for _ in 0..20 {
        env.helper().await.printed(KEY);
    }
    assert_eq!(bao.count("update", "auth/approle/login"), 1);
    assert_eq!(bao.count("read", DATA), 1);
}

#[tokio::test]
async fn profiles_of_one_source_share_the_login() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.edit_config(|config| config + "[profile.other]\nsource = \"vault\"\n");
    env.helper().await.printed(KEY);
    env.helper_with(&["--profile", "other"], &[])
        .await
        .printed(KEY);
    assert_eq!(bao.count("update", "auth/approle/login"), 1);
}

/// Retries without back-off could lock the account.
#[tokio::test]
async fn twenty_callers_do_not_retry_a_wrong_password() {
    let bao = Bao::start_with_key("k", KEY).await;
    bao.enable_userpass("ana", "correct-horse-battery").await;
    let env = TestEnv::new();
    let password = env.write_secret_file("password", "incorrect-horse");
    let auth = userpass_auth(&password);
    env.write_config(&vault_config(&bao.url(), "secret/k", "", &auth));
    for output in env.helpers(20).await {
        output.failed(3, &["invalid username or password"]);
    }
    let tries = bao.count("update", "auth/userpass/login/ana");
    assert!(tries <= 3, "{tries}");
}
