//! The faults of the front.

use std::time::Duration;

use super::client::{Client, text};
use crate::support::{
    identity_provider::{Fault, Person, Target},
    oidc_provider::OidcProvider,
    poll::timed,
};

const REFRESH: Target = Target::Grant("refresh_token");

#[tokio::test]
async fn each_fault_once() {
    let provider = OidcProvider::start().await;
    let client = Client::new(provider.issuer()).await;
    let callback = Person::new().sign_in(&client.authorization_url()).await;
    let tokens = client.exchange(&callback).await;
    let mut token = text(&tokens["refresh_token"]).to_owned();
    let answers = [
        (Fault::oauth(429, "slow_down").with_retry_after(3), 429),
        (Fault::oauth(401, "invalid_grant"), 401),
        (Fault::html(503), 503),
        (Fault::empty(400), 400),
        (Fault::garbage(), 200),
        (Fault::Close, 0),
    ];
    for (fault, _) in &answers {
        provider.front.fail_next(REFRESH, fault.clone());
    }
    let form = [("grant_type", "refresh_token"), ("refresh_token", &token)];
    let endpoint = client.endpoint("token_endpoint");
    for (fault, status) in &answers {
        let response = client.try_post(endpoint, &form).await;
        let seen = response.map_or(0, |response| response.status().as_u16());
        assert_eq!(seen, *status, "{fault:?}");
    }
    // None of them has reached the provider: the token is unused.
    let delay = Duration::from_millis(50);
    provider.front.fail_next(REFRESH, Fault::Delay(delay));
    let ((status, refreshed), time) = timed(client.refresh(&token)).await;
    assert!(status == 200 && time >= delay, "{status} {time:?}");
    text(&refreshed["refresh_token"]).clone_into(&mut token);

    let lower = Fault::Replace("\"Bearer\"".to_owned(), "\"bearer\"".to_owned());
    provider.front.fail_next(REFRESH, lower);
    let (_, refreshed) = client.refresh(&token).await;
    assert_eq!(refreshed["token_type"], "bearer");
    text(&refreshed["refresh_token"]).clone_into(&mut token);

    // The provider has rotated the token, but the client does not know.
    provider.front.fail_next(REFRESH, Fault::LoseAnswer);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &token)];
    assert!(client.try_post(endpoint, &form).await.is_err());
    assert_eq!(client.refresh(&token).await.0, 400);
}

#[tokio::test]
async fn a_fault_until_it_is_over() {
    let provider = OidcProvider::start().await;
    let discovery = Target::Path("/openid-configuration");
    let issuer = provider.issuer().to_owned();
    let wrong = Fault::Replace(
        format!("\"issuer\":\"{issuer}\""),
        "\"issuer\":\"https://evil.example.com\"".to_owned(),
    );
    provider.front.fail_all(discovery, wrong);
    for _ in 0..2 {
        let client = Client::new(&issuer).await;
        assert_eq!(client.discovery["issuer"], "https://evil.example.com");
    }
    provider.front.pass_on();
    assert_eq!(
        Client::new(&issuer).await.discovery["issuer"],
        issuer.as_str()
    );
    assert_eq!(provider.front.count(discovery), 3);
}

#[tokio::test]
async fn hanging() {
    let provider = OidcProvider::start().await;
    let client = Client::new(provider.issuer()).await;
    let callback = Person::new().sign_in(&client.authorization_url()).await;
    let tokens = client.exchange(&callback).await;
    let token = text(&tokens["refresh_token"]);
    // The provider must have processed the second request when the client gives up.
    for (fault, limit) in [(Fault::Hang, 50), (Fault::KeepAnswer, 2000)] {
        let limit = Duration::from_millis(limit);
        provider.front.fail_next(REFRESH, fault.clone());
        let answer = tokio::time::timeout(limit, client.refresh(token)).await;
        assert!(answer.is_err(), "{fault:?}");
    }
    assert_eq!(client.refresh(token).await.0, 400, "the token is used up");
    assert_eq!(provider.front.count(REFRESH), 3);
}
