//! oidc-provider.

use serde_json::Value;

use super::client::{Client, claims, parameter, text};
use crate::support::{
    identity_provider::{PUBLIC_CLIENT, Person, Target, USER},
    oidc_provider::{OidcProvider, OidcProviderOptions, RefreshTokens, exact_client},
    tls::Ca,
};

#[tokio::test]
async fn code_with_pkce() {
    let provider = OidcProvider::start().await;
    let client = Client::new(provider.issuer()).await;
    let mut person = Person::new();
    let callback = person.sign_in(&client.authorization_url()).await;
    assert_eq!(callback.body, "signed in");
    assert_eq!(parameter(&callback, "state").as_deref(), Some("a-state"));
    assert_eq!(
        parameter(&callback, "iss").as_deref(),
        Some(provider.issuer())
    );
    let tokens = client.exchange(&callback).await;
    let id = claims(&tokens["id_token"]);
    assert_eq!(id["iss"], provider.issuer());
    assert_eq!(
        (&id["sub"], &id["nonce"]),
        (&Value::from(USER), &"a-nonce".into())
    );
    assert_eq!(id["preferred_username"], "ana.sousa");
    assert_eq!(id["groups"][0], "llm-users");
    let access = claims(&tokens["access_token"]);
    assert_eq!(access["aud"], "https://gateway.example.com");
    assert_eq!(provider.front.count(Target::Grant("authorization_code")), 1);
}

#[tokio::test]
async fn a_denial_reaches_the_listener() {
    let provider = OidcProvider::start().await;
    let client = Client::new(provider.issuer()).await;
    let callback = Person::new().deny(&client.authorization_url()).await;
    assert_eq!(
        parameter(&callback, "error").as_deref(),
        Some("access_denied")
    );
}

#[tokio::test]
async fn device() {
    let provider = OidcProvider::start().await;
    let client = Client::new(provider.issuer()).await;
    let device = client.start_device().await;
    assert_eq!(device["interval"], Value::Null);
    let (status, pending) = client.poll_device(&device).await;
    assert_eq!(
        (status, text(&pending["error"])),
        (400, "authorization_pending")
    );
    let page = text(&device["verification_uri_complete"]);
    Person::new().approve_device(page).await;
    let (status, tokens) = client.poll_device(&device).await;
    assert_eq!(status, 200, "{tokens}");

    let device = client.start_device().await;
    let page = text(&device["verification_uri_complete"]);
    Person::new().deny_device(page).await;
    let (status, denied) = client.poll_device(&device).await;
    assert_eq!((status, text(&denied["error"])), (400, "access_denied"));
}

#[tokio::test]
async fn rotation_with_reuse_detection() {
    let provider = OidcProvider::start().await;
    let client = Client::new(provider.issuer()).await;
    let callback = Person::new().sign_in(&client.authorization_url()).await;
    let first = client.exchange(&callback).await;
    let (_, second) = client.refresh(text(&first["refresh_token"])).await;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let (status, reused) = client.refresh(text(&first["refresh_token"])).await;
    assert_eq!((status, text(&reused["error"])), (400, "invalid_grant"));
    // It revokes the whole family.
    let (status, _) = client.refresh(text(&second["refresh_token"])).await;
    assert_eq!(status, 400);
    assert_eq!(provider.front.count(Target::Grant("refresh_token")), 3);
}

#[tokio::test]
async fn the_options() {
    let mut provider = OidcProvider::start_with(OidcProviderOptions {
        rotation_grace: 60,
        access_token_ttl: 7,
        audience_claim: false,
        issuer_on_redirect: false,
        ..OidcProviderOptions::default()
    })
    .await;
    let client = Client::new(provider.issuer()).await;
    let mut person = Person::new();
    let callback = person.sign_in(&client.authorization_url()).await;
    assert_eq!(parameter(&callback, "iss"), None);
    let tokens = client.exchange(&callback).await;
    assert_eq!(tokens["expires_in"], 7);
    assert_eq!(claims(&tokens["access_token"])["aud"], Value::Null);
    let old = text(&tokens["refresh_token"]);
    for _ in 0..2 {
        assert_eq!(client.refresh(old).await.0, 200, "within the grace");
    }

    let kid = |tokens: &Value| {
        jsonwebtoken::decode_header(text(&tokens["id_token"]))
            .unwrap()
            .kid
    };
    provider.rotate_keys().await;
    assert_ne!(kid(&client.refresh(old).await.1), kid(&tokens));

    provider.revoke(USER).await;
    assert_eq!(client.refresh(old).await.0, 400);

    // No session ended: the person needs no password.
    let redirect = client.redirect();
    provider
        .configure(|options| {
            options.clients = vec![exact_client(&redirect)];
            options.refresh_tokens = RefreshTokens::Never;
            options.audience = None;
        })
        .await;
    let callback = person.open(&client.authorization_url()).await;
    let tokens = client.exchange(&callback).await;
    assert_eq!(tokens["refresh_token"], Value::Null);
    assert!(!text(&tokens["access_token"]).contains('.'), "opaque");
}

#[tokio::test]
async fn a_refresh_token_for_offline_access() {
    let provider = OidcProvider::start_with(OidcProviderOptions {
        refresh_tokens: RefreshTokens::OfflineAccess,
        ..OidcProviderOptions::default()
    })
    .await;
    let client = Client::new(provider.issuer()).await;
    let mut person = Person::new();
    for (prompt, expected) in [("", false), ("&prompt=consent", true)] {
        let url = format!("{}{prompt}", client.authorization_url());
        let tokens = client.exchange(&person.sign_in(&url).await).await;
        assert_eq!(tokens["refresh_token"].is_string(), expected, "{prompt}");
    }
}

#[tokio::test]
async fn an_exact_redirect() {
    let other = exact_client("http://127.0.0.1:1/callback");
    let provider = OidcProvider::start_with(OidcProviderOptions {
        clients: vec![other],
        ..OidcProviderOptions::default()
    })
    .await;
    let client = Client::new(provider.issuer()).await;
    let page = Person::new().open(&client.authorization_url()).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("redirect_uri"), "{page:?}");
}

#[tokio::test]
async fn registration_and_revocation() {
    let provider = OidcProvider::start_with(OidcProviderOptions {
        registration: true,
        ..OidcProviderOptions::default()
    })
    .await;
    let client = Client::new(provider.issuer()).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let registered = http
        .post(client.endpoint("registration_endpoint"))
        .json(&crate::support::oidc_provider::public_client())
        .send()
        .await
        .unwrap();
    let registered: Value = registered.json().await.unwrap();
    assert_ne!(text(&registered["client_id"]), PUBLIC_CLIENT);

    let callback = Person::new().sign_in(&client.authorization_url()).await;
    let tokens = client.exchange(&callback).await;
    let token = text(&tokens["refresh_token"]);
    let endpoint = client.endpoint("revocation_endpoint");
    assert_eq!(client.post(endpoint, &[("token", token)]).await.0, 200);
    assert_eq!(client.refresh(token).await.0, 400);
}

#[tokio::test]
async fn https() {
    let ca = Ca::new("test CA");
    let provider = OidcProvider::start_with_tls(OidcProviderOptions::default(), &ca).await;
    let client = Client::with_ca(provider.issuer(), &ca).await;
    let token_endpoint = format!("{}/token", provider.issuer());
    assert_eq!(client.endpoint("token_endpoint"), token_endpoint);
    let callback = Person::new().sign_in(&client.authorization_url()).await;
    let id = claims(&client.exchange(&callback).await["id_token"]);
    assert_eq!(id["iss"], provider.issuer());
}
