//! A cached key is given up for Vault's own no, and for nothing else: a real OpenBao behind an odd
//! server, and an OpenBao that cannot check a login.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pem::parse;
use serde_json::{Value, json};

use crate::support::{
    Bao, KEY, TestEnv, Upstream,
    bao::BaoAgent,
    front::Front,
    tls::signing_key,
    upstream::{UpstreamReply, respond},
    vault_config::{userpass_auth, vault_config},
};

/// The text of a complete response.
fn response(status: &str, headers: &[(&str, &str)], content_type: &str, body: &str) -> String {
    match respond(status, content_type, headers, body) {
        UpstreamReply::Http(response) => response,
        _ => String::new(),
    }
}

/// Asserts that the cached key is served, and that `status` shows `error`.
async fn keeps_the_key(env: &TestEnv, error: &str) {
    env.helper().await.printed(KEY);
    let profile = &env.status().await["profiles"][0];
    assert_eq!(profile["state"], "ready", "{profile}");
    let found = profile["last_error"].as_str().unwrap_or_default();
    assert!(found.contains(error), "{error}: {profile}");
}

/// What gateways, proxies and load balancers send for every request, the login included.
#[tokio::test]
async fn an_odd_server_in_front_of_vault_costs_no_key() {
    let bao = Bao::start_with_key("k", KEY).await;
    let front = Front::start(bao.host()).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.edit_config(|config| config.replace(&bao.url(), &front.url()));
    env.helper().await.printed(KEY);
    let json = "application/json";
    for (answer, error) in [
        (
            response(
                "403 Forbidden",
                &[("server", "awselb/2.0")],
                json,
                r#"{"message":"Forbidden"}"#,
            ),
            "status 403 that is not Vault's ('Forbidden', server 'awselb/2.0')",
        ),
        (
            response(
                "404 Not Found",
                &[("server", "kong/3.6")],
                json,
                r#"{"message":"no Route matched with those values"}"#,
            ),
            "status 404 that is not Vault's ('no Route matched with those values', server 'kong/3.6')",
        ),
        (
            response(
                "403 Forbidden",
                &[("server", "cloudflare")],
                json,
                r#"{"success":false,"errors":[{"code":1000,"message":"blocked"}],"result":null}"#,
            ),
            "status 403 that is not Vault's ('blocked', server 'cloudflare')",
        ),
        (
            response(
                "403 Forbidden",
                &[("server", "envoy")],
                "text/plain",
                "RBAC: access denied",
            ),
            "('RBAC: access denied', server 'envoy')",
        ),
        (
            response("404 Not Found", &[], "text/plain", "404 page not found\n"),
            "('404 page not found')",
        ),
        (
            response(
                "403 Forbidden",
                &[("server", "nginx")],
                "text/html",
                "<html>Blocked</html>",
            ),
            "a web page (status 403, server 'nginx'), not JSON",
        ),
        (
            response(
                "407 Proxy Authentication Required",
                &[("via", "1.1 squid")],
                "text/html",
                "<html>",
            ),
            "status 407: a proxy in front of it demands authorization (via '1.1 squid')",
        ),
        (
            response("400 Bad Request", &[], json, ""),
            "status 400 that is not Vault's (no body)",
        ),
        (
            response("403 Forbidden", &[], json, ""),
            "status 403 that is not Vault's (no body)",
        ),
        (
            response("404 Not Found", &[], json, ""),
            "status 404 that is not Vault's (no body)",
        ),
        (
            response(
                "400 Bad Request",
                &[],
                json,
                r#"{"errors":["cannot write to readonly storage"]}"#,
            ),
            "cannot read 'secret/data/k' for now: cannot write to readonly storage (400)",
        ),
    ] {
        front.answer(move |_| Some(answer.clone()));
        let refreshed = env.claviger(&["refresh"]).await;
        refreshed.failed(5, &[&front.host(), error, "next try in"]);
        keeps_the_key(&env, error).await;
    }
    front.pass_on();
    env.claviger(&["refresh"]).await.succeeded();
    assert_eq!(bao.count("update", "auth/approle/login"), 1);

    // The policy is removed: that is Vault's own answer.
    bao.set_policy("reader", &[("secret/data/other", "read")])
        .await;
    let denied = "denied access to 'secret/data/k'";
    env.claviger(&["refresh"]).await.failed(5, &[denied]);
    env.helper().await.failed(5, &[denied]);
}

/// Only the answer about the token is odd: whether it is alive is not known.
#[tokio::test]
async fn a_denial_of_a_token_that_may_be_dead_costs_no_key() {
    let bao = Bao::start_with_key("k", KEY).await;
    let front = Front::start(bao.host()).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.edit_config(|config| config.replace(&bao.url(), &front.url()));
    env.helper().await.printed(KEY);
    let denied = r#"{"errors":["permission denied"]}"#;
    let odd = response(
        "403 Forbidden",
        &[],
        "application/json",
        r#"{"message":"Forbidden"}"#,
    );
    let denied = response("403 Forbidden", &[], "application/json", denied);
    front.answer(move |request| match request.contains("lookup-self") {
        true => Some(odd.clone()),
        false => Some(denied.clone()),
    });
    let error = "status 403 that is not Vault's ('Forbidden')";
    env.claviger(&["refresh"]).await.failed(5, &[error]);
    keeps_the_key(&env, error).await;
}

/// The token has ended, not the key. A person must replace it.
#[tokio::test]
async fn a_static_token_that_ends_costs_no_key() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.helper().await.printed(KEY);
    let token = std::fs::read_to_string(env.path("secrets/token")).unwrap();
    bao.write("auth/token/revoke", json!({"token": token}))
        .await;
    let error = "refused the login: permission denied (403)";
    for _ in 0..2 {
        let refreshed = env.claviger(&["refresh"]).await;
        refreshed.failed(3, &[error, "hint: write a new token to"]);
        keeps_the_key(&env, error).await;
    }
}

/// `jwt_source`, and an OpenBao that fetches the keys of the issuer.
struct JwtFixture {
    bao: Bao,
    env: TestEnv,
    jwks: String,
}

impl JwtFixture {
    async fn start() -> Self {
        let bao = Bao::start_with_key("k", KEY).await;
        let (private, public) = signing_key();
        let public = parse(public).unwrap();
        // RFC 8410: the key is the last 32 bytes.
        let key = public.contents().last_chunk::<32>().unwrap();
        let x = URL_SAFE_NO_PAD.encode(key);
        let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x}]});
        bao.enable_auth("jwt").await;
        let env = TestEnv::new();
        env.add_secret(KEY);
        let signing = env.write_secret_file("signing.pem", &private);
        let auth = "method = \"jwt\", role = \"dev\", jwt_source = \"minted\"";
        env.write_config(&format!(
            "{}\n[source.minted]\ntype = \"jwt\"\nalgorithm = \"EdDSA\"\nkey_file = \"{signing}\"\n\
             subject = \"ana\"\naudience = \"vault\"\n",
            vault_config(&bao.url(), "secret/k", "", auth)
        ));
        let jwks = jwks.to_string();
        Self { bao, env, jwks }
    }

    /// Starts the issuer's server and has OpenBao fetch its keys from there at the next login.
    async fn issuer(&self) -> Upstream {
        let keys = respond("200 OK", "application/json", &[], &self.jwks);
        let issuer = Upstream::start(keys).await;
        let config = json!({"jwks_url": issuer.url()});
        self.bao.write("auth/jwt/config", config).await;
        let role = json!({
            "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"],
            "token_policies": ["reader"],
        });
        self.bao.write("auth/jwt/role/dev", role).await;
        issuer
    }

    /// Ends the daemon's token, so that it must log in again.
    async fn end_tokens(&self) {
        let path = "sys/leases/revoke-prefix/auth/jwt";
        self.bao.write(path, Value::Null).await;
    }
}

#[tokio::test]
async fn an_openbao_whose_jwks_server_is_down_costs_no_key() {
    let fixture = JwtFixture::start().await;
    let env = &fixture.env;
    drop(fixture.issuer().await);
    let error = "cannot check the login for now: error validating token";
    // Without a key, it is Vault's trouble and nothing that a person can log in to.
    env.helper()
        .await
        .failed(5, &[error, "hint: nothing to do on this machine"]);
    let issuer = fixture.issuer().await;
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
    drop(issuer);

    drop(fixture.issuer().await);
    fixture.end_tokens().await;
    for _ in 0..2 {
        env.claviger(&["refresh"]).await.failed(5, &[error]);
        keeps_the_key(env, error).await;
    }
    let _issuer = fixture.issuer().await;
    env.claviger(&["refresh"]).await.succeeded();
    // Vault's own reason names the token: that is a no.
    fixture.end_tokens().await;
    let role = json!({
        "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["other"],
    });
    fixture.bao.write("auth/jwt/role/dev", role).await;
    env.claviger(&["refresh"])
        .await
        .failed(3, &["invalid audience"]);
    env.helper().await.failed(3, &["invalid audience"]);
}

/// Another process tries wrong passwords, so that OpenBao locks the user for a while.
#[tokio::test]
async fn a_login_that_is_refused_with_a_proven_secret_costs_no_key() {
    let bao = Bao::start_with_key("k", KEY).await;
    bao.enable_userpass("ana", "correct-horse-battery").await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let password = env.write_secret_file("password", "correct-horse-battery\n");
    let auth = userpass_auth(&password);
    env.write_config(&vault_config(&bao.url(), "secret/k", "", &auth));
    env.helper().await.printed(KEY);
    for _ in 0..5 {
        let wrong = json!({"password": "wrong"});
        bao.api(reqwest::Method::POST, "auth/userpass/login/ana", wrong)
            .await;
    }
    bao.write("sys/leases/revoke-prefix/auth/userpass", Value::Null)
        .await;
    let error = "refused the login: permission denied (403)";
    for _ in 0..2 {
        let refreshed = env.claviger(&["refresh"]).await;
        refreshed.failed(3, &[error, "hint: write the password of 'ana' to"]);
        keeps_the_key(&env, error).await;
    }
    // A new daemon has never seen it work.
    env.claviger(&["stop"]).await.succeeded();
    env.helper().await.failed(3, &[error]);
}

#[tokio::test]
async fn a_destroyed_secret_id_is_a_no() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.helper().await.printed(KEY);
    let secret_id = std::fs::read_to_string(env.path("secrets/secret-id")).unwrap();
    let path = "auth/approle/role/dev/secret-id/destroy";
    bao.write(path, json!({"secret_id": secret_id})).await;
    bao.write("sys/leases/revoke-prefix/auth/approle", Value::Null)
        .await;
    let refused = "refused the login: invalid role or secret ID (400)";
    env.claviger(&["refresh"]).await.failed(3, &[refused]);
    env.helper().await.failed(3, &[refused]);
    assert_eq!(env.status().await["profiles"][0]["state"], "login-required");
}

#[tokio::test]
async fn an_agent_whose_token_has_ended_costs_no_key_and_its_denial_does() {
    let bao = Bao::start_with_key("k", KEY).await;
    let role = bao.enable_approle(json!({})).await;
    let agent = BaoAgent::start(&bao, &role).await;
    let start = || {
        let env = TestEnv::new();
        env.add_secret(KEY);
        let config = vault_config(&agent.url(), "secret/k", "", "");
        env.write_config(&config.replace("auth = {  }", ""));
        env
    };
    let env = start();
    env.helper().await.printed(KEY);
    bao.set_policy("reader", &[("secret/data/other", "read")])
        .await;
    let denied = "denied access to 'secret/data/k'";
    env.claviger(&["refresh"]).await.failed(5, &[denied]);
    env.helper().await.failed(5, &[denied]);

    bao.set_policy("reader", &[("secret/data/*", "read")]).await;
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
    bao.write("sys/leases/revoke-prefix/auth/approle", Value::Null)
        .await;
    let error = "the agent has no valid token: permission denied (403)";
    let refreshed = env.claviger(&["refresh"]).await;
    refreshed.failed(3, &[error, "hint: check that the agent at"]);
    keeps_the_key(&env, error).await;
}
