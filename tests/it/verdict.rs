//! What ends a rejection: the gateway itself, a refresh, a logout, a new version.

use claviger::demo::gateway::{Answer, Requests};

use crate::support::{
    KEY,
    answers::secret,
    key_fixture::{KeyFixture, MODELS},
    poll::SOON,
    until,
};

/// The gateway rejects the key, and the client got code 4.
async fn rejected() -> KeyFixture {
    let fixture = KeyFixture::start_proven("off").await;
    fixture.gateway.revoke(&secret(KEY));
    fixture.env.helper().await.failed(4, &["has rejected"]);
    let profile = fixture.status().await;
    assert_eq!(profile["state"], "rejected", "{profile}");
    assert_eq!(profile["rejection_evidence"], "probe", "{profile}");
    fixture
}

impl KeyFixture {
    /// The gateway cannot tell, so that no probe ends the rejection.
    fn blind(&self) {
        let down = Answer::text(503, "");
        self.gateway.set_answer(MODELS, Requests::All, down);
    }

    /// Asserts that the key is served, and that this is not the gateway's doing.
    async fn is_forgiven(&self) {
        self.env.helper().await.printed(KEY);
        let profile = self.status().await;
        assert_eq!(profile["state"], "ready", "{profile}");
        assert!(profile["rejected_since"].is_null(), "{profile}");
    }
}

#[tokio::test]
async fn the_gateway_ends_it_and_refusing_to_say_does_not() {
    let fixture = rejected().await;
    fixture.blind();
    fixture.env.helper().await.failed(4, &["has rejected"]);
    fixture.gateway.clear_answers();
    fixture.gateway.accept(secret(KEY));
    until("it is served", SOON, async || {
        fixture.env.helper().await.code == Some(0)
    })
    .await;
    fixture.env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_refresh_ends_it() {
    let fixture = rejected().await;
    fixture.gateway.accept(secret(KEY));
    fixture.env.claviger(&["refresh"]).await.succeeded();
    fixture.is_forgiven().await;

    // Whatever the gateway says.
    let fixture = rejected().await;
    fixture.blind();
    fixture.env.claviger(&["refresh"]).await.succeeded();
    fixture.is_forgiven().await;
    // It is found again if it is still dead.
    fixture.gateway.clear_answers();
    fixture.env.claviger(&["refresh"]).await.succeeded();
    fixture.env.helper().await.failed(4, &["has rejected"]);
}

#[tokio::test]
async fn a_logout_ends_it() {
    let fixture = rejected().await;
    fixture.blind();
    fixture.env.claviger(&["logout"]).await.succeeded();
    fixture.is_forgiven().await;
}

#[tokio::test]
async fn a_new_version_with_the_same_key_ends_it() {
    let fixture = rejected().await;
    fixture.blind();
    fixture.put(KEY).await;
    // The source is asked at most every two seconds.
    until("it is served", SOON, async || {
        fixture.env.helper().await.code == Some(0)
    })
    .await;
    fixture.is_forgiven().await;
    assert_eq!(fixture.status().await["version"], 2);
}
