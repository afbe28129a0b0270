//! A key for each developer in Vault, found by the claims of the developer's login.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use claviger::{
    client_variables::ClientVariables,
    clock::{Clock, SystemClock},
    config,
    secret::Secret,
    source::{
        Login, Source, SourceError,
        catalog::{Catalog, LoginSessions},
    },
};
use serde_json::{Value, json};
use url::Url;

use crate::support::{
    Bao, TestEnv,
    tls::signing_key,
    vault_config::{vault_config, vault_source},
};

const PATH: &str = "secret/llm/{claim:preferred_username}";
const OIDC: &str = "method = \"oidc\", role = \"dev\"";

/// The keys of the two developers.
const KEYS: [(&str, &str); 2] = [("ana", "sk-canary-ana-5f3a"), ("bob", "sk-canary-bob-9c1d")];

/// A server with a key for each developer.
async fn with_keys() -> Bao {
    let bao = Bao::start().await;
    for (user, key) in KEYS {
        bao.put(&format!("llm/{user}"), json!({"api_key": key}))
            .await;
    }
    bao
}

/// The profile and source `NAME` of a key at [`PATH`], whose login presents a JWT with `claims`.
fn with_claims(bao: &Bao, name: &str, signing: &str, claims: &Value) -> String {
    let auth = format!("method = \"jwt\", role = \"dev\", jwt_source = \"idp-{name}\"");
    let claims = claims.as_object().unwrap().iter();
    let claims: Vec<_> = claims
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    format!(
        r#"
[profile.{name}]
source = "{name}"
{vault}
[source.idp-{name}]
type = "jwt"
algorithm = "EdDSA"
key_file = "{signing}"
subject = "sub-{name}"
audience = "vault"
claims = {{ {claims} }}
"#,
        vault = vault_source(name, &bao.url(), PATH, "", &auth),
        claims = claims.join(", ")
    )
}

#[tokio::test]
async fn each_developer_gets_the_key_at_the_path_of_their_claim() {
    let bao = with_keys().await;
    let (private, public) = signing_key();
    bao.enable_jwt(&public, "vault").await;
    let env = TestEnv::new();
    let signing = env.write_secret_file("signing.pem", &private);
    let tables = KEYS.map(|(user, key)| {
        env.add_secret(key);
        with_claims(&bao, user, &signing, &json!({"preferred_username": user}))
    });
    env.write_config(&tables.concat());
    env.claviger(&["config", "check"]).await.succeeded();
    for (user, key) in KEYS {
        let printed = env.helper_with(&["--profile", user], &[]).await;
        printed.printed(key);
        assert_eq!(bao.count("read", &format!("secret/data/llm/{user}")), 1);
    }
    assert_eq!(bao.count("update", "auth/jwt/login"), 2);
    env.claviger(&["logout", "ana"]).await.succeeded();
    assert_eq!(bao.count("update", "auth/token/revoke-self"), 1);
    let printed = env.helper_with(&["--profile", "ana"], &[]).await;
    printed.printed(KEYS[0].1);
}

#[tokio::test]
async fn a_claim_that_cannot_be_a_segment_is_named_with_what_to_do() {
    let bao = with_keys().await;
    let (private, public) = signing_key();
    bao.enable_jwt(&public, "vault").await;
    let env = TestEnv::new();
    let signing = env.write_secret_file("signing.pem", &private);
    for (claims, problem, hint) in [
        (
            json!({}),
            "is missing; expected a string",
            "add the claim 'preferred_username' to the tokens",
        ),
        (
            json!({"preferred_username": ["ana"]}),
            "is a list",
            "use another claim",
        ),
        (
            json!({"preferred_username": "../llm/ana"}),
            "contains '/' at character 3",
            "use another claim",
        ),
        (
            json!({"preferred_username": ".."}),
            "is '.' or '..'",
            "use another claim",
        ),
        (
            json!({"preferred_username": "ana/x"}),
            "contains '/' at character 4",
            "use another claim",
        ),
        (
            json!({"preferred_username": ""}),
            "is empty",
            "use another claim",
        ),
    ] {
        env.write_config(&with_claims(&bao, "p", &signing, &claims));
        env.helper().await.failed(
            6,
            &[
                "'source.p.path'",
                "'{claim:preferred_username}'",
                problem,
                hint,
            ],
        );
    }
    let read = |(operation, path): &(String, String)| operation == "read" && path.contains("llm");
    assert!(!bao.requests().iter().any(read), "{:?}", bao.requests());
}

#[tokio::test]
async fn without_a_user_a_login_is_required() {
    let bao = with_keys().await;
    bao.enable_oidc(json!({})).await;
    let env = TestEnv::new();
    env.write_config(&vault_config(&bao.url(), PATH, "", OIDC));
    env.claviger(&["config", "check"]).await.succeeded();
    env.helper()
        .await
        .failed(3, &["requires a login", "hint: "]);
    let login = |(_, path): &(String, String)| path.starts_with("auth/");
    assert!(!bao.requests().iter().any(login), "{:?}", bao.requests());
}

/// The source `vault` at [`PATH`] with the method oidc.
fn oidc_source(bao: &Bao) -> Arc<dyn Source> {
    let text = format!("version = 1\n{}", vault_config(&bao.url(), PATH, "", OIDC));
    let config = Arc::new(config::parse(Path::new("/config.toml"), &text).unwrap());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let logins = Arc::new(LoginSessions::new(
        PathBuf::from("/nonexistent"),
        String::new(),
    ));
    Catalog::new(&config, &clock, &logins).source("vault", &ClientVariables::default())
}

/// Signs a user in, whose password is the name.
async fn sign_in(bao: &Bao, source: &dyn Source, user: &str) -> Result<Login, SourceError> {
    let redirect_uri = Url::parse("http://127.0.0.1:43117/oidc/callback").unwrap();
    let sign_in = source.sign_in().unwrap().unwrap();
    let authorization = sign_in.authorize(&redirect_uri).await?;
    let code = bao.sign_in(authorization.url(), user, user).await;
    authorization.complete(Secret::new(code)).await
}

async fn key(source: &dyn Source) -> Result<String, SourceError> {
    let credential = source.issue().await?;
    Ok(credential.secret.expose().to_owned())
}

#[tokio::test]
async fn a_user_signs_in_at_the_identity_provider_behind_vault() {
    let bao = with_keys().await;
    bao.enable_oidc(json!({})).await;
    for (user, _) in KEYS {
        bao.add_user(user, user).await;
    }
    let source = oidc_source(&bao);
    for (user, expected) in KEYS {
        let login = sign_in(&bao, &*source, user).await.unwrap();
        assert_eq!(login.name.as_deref(), Some(user));
        assert!(login.subject.is_some() && login.is_renewable, "{login:?}");
        assert_eq!(key(&*source).await.as_deref(), Ok(expected));
    }
    // The login of the first user has ended with that of the second.
    assert_eq!(bao.count("update", "auth/token/revoke-self"), 1);
    source.revoke(None).await.unwrap();
    assert_eq!(bao.count("update", "auth/token/revoke-self"), 2);
    let error = key(&*source).await.unwrap_err();
    assert!(
        matches!(error, SourceError::LoginRequired { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_role_that_does_not_fit_says_what_to_enter() {
    let bao = with_keys().await;
    bao.enable_oidc(json!({})).await;
    bao.add_user("ana", "ana").await;
    let source = oidc_source(&bao);
    let refused = async |role: Value, expected: &str| {
        bao.write("auth/oidc/role/dev", role).await;
        match sign_in(&bao, &*source, "ana").await.unwrap_err() {
            SourceError::LoginRefused { hint, .. } => assert!(hint.contains(expected), "{hint}"),
            other => panic!("{other:?}"),
        }
    };
    // Another host than 127.0.0.1.
    refused(
        json!({"allowed_redirect_uris": ["http://localhost:8250/oidc/callback"], "user_claim": "sub"}),
        "add 'http://127.0.0.1/oidc/callback' to 'allowed_redirect_uris' of the role 'dev'",
    )
    .await;
    let redirects = json!(["http://127.0.0.1:8250/oidc/callback"]);
    refused(
        json!({"allowed_redirect_uris": redirects, "user_claim": "sub", "callback_mode": "direct"}),
        "set 'callback_mode' of the role 'dev'",
    )
    .await;
    // Without the mapping Vault does not pass the claim on.
    let role = json!({
        "allowed_redirect_uris": redirects, "user_claim": "sub", "callback_mode": "client",
        "claim_mappings": {}, "token_policies": ["reader"],
    });
    bao.write("auth/oidc/role/dev", role).await;
    sign_in(&bao, &*source, "ana").await.unwrap();
    match key(&*source).await.unwrap_err() {
        SourceError::UnusableClaim { hint, .. } => assert!(
            hint.contains(
                "add the claim 'preferred_username' to 'claim_mappings' of the role 'dev'"
            ),
            "{hint}"
        ),
        other => panic!("{other:?}"),
    }
}

/// A token that ends for good ends the login.
#[tokio::test]
async fn a_login_lasts_as_long_as_its_token() {
    let bao = with_keys().await;
    bao.enable_oidc(json!({"token_policies": ["default"]}))
        .await;
    bao.add_user("ana", "ana").await;
    let source = oidc_source(&bao);
    sign_in(&bao, &*source, "ana").await.unwrap();
    let sign_in = source.sign_in().unwrap().unwrap();
    for _ in 0..2 {
        // A missing permission is no reason to sign in again.
        let error = key(&*source).await.unwrap_err();
        assert!(matches!(error, SourceError::Denied { .. }), "{error:?}");
        assert!(sign_in.login().await.unwrap().is_some());
    }
    bao.revoke_logins("oidc").await;
    let error = key(&*source).await.unwrap_err();
    assert!(
        matches!(error, SourceError::LoginRequired { .. }),
        "{error:?}"
    );
    assert_eq!(sign_in.login().await, Ok(None));
}
