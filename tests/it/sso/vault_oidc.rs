//! Vault's own login method `oidc`, with an identity provider behind it.

use serde_json::json;

use crate::support::{
    Bao, TestEnv,
    identity_provider::{CLIENT_SECRET, CONFIDENTIAL_CLIENT, PASSWORD, Person},
    login_command::{LoginCommand, sign_in},
    oidc_provider::{OidcProvider, OidcProviderOptions, confidential_client},
    vault_config::vault_config,
};

const KEY: &str = "sk-canary-ana-5f3a";

/// The method's name.
const METHOD: &str = "oidc";

/// An identity provider, a Vault that trusts it, and a machine whose role is `dev`.
struct VaultOidc {
    /// Running while this lives.
    _provider: OidcProvider,
    bao: Bao,
    env: TestEnv,
}

impl VaultOidc {
    async fn start() -> Self {
        let options = OidcProviderOptions {
            clients: vec![confidential_client("/oidc/callback")],
            ..OidcProviderOptions::default()
        };
        let provider = OidcProvider::start_with(options).await;
        let bao = Bao::start().await;
        bao.put("llm/ana.sousa", json!({"api_key": KEY})).await;
        bao.enable_oidc_of(
            provider.issuer(),
            CONFIDENTIAL_CLIENT,
            CLIENT_SECRET,
            json!({}),
        )
        .await;
        let env = TestEnv::new();
        for secret in [KEY, PASSWORD, CLIENT_SECRET] {
            env.add_secret(secret);
        }
        let vault = Self {
            _provider: provider,
            bao,
            env,
        };
        vault.configure("dev");
        vault
    }

    fn configure(&self, role: &str) {
        self.env.write_config(&vault_config(
            &self.bao.url(),
            "secret/llm/{claim:preferred_username}",
            "",
            &format!("method = \"{METHOD}\", role = \"{role}\""),
        ));
    }
}

#[tokio::test]
async fn a_sign_in_gives_the_key_until_the_logout() {
    let vault = VaultOidc::start().await;
    let hint = "hint: run claviger login default";
    vault.env.helper().await.failed(3, &[hint]);
    let (page, end) = sign_in(&vault.env, &[]).await;
    assert!(page.body.contains("ana.sousa"), "{page:?}");
    assert_eq!(end.signed_in()["login"]["name"], "ana.sousa");
    vault.env.helper().await.printed(KEY);
    // A good login is kept.
    let end = LoginCommand::start(&vault.env, &["--no-browser"])
        .end()
        .await;
    assert_eq!(end.signed_in()["already"], true);
    vault.env.claviger(&["logout"]).await.succeeded();
    assert_eq!(vault.bao.count("update", "auth/token/revoke-self"), 1);
    vault.env.helper().await.failed(3, &[hint]);
}

#[tokio::test]
async fn a_denial_at_the_provider_ends_the_login() {
    let vault = VaultOidc::start().await;
    let mut login = LoginCommand::start(&vault.env, &["--no-browser"]);
    let url = login.page().await;
    let page = Person::new().deny(&url).await;
    assert!(page.body.contains("failed"), "{page:?}");
    login.end().await.failed(3, &["access_denied", "hint: "]);
}

#[tokio::test]
async fn a_role_that_vault_lacks_is_named() {
    let vault = VaultOidc::start().await;
    vault.configure("other");
    let end = LoginCommand::start(&vault.env, &["--no-browser"])
        .end()
        .await;
    assert_ne!(end.code, Some(0), "{end:?}");
    for part in ["'other'", "hint: "] {
        assert!(end.stderr.contains(part), "{part:?} is not in {end:?}");
    }
}
