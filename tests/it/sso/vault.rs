//! One sign-in at an identity provider, then each developer's own key in Vault, which verifies the
//! provider's tokens.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::fixture::{REFRESH, source};
use crate::support::{
    Bao, TestEnv,
    identity_provider::{PASSWORD, Person, Target, USER},
    login_command::{sign_in, sign_in_as},
    oidc_provider::{OidcProvider, OidcProviderOptions},
    poll::{SOON, until},
    vault_config::vault_source,
};

/// Another user than [`USER`].
const BOB: &str = "bob";

/// The claim `preferred_username` of both users, and their keys.
const ANA_KEY: (&str, &str) = ("ana.sousa", "sk-canary-ana-5f3a");
const BOB_KEY: (&str, &str) = ("bob.lee", "sk-canary-bob-9c1d");

/// The path of the logins at Vault.
const LOGIN: &str = "auth/jwt/login";

/// An identity provider with two users, a Vault with a key for each, and one machine.
struct VaultBySso {
    provider: OidcProvider,
    bao: Bao,
    env: TestEnv,
}

impl VaultBySso {
    async fn start() -> Self {
        Self::start_with(300, json!({})).await
    }

    /// Access tokens are valid for `ttl` seconds; `role` are the parameters of Vault's role.
    async fn start_with(ttl: u32, role: Value) -> Self {
        let mut options = OidcProviderOptions {
            access_token_ttl: ttl,
            ..OidcProviderOptions::default()
        };
        let claims = json!({"name": "Bob Lee", "preferred_username": BOB_KEY.0});
        options
            .users
            .insert(BOB, json!({"password": PASSWORD, "claims": claims}));
        let audience = options.audience.clone().unwrap();
        let provider = OidcProvider::start_with(options).await;
        let bao = Bao::start().await;
        for (user, key) in [ANA_KEY, BOB_KEY] {
            bao.put(&format!("llm/{user}"), json!({"api_key": key}))
                .await;
        }
        let jwks = format!("{}/jwks", provider.issuer());
        bao.enable_jwt_of_issuer(&jwks, &audience, role).await;
        let env = machine(&provider, &bao);
        Self { provider, bao, env }
    }

    fn logins(&self) -> usize {
        self.bao.count("update", LOGIN)
    }

    fn revocations(&self) -> usize {
        self.bao.count("update", "auth/token/revoke-self")
    }
}

/// A machine whose key is in Vault, by the login at the provider.
fn machine(provider: &OidcProvider, bao: &Bao) -> TestEnv {
    let env = TestEnv::new();
    for secret in [PASSWORD, ANA_KEY.1, BOB_KEY.1] {
        env.add_secret(secret);
    }
    let auth = "method = \"jwt\", role = \"dev\", jwt_source = \"sso\"";
    let path = "secret/llm/{claim:preferred_username}";
    env.write_config(&format!(
        "[profile.default]\nsource = \"vault\"\n{}\n{}",
        vault_source("vault", &bao.url(), path, "", auth),
        source(provider.issuer(), "store = \"file\"")
    ));
    env
}

#[tokio::test]
async fn one_sign_in_gives_each_developer_their_own_key() {
    let vault = VaultBySso::start().await;
    let other = machine(&vault.provider, &vault.bao);
    for (env, user, (name, key)) in [(&vault.env, USER, ANA_KEY), (&other, BOB, BOB_KEY)] {
        env.claviger(&["config", "check"]).await.succeeded();
        env.helper()
            .await
            .failed(3, &["requires a login", "hint: run claviger login default"]);
        let (_, end) = sign_in_as(Person::named(user), env, &[]).await;
        assert_eq!(end.signed_in()["login"]["name"], name);
        for _ in 0..3 {
            env.helper().await.printed(key);
        }
        let path = format!("secret/data/llm/{name}");
        assert_eq!(vault.bao.count("read", &path), 1);
        assert_eq!(env.status().await["profiles"][0]["login"]["name"], name);
    }
    assert_eq!(vault.logins(), 2);
    // The login rests in the store: a new daemon needs no user.
    vault.env.kill_daemon(Signal::TERM);
    vault.env.helper().await.printed(ANA_KEY.1);
    assert_eq!(vault.logins(), 3);
}

#[tokio::test]
async fn a_logout_ends_both_logins() {
    let vault = VaultBySso::start().await;
    sign_in(&vault.env, &[]).await.1.signed_in();
    vault.env.helper().await.printed(ANA_KEY.1);
    vault.env.claviger(&["logout"]).await.succeeded();
    assert_eq!(vault.revocations(), 1);
    assert_eq!(vault.provider.front.count(Target::Path("/revoke")), 1);
    let requests = vault.provider.front.requests().len();
    vault
        .env
        .helper()
        .await
        .failed(3, &["hint: run claviger login default"]);
    assert_eq!(vault.provider.front.requests().len(), requests);
    assert_eq!(vault.logins(), 1);
}

/// Both tokens expire after two seconds. The user notices nothing, and a new key arrives.
#[tokio::test]
async fn tokens_that_expire_are_renewed_without_the_user() {
    let role = json!({"token_ttl": "2s", "token_max_ttl": "2s"});
    let vault = VaultBySso::start_with(2, role).await;
    sign_in(&vault.env, &[]).await.1.signed_in();
    vault.env.helper().await.printed(ANA_KEY.1);
    until("three logins at Vault", SOON, async || {
        vault.env.claviger(&["refresh"]).await.succeeded();
        vault.env.helper().await.printed(ANA_KEY.1);
        vault.logins() >= 3
    })
    .await;
    assert!(vault.provider.front.count(REFRESH) >= 1);
    let rotated = "sk-canary-ana-rotated-1c";
    vault.env.add_secret(rotated);
    let path = format!("llm/{}", ANA_KEY.0);
    vault.bao.put(&path, json!({"api_key": rotated})).await;
    vault.env.claviger(&["refresh"]).await.succeeded();
    vault.env.helper().await.printed(rotated);
}

/// Vault's login outlives the session at the identity provider.
#[tokio::test]
async fn a_session_that_was_revoked_is_missed_at_the_next_login_at_vault() {
    let vault = VaultBySso::start_with(2, json!({})).await;
    sign_in(&vault.env, &[]).await.1.signed_in();
    vault.env.helper().await.printed(ANA_KEY.1);
    vault.provider.revoke(USER).await;
    vault.env.claviger(&["refresh"]).await.succeeded();
    assert_eq!(
        (vault.logins(), vault.provider.front.count(REFRESH)),
        (1, 0)
    );
    let mut refreshed = vault.env.claviger(&["refresh"]).await;
    // A token of the provider that has not expired still opens Vault.
    until("the provider's last token has expired", SOON, async || {
        vault.bao.revoke_logins("jwt").await;
        refreshed = vault.env.claviger(&["refresh"]).await;
        refreshed.code != Some(0)
    })
    .await;
    refreshed.failed(3, &["requires a login", "hint: run claviger login default"]);
    // The key is as good as it was, and is in no new daemon.
    vault.env.helper().await.printed(ANA_KEY.1);
    vault.env.kill_daemon(Signal::TERM);
    vault
        .env
        .helper()
        .await
        .failed(3, &["hint: run claviger login default"]);
    sign_in(&vault.env, &[]).await.1.signed_in();
    vault.env.helper().await.printed(ANA_KEY.1);
}

/// The key of the former user is of no use to the new one, even if the new one's cannot be read.
#[tokio::test]
async fn the_sign_in_of_another_user_ends_the_former_ones_key() {
    let vault = VaultBySso::start().await;
    sign_in(&vault.env, &[]).await.1.signed_in();
    vault.env.helper().await.printed(ANA_KEY.1);
    vault.bao.seal().await;
    let (_, end) = sign_in_as(Person::named(BOB), &vault.env, &["--force"]).await;
    end.failed(5, &["hint: "]);
    let profile = &vault.env.status().await["profiles"][0];
    assert_eq!(profile["login"]["name"], BOB_KEY.0, "{profile}");
    assert_eq!(profile["fingerprint"], Value::Null, "{profile}");
    vault.env.helper().await.failed(5, &[]);
    vault.bao.unseal().await;
    let mut output = vault.env.helper().await;
    until("Vault is back", SOON, async || {
        assert!(!output.stdout.contains(ANA_KEY.1), "{output:?}");
        output = vault.env.helper().await;
        output.code == Some(0)
    })
    .await;
    output.printed(BOB_KEY.1);
    // The same user again: Vault's login stays. Another one: it ends.
    for (user, key, counts) in [(BOB, BOB_KEY.1, (2, 0)), (USER, ANA_KEY.1, (3, 1))] {
        let (_, end) = sign_in_as(Person::named(user), &vault.env, &["--force"]).await;
        end.signed_in();
        vault.env.helper().await.printed(key);
        assert_eq!((vault.logins(), vault.revocations()), counts, "{user}");
    }
}
