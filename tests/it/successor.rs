//! A new version in Vault that the gateway does not accept yet.

use std::time::Duration;

use crate::support::{
    KEY,
    answers::secret,
    fingerprint::fingerprint,
    key_fixture::{KeyFixture, SECOND, THIRD, advises},
    poll::{SOON, timed},
    until,
};

/// The source has the second key, which the gateway does not accept; the first is in use.
async fn with_waiting_successor() -> KeyFixture {
    let fixture = KeyFixture::start_proven("1s").await;
    fixture.put(SECOND).await;
    until("there is a successor", SOON, async || {
        fixture.status().await["successor"].is_object()
    })
    .await;
    // Which of the two is served may be being found out.
    fixture.env.helper().await.printed(KEY);
    let profile = fixture.status().await;
    assert_eq!(profile["state"], "ready", "{profile}");
    assert_eq!(profile["fingerprint"], fingerprint(KEY), "{profile}");
    assert_eq!(profile["version"], 1, "{profile}");
    let successor = &profile["successor"];
    assert_eq!(successor["fingerprint"], fingerprint(SECOND), "{profile}");
    assert_eq!(successor["version"], 2, "{profile}");
    let advice = format!("a newer key {}, version 2,", fingerprint(SECOND));
    assert!(advises(&profile, &advice), "{profile}");
    fixture
}

#[tokio::test]
async fn it_is_served_within_half_a_minute_of_the_gateways_yes() {
    let fixture = with_waiting_successor().await;
    for _ in 0..3 {
        fixture.env.helper().await.printed(KEY);
    }
    fixture.gateway.accept(secret(SECOND));
    let (_, took) = timed(until("it is taken over", SOON * 2, async || {
        fixture.status().await["fingerprint"] == fingerprint(SECOND)
    }))
    .await;
    println!("from the gateway's yes to the new key: {took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    fixture.env.helper().await.printed(SECOND);
    let profile = fixture.status().await;
    assert!(profile["successor"].is_null(), "{profile}");
    assert_eq!(profile["version"], 2, "{profile}");
    assert!(!advises(&profile, "newer key"), "{profile}");
}

#[tokio::test]
async fn a_refresh_tries_it_at_once() {
    let fixture = with_waiting_successor().await;
    // The gateway still rejects it, so that the old one is kept.
    fixture.env.claviger(&["refresh"]).await.succeeded();
    fixture.env.helper().await.printed(KEY);
    assert!(fixture.status().await["successor"].is_object());
    fixture.gateway.accept(secret(SECOND));
    fixture.env.claviger(&["refresh"]).await.succeeded();
    fixture.env.helper().await.printed(SECOND);
}

#[tokio::test]
async fn it_replaces_a_revoked_key_at_the_next_early_run() {
    let fixture = with_waiting_successor().await;
    fixture.gateway.set_keys([secret(SECOND)]);
    fixture.env.helper().await.printed(SECOND);
}

#[tokio::test]
async fn if_both_are_dead_the_first_good_one_is_served_at_the_next_run() {
    let fixture = with_waiting_successor().await;
    fixture.gateway.set_keys([]);
    let refused = fixture.env.helper().await;
    refused.failed(4, &["has rejected", "version 2"]);
    fixture.gateway.set_keys([secret(THIRD)]);
    fixture.put(THIRD).await;
    // The source is asked at most every two seconds.
    until("it is found", SOON, async || {
        fixture.env.helper().await.code == Some(0)
    })
    .await;
    fixture.env.helper().await.printed(THIRD);
}

/// The gateway learns the key first.
#[tokio::test]
async fn a_key_that_the_gateway_accepts_is_taken_over_at_once() {
    let fixture = KeyFixture::start_proven("1s").await;
    fixture.gateway.accept(secret(SECOND));
    fixture.put(SECOND).await;
    until("it is taken over", SOON, async || {
        fixture.status().await["fingerprint"] == fingerprint(SECOND)
    })
    .await;
    fixture.env.helper().await.printed(SECOND);
}
