//! `method = "oidc"`: what a user does, and what becomes of the login.

use std::sync::Arc;

use url::Url;

use super::*;
use crate::source::{Authorization, Login};

const PATH: &str = "llm/{claim:name}";
const AUTH_URL: &str = "POST /v1/auth/m/oidc/auth_url";
const CALLBACK: &str = "GET /v1/auth/m/oidc/callback?state=st-1&code=";
const REVOKE: &str = "POST /v1/auth/token/revoke-self";
const POLICY: &str = r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#;
const PAGE: &str =
    r#"{"data":{"auth_url":"https://idp.example.com/authorize?client_id=v&state=st-1&nonce=n"}}"#;

/// The login of `user`, whose token is `hvs.USER`.
fn login(user: &str) -> String {
    format!(
        r#"{{"auth":{{"client_token":"hvs.{user}","lease_duration":60,"renewable":true,
            "entity_id":"e-{user}","metadata":{{"role":"dev","name":"{user}"}}}}}}"#
    )
}

/// A Vault where the code of a sign-in is the user's name.
fn keys(line: &str, before: usize, token: &str) -> Reply {
    if let Some(code) = line.strip_prefix(CALLBACK) {
        let (user, nonce) = code.split_once("&client_nonce=").unwrap();
        assert_eq!(nonce.len(), 43, "{line}");
        return respond(200, &login(user));
    }
    if line.starts_with("GET /v1/kv/metadata/llm/") {
        return respond(200, r#"{"data":{"current_version":7,"versions":{}}}"#);
    }
    match line.strip_prefix("GET /v1/kv/data/llm/") {
        Some(user) if token == format!("hvs.{user}") => {
            respond(200, &SECRET.replace("sk-1", &format!("sk-{user}")))
        }
        Some(_) => respond(403, POLICY),
        None if line == AUTH_URL => respond(200, PAGE),
        None => normal(line, before, token),
    }
}

fn with_oidc(server: &FakeVault) -> VaultFixture {
    VaultFixture::at(&server.address, PATH, Engine::Kv2 { watch: None }, |_| {
        Some(AuthMethod::Oidc {
            role: Some("dev".to_owned()),
            redirect_port: Some(8250),
            redirect_path: "/oidc/callback".to_owned(),
        })
    })
}

impl VaultFixture {
    fn sign_in(&self) -> Arc<dyn SignIn> {
        self.source.sign_in().unwrap().unwrap()
    }

    async fn authorize(&self) -> Result<Box<dyn Authorization>, SourceError> {
        let redirect_uri = Url::parse("http://127.0.0.1:8250/oidc/callback").unwrap();
        self.sign_in().authorize(&redirect_uri).await
    }

    async fn sign_in_as(&self, user: &str) -> Result<Login, SourceError> {
        let code = Secret::new(user.to_owned());
        self.authorize().await?.complete(code).await
    }
}

#[tokio::test]
async fn a_sign_in_puts_a_login_in_force() {
    let server = FakeVault::start(keys).await;
    let vault = with_oidc(&server);
    let sign_in = vault.sign_in();
    assert_eq!((sign_in.source(), sign_in.login().await), ("v", Ok(None)));
    let settings = sign_in.settings();
    assert_eq!(
        (settings.is_device, settings.redirect_port),
        (false, Some(8250))
    );
    assert_eq!(settings.redirect_path, "/oidc/callback");
    let error = vault.source.issue().await.unwrap_err();
    assert!(
        matches!(error, SourceError::LoginRequired { .. }),
        "{error:?}"
    );
    assert_eq!(
        server.requests(),
        [""; 0],
        "nothing is asked without a user"
    );

    let authorization = vault.authorize().await.unwrap();
    assert_eq!(authorization.url().host_str(), Some("idp.example.com"));
    assert_eq!(authorization.state().expose(), "st-1");
    assert_eq!(authorization.issuer(), None);
    let login = authorization
        .complete(Secret::new("ana".to_owned()))
        .await
        .unwrap();
    assert_eq!(login.subject.as_deref(), Some("e-ana"));
    assert_eq!(login.name.as_deref(), Some("ana"));
    assert_eq!((login.is_renewable, login.expires_at), (true, None));
    assert_eq!(sign_in.login().await, Ok(Some(login.clone())));
    assert_eq!(
        vault.source.issue().await.unwrap().secret.expose(),
        "sk-ana"
    );

    // The token is renewed as any other, and the login stays the same.
    vault.clock.advance(Duration::from_secs(41));
    vault.source.issue().await.unwrap();
    assert!(
        server
            .requests()
            .contains(&"POST /v1/auth/token/renew-self".to_owned())
    );
    assert_eq!(sign_in.login().await, Ok(Some(login)));
    vault.clock.advance(Duration::from_secs(60));
    assert_eq!(sign_in.login().await, Ok(None));
    let error = vault.source.issue().await.unwrap_err();
    assert!(
        matches!(error, SourceError::LoginRequired { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_logout_revokes_the_login() {
    let server = FakeVault::start(keys).await;
    let vault = with_oidc(&server);
    vault.sign_in_as("ana").await.unwrap();
    let revocation = vault.source.revoke(None).await.unwrap();
    assert_eq!(revocation.login, Revoked::Done);
    assert_eq!(server.requests().last().unwrap(), REVOKE);
    let error = vault.source.issue().await.unwrap_err();
    assert!(
        matches!(error, SourceError::LoginRequired { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_login_of_another_user_is_revoked_and_that_of_the_same_is_not() {
    for (user, revoked) in [("ana", 0), ("bob", 1)] {
        let server = FakeVault::start(keys).await;
        let vault = with_oidc(&server);
        vault.sign_in_as("ana").await.unwrap();
        let of_ana = vault.source.issue().await.unwrap();
        vault.sign_in_as(user).await.unwrap();
        let requests = server.requests();
        let count = requests.iter().filter(|line| *line == REVOKE).count();
        assert_eq!(count, revoked, "{user}");
        let freshness = match revoked {
            0 => Freshness::Fresh,
            _ => Freshness::Stale,
        };
        assert_eq!(vault.source.revalidate(&of_ana).await, Ok(freshness));
        let key = vault.source.issue().await.unwrap();
        assert_eq!(key.secret.expose(), format!("sk-{user}"));
    }
}

#[tokio::test]
async fn a_sign_in_that_vault_refuses_leaves_the_login_before() {
    let refusal =
        r#"{"errors":["Vault login failed. Error exchanging oidc code: \"invalid_grant\"."]}"#;
    let server = FakeVault::start(move |line, before, token| match line {
        _ if line.contains("code=mallory-code") => respond(400, refusal),
        _ => keys(line, before, token),
    })
    .await;
    let vault = with_oidc(&server);
    let before = vault.sign_in_as("ana").await.unwrap();
    match vault.sign_in_as("mallory-code").await.unwrap_err() {
        SourceError::LoginRefused { reason, hint, .. } => {
            assert!(
                reason.contains("invalid_grant") && !reason.contains("mallory"),
                "{reason}"
            );
            assert!(
                hint.contains("claviger login") && hint.contains("'dev'"),
                "{hint}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(vault.sign_in().login().await, Ok(Some(before)));
    assert_eq!(
        vault.source.issue().await.unwrap().secret.expose(),
        "sk-ana"
    );
}

#[tokio::test]
async fn a_role_that_does_not_fit_is_refused_with_what_to_change() {
    let role = r#"{"errors":["role \"dev\" could not be found"]}"#;
    let page = |url: &str| format!(r#"{{"data":{{"auth_url":"{url}"}}}}"#);
    for (status, body, expected) in [
        (
            400,
            role.to_owned(),
            "check 'auth.role': the role 'dev' of 'auth/m'",
        ),
        (
            200,
            page(""),
            "add 'http://127.0.0.1/oidc/callback' to 'allowed_redirect_uris' of the role 'dev'",
        ),
        (
            200,
            page("https://idp/a?state=st-1&response_mode=form_post"),
            "set 'oidc_response_mode' of 'auth/m' to \"query\"",
        ),
        (
            200,
            r#"{"data":{"auth_url":"https://idp/device","state":"s","poll_interval":"5"}}"#
                .to_owned(),
            "set 'callback_mode' of the role 'dev' of 'auth/m' to \"client\"",
        ),
    ] {
        let server = FakeVault::start(move |_, _, _| respond(status, &body)).await;
        match with_oidc(&server).authorize().await.err() {
            Some(SourceError::LoginRefused { hint, .. }) => {
                assert!(hint.contains(expected), "{hint}");
            }
            other => panic!("{other:?}"),
        }
    }
    // What a browser must not open.
    for url in [
        "file:///etc/passwd?state=s",
        "javascript:alert(1)",
        "idp",
        "https://idp/",
    ] {
        let body = page(url);
        let server = FakeVault::start(move |_, _, _| respond(200, &body)).await;
        let error = with_oidc(&server).authorize().await.err();
        assert!(
            matches!(error, Some(SourceError::Malformed { .. })),
            "{error:?}"
        );
    }
}

/// To sign in again would change nothing.
#[tokio::test]
async fn a_missing_permission_does_not_end_the_login() {
    for body in [POLICY, DENIED] {
        let server = FakeVault::start(move |line, before, token| match line {
            "GET /v1/kv/data/llm/ana" => respond(403, body),
            LOOKUP => respond(200, r#"{"data":{"ttl":60}}"#),
            _ => keys(line, before, token),
        })
        .await;
        let vault = with_oidc(&server);
        vault.sign_in_as("ana").await.unwrap();
        for _ in 0..2 {
            let error = vault.source.issue().await.unwrap_err();
            assert!(matches!(error, SourceError::Denied { .. }), "{error:?}");
        }
        assert!(vault.sign_in().login().await.unwrap().is_some());
    }
    // A token that was revoked is no login.
    let server = FakeVault::start(move |line, before, token| match line {
        "GET /v1/kv/data/llm/ana" | LOOKUP => respond(403, DENIED),
        _ => keys(line, before, token),
    })
    .await;
    let vault = with_oidc(&server);
    vault.sign_in_as("ana").await.unwrap();
    let error = vault.source.issue().await.unwrap_err();
    assert!(
        matches!(error, SourceError::LoginRequired { .. }),
        "{error:?}"
    );
    assert_eq!(vault.sign_in().login().await, Ok(None));
}

#[tokio::test]
async fn an_error_of_the_identity_provider_is_cleaned_and_sorted() {
    let server = FakeVault::start(keys).await;
    let vault = with_oidc(&server);
    let authorization = vault.authorize().await.unwrap();
    for (error, description, is_refusal) in [
        ("access_denied", Some("the user\n cancelled"), true),
        ("invalid_scope", None, true),
        ("server_error", Some("try later"), false),
        ("temporarily_unavailable", None, false),
    ] {
        let refused = authorization.refused(error, description);
        let message = refused.to_string();
        assert!(
            message.contains(error) && !message.contains('\n'),
            "{message}"
        );
        assert!(!refused.is_final());
        assert_eq!(
            matches!(refused, SourceError::LoginRefused { .. }),
            is_refusal,
            "{refused:?}"
        );
    }
    let state = authorization.state().expose().to_owned();
    let repeated = authorization.refused("access_denied", Some(&state));
    assert!(!repeated.to_string().contains(&state), "{repeated}");
}
