//! Where keys come from.

use claviger::demo::gateway::TestGateway;
use serde_json::{Value, json};

use super::family::{assert_found, found, serious};
use crate::support::{
    Bao, KEY, TestEnv, Upstream,
    answers::secret,
    identity_provider::{PASSWORD, PUBLIC_CLIENT},
    login_command,
    oidc_provider::{OidcProvider, OidcProviderOptions},
    upstream::respond,
    vault_config::{approle_auth, token_auth, vault_config},
};

/// What is found about a machine with a token of the policy `reader` for this path; `more` are
/// further lines of the source's table.
async fn at(bao: &Bao, path: &str, more: &str) -> Vec<Value> {
    let env = TestEnv::with_token(bao, path, more).await;
    found(&env, "source").await
}

#[tokio::test]
async fn a_wrong_path_policy_field_or_version_of_kv_is_told_apart() {
    let bao = Bao::start_with_key("k", KEY).await;
    bao.put("number", json!({"api_key": 7})).await;
    bao.put("blank", json!({"api_key": "a b"})).await;
    bao.put("other", json!({"key": KEY})).await;
    bao.mount_kv1().await;
    assert_eq!(serious(&at(&bao, "secret/k", "").await), [""; 0]);
    for (path, more, id, part) in [
        (
            "secret/none",
            "",
            "source.path",
            "no secret at 'secret/data/none'",
        ),
        ("secret/other", "", "source.field", "'api_key'"),
        ("secret/number", "", "source.unusable-key", "is a number"),
        ("secret/blank", "", "source.unusable-key", "whitespace"),
    ] {
        assert_found(&at(&bao, path, more).await, id, &[part]);
    }
}

#[tokio::test]
async fn an_engine_of_another_version_is_named_with_the_key_to_set() {
    let bao = Bao::start_with_key("k", KEY).await;
    let findings = at(&bao, "secret/k", "kv = 1").await;
    assert_eq!(serious(&findings), ["source.kv-version"], "{findings:#?}");
}

#[tokio::test]
async fn a_token_without_the_policy_and_one_that_is_wrong_are_told_apart() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let weak = bao.create_token(json!({"policies": ["default"]})).await;
    let token = env.write_secret_file("token", &weak);
    let auth = token_auth(&token);
    env.write_config(&vault_config(&bao.url(), "secret/k", "", &auth));
    let findings = found(&env, "source").await;
    assert_found(&findings, "source.policy", &["permission denied", "policy"]);

    env.write_secret_file("token", "hvs.canary-of-no-token");
    env.claviger(&["stop"]).await;
    let findings = found(&env, "source").await;
    assert_found(&findings, "source.login-refused", &[]);
}

#[tokio::test]
async fn a_secret_id_that_is_wrong_missing_or_unwrapped_is_told_apart() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let role = bao.enable_approle(json!({})).await;
    let wrong = env.write_secret_file("secret-id", "canary-not-a-secret-id");
    let auth = approle_auth(&role.role_id, &wrong);
    env.write_config(&vault_config(&bao.url(), "secret/k", "", &auth));
    let findings = found(&env, "source").await;
    assert_found(
        &findings,
        "source.login-refused",
        &["invalid role or secret ID"],
    );

    std::fs::remove_file(&wrong).unwrap();
    env.claviger(&["stop"]).await;
    let findings = found(&env, "source").await;
    assert_found(&findings, "source.configuration", &[&wrong]);

    env.write_secret_file("secret-id", "hvs.canary-used-wrapping-token");
    let auth = format!("{auth}, secret_id_wrapped = true, store = \"memory\"");
    env.write_config(&vault_config(&bao.url(), "secret/k", "", &auth));
    env.claviger(&["stop"]).await;
    let findings = found(&env, "source").await;
    assert_found(&findings, "source.wrapped-secret-id", &["newly wrapped"]);
}

#[tokio::test]
async fn a_vault_that_is_sealed_gone_or_another_server_is_told_apart() {
    let mut bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    bao.seal().await;
    assert_found(
        &found(&env, "source").await,
        "source.unavailable",
        &["sealed"],
    );
    bao.kill();
    env.claviger(&["stop"]).await;
    let findings = found(&env, "source").await;
    assert_found(&findings, "source.unreachable", &["refused the connection"]);
    let page = Upstream::start(respond("200 OK", "text/html", &[], "<html>Sign in")).await;
    env.edit_config(|config| config.replace(&bao.url(), &page.url()));
    let findings = found(&env, "source").await;
    assert_found(&findings, "source.unexpected-answer", &["a web page"]);
}

#[tokio::test]
async fn a_key_from_memory_is_reported_while_its_source_fails() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.helper().await.printed(KEY);
    bao.seal().await;
    env.claviger(&["refresh"]).await;
    assert_found(&found(&env, "source").await, "source.stale", &["sealed"]);
}

#[tokio::test]
async fn a_program_that_fails_is_named() {
    let env = TestEnv::with_script("echo no ticket >&2; exit 1");
    let findings = found(&env, "source").await;
    assert_found(&findings, "source.program", &["corp-key", "no ticket"]);
}

#[tokio::test]
async fn a_user_who_must_sign_in_is_told_so_and_a_login_that_is_good_is_no_finding() {
    let provider = OidcProvider::start_with(OidcProviderOptions::default()).await;
    let env = TestEnv::new();
    env.add_secret(PASSWORD);
    env.write_config(&format!(
        "[profile.default]\nsource = \"sso\"\n[source.sso]\ntype = \"oauth\"\nissuer = \"{}\"\n\
         client_id = \"{PUBLIC_CLIENT}\"\nscopes = [\"openid\", \"offline_access\"]\nstore = \"file\"\n",
        provider.issuer()
    ));
    let findings = found(&env, "source").await;
    assert_found(
        &findings,
        "source.login-required",
        &["claviger login default"],
    );
    let gateway = TestGateway::start([]).await.unwrap();
    let table = "[profile.default]\n";
    let line = format!("{table}gateway = \"{}\"\n", gateway.url());
    env.edit_config(|config| config.replace(table, &line));
    let (_, end) = login_command::sign_in(&env, &[]).await;
    end.signed_in();
    let output = env.helper().await;
    let key = output.stdout.trim_end();
    env.add_secret(key);
    gateway.accept(secret(key));
    for family in ["network", "source", "gateway"] {
        let findings = found(&env, family).await;
        assert_eq!(serious(&findings), [""; 0], "{findings:#?}");
    }
}
