//! A policy as a secret in a real OpenBao.

use rustix::process::Signal;
use serde_json::json;

use super::{Publisher, audit, stop, until_in_force, until_recorded};
use crate::support::{
    Bao, KEY, TestEnv,
    memory::{ExitWatch, Needle},
    vault_config::{approle_auth, token_auth, vault_source},
};

const DENIED: &str = "[rule.rebuild]\ndisabled = \"the gateway is being rebuilt\"\n";

/// Adds the policy in Vault to the configuration.
fn configure(publisher: &Publisher, env: &TestEnv, bao: &Bao, auth: &str) {
    let source = vault_source("policies", &bao.url(), "secret/policy", "", auth);
    let source = source.replace("api_key", "policy");
    let pin = publisher.pin();
    env.edit_config(|config| format!("{config}{source}\n{pin}source = \"policies\"\n"));
}

async fn put(bao: &Bao, policy: &str) {
    bao.put("policy", json!({ "policy": policy })).await;
}

#[tokio::test]
async fn a_new_version_is_in_force_after_the_watch() {
    let publisher = Publisher::start().await;
    let bao = Bao::start().await;
    let env = TestEnv::with_fixed_key();
    let role = bao.enable_approle(json!({})).await;
    let secret_id = env.write_secret_file("secret-id", &role.secret_id);
    configure(
        &publisher,
        &env,
        &bao,
        &approle_auth(&role.role_id, &secret_id),
    );
    let missing = env.helper().await;
    missing.failed(
        7,
        &["has not arrived from the source 'policies' yet", "404"],
    );
    stop(&env).await;

    put(&bao, &publisher.sign("").await).await;
    env.helper().await.printed(KEY);
    put(&bao, &publisher.sign(DENIED).await).await;
    until_in_force(&env, 2).await;
    env.helper().await.failed(7, &["rebuilt"]);
    // A rollback by the writers of the secret.
    bao.put(
        "policy",
        json!({ "policy": publisher.sign_as(1, "").await }),
    )
    .await;
    until_recorded(&env, "refused", 1).await;
    env.helper().await.failed(7, &["rebuilt"]);
    assert_eq!(bao.count("update", "auth/approle/login"), 2, "one a daemon");
    audit::is_whole(&env).await;
}

#[tokio::test]
async fn the_last_good_one_stays_in_force_without_vault() {
    let publisher = Publisher::start().await;
    let mut bao = Bao::start().await;
    let env = TestEnv::with_fixed_key();
    let token = env.write_secret_file("token", &bao.create_token(json!({})).await);
    configure(&publisher, &env, &bao, &token_auth(&token));
    // As 'vault kv put secret/policy policy=@policy.jws' writes it, with the end of its line.
    let text = publisher.sign("").await;
    assert!(text.ends_with('\n'));
    put(&bao, &text).await;
    env.helper().await.printed(KEY);
    stop(&env).await;
    bao.kill();
    env.helper().await.printed(KEY);
    let failed = until_recorded(&env, "failed", 1).await;
    let message = failed["message"].as_str().unwrap();
    assert!(message.contains("refused the connection"), "{failed}");
}

/// The lock drops the login by which the policy is fetched, too, and no look obtains another one.
#[tokio::test]
async fn a_daemon_that_is_locked_or_ends_has_no_token_in_memory() {
    let publisher = Publisher::start().await;
    let bao = Bao::start().await;
    let env = TestEnv::with_fixed_key();
    let token = bao.create_token(json!({})).await;
    let file = env.write_secret_file("token", &token);
    configure(&publisher, &env, &bao, &token_auth(&file));
    put(&bao, &publisher.sign("").await).await;
    env.helper().await.printed(KEY);
    let (token, pid) = (Needle::text("token", &token), env.daemon_pid().unwrap());
    assert!(!token.copies(pid).is_empty());
    let watch = ExitWatch::attach(pid);
    env.kill_daemon(Signal::TERM);
    assert_eq!(token.count_in(&watch.last_memory()), 0);

    // The next daemon looks first.
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    assert!(!token.copies(pid).is_empty());
    env.claviger(&["lock"]).await.succeeded();
    assert_eq!(token.copies(pid), []);
    let reads = || bao.count("read", "secret/data/policy");
    let before = reads();
    env.helper().await.failed(7, &["locked"]);
    assert_eq!((reads(), token.copies(pid)), (before, Vec::new()));
    env.claviger(&["unlock"]).await.succeeded();
    env.helper().await.printed(KEY);
}
