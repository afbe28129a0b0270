//! Glewlwyd.

use super::client::{Client, claims, parameter, text};
use crate::support::{
    glewlwyd::{Glewlwyd, GlewlwydOptions},
    identity_provider::{Person, Target},
    poll::{SOON, until},
    tls::Ca,
};

#[tokio::test]
async fn code_with_pkce_and_rotation() {
    let provider = Glewlwyd::start().await;
    let issuer = provider.issuer();
    let client = Client::new(&issuer).await;
    let refused = Person::new().open(&client.authorization_url()).await;
    assert_eq!(refused.status, 403, "the redirect is not registered");
    provider.allow_redirect(&client.redirect()).await;
    let callback = Person::new().sign_in(&client.authorization_url()).await;
    assert_eq!(callback.body, "signed in");
    assert_eq!(
        parameter(&callback, "iss").as_deref(),
        Some(issuer.as_str())
    );
    let tokens = client.exchange(&callback).await;
    assert_eq!(tokens["token_type"], "bearer");
    let id = claims(&tokens["id_token"]);
    assert_eq!(
        (&id["iss"], &id["nonce"]),
        (&issuer.into(), &"a-nonce".into())
    );
    assert_eq!(id["name"], "Ana Sousa");

    let old = text(&tokens["refresh_token"]);
    let (status, refreshed) = client.refresh(old).await;
    assert_eq!(status, 200, "{refreshed}");
    assert_ne!(refreshed["refresh_token"], tokens["refresh_token"]);
    assert_eq!(client.refresh(old).await.0, 400);
    assert_eq!(provider.front.count(Target::Grant("refresh_token")), 2);
}

#[tokio::test]
async fn device_with_slow_down() {
    let provider = Glewlwyd::start().await;
    let client = Client::new(&provider.issuer()).await;
    let device = client.start_device().await;
    assert_eq!(device["interval"], 1);
    for error in ["authorization_pending", "slow_down"] {
        let (status, answer) = client.poll_device(&device).await;
        assert_eq!((status, text(&answer["error"])), (400, error));
    }
    let page = text(&device["verification_uri_complete"]);
    Person::new().approve_device(page).await;
    until("the device has its token", SOON, async || {
        client.poll_device(&device).await.0 == 200
    })
    .await;
}

#[tokio::test]
async fn https_without_rotation() {
    let ca = Ca::new("test CA");
    let options = GlewlwydOptions {
        rotation: false,
        access_token_ttl: 7,
        device_code_ttl: 9,
        device_interval: 5,
    };
    let provider = Glewlwyd::start_with(options, Some(&ca)).await;
    let client = Client::with_ca(&provider.issuer(), &ca).await;
    let device = client.start_device().await;
    assert_eq!(
        (&device["interval"], &device["expires_in"]),
        (&5.into(), &9.into())
    );
    provider.allow_redirect(&client.redirect()).await;
    let callback = Person::new().sign_in(&client.authorization_url()).await;
    let tokens = client.exchange(&callback).await;
    assert_eq!(tokens["expires_in"], 7);
    for _ in 0..2 {
        let token = text(&tokens["refresh_token"]);
        assert_eq!(client.refresh(token).await.0, 200);
    }
}
