//! What ends a login, and what does not.

use std::time::Duration;

use super::{
    World,
    faults::{Fault, Moment},
    login_required,
    server::{Rotation, refused},
};
use crate::{
    network::TransportError,
    source::{Revoked, Source as _, SourceError, oauth::server::TokenError},
    sync,
};

#[tokio::test]
async fn without_a_login_no_request_is_made() {
    let world = World::new(Rotation::Strict, "");
    for _ in 0..2 {
        assert_eq!(login_required(world.issue().await), "no user is signed in");
    }
    assert!(sync::lock(&world.server.settings).requests.is_empty());
}

#[tokio::test]
async fn invalid_grant_ends_the_login_whatever_the_status() {
    for status in [400, 401, 403, 200, 503] {
        let mut world = World::signed_in(Rotation::Off, "").await;
        let refusal = refused("invalid_grant", status);
        world
            .server
            .set(|settings| settings.refusals.push_back(refusal));
        let reason = login_required(world.issue().await);
        let expected = format!("the login has ended: invalid_grant: the reason ({status})");
        assert_eq!(reason, expected);
        assert_eq!(world.stored(), None);
        assert_eq!(world.entrance().login().await.unwrap(), None);
        assert_eq!(
            login_required(world.issue().await),
            reason,
            "status repeats it"
        );
        assert_eq!(world.server.count("refresh"), 1, "no further request");
        world.restart();
        login_required(world.issue().await);
        world.sign_in().await.unwrap();
        assert!(world.issue().await.is_ok());
    }
}

#[tokio::test]
async fn a_record_that_could_not_be_removed_is_removed_later() {
    let world = World::signed_in(Rotation::Off, "").await;
    world.store.delete_faults.add(Fault::Fails(Moment::Before));
    world.server.end_logins();
    login_required(world.issue().await);
    assert!(world.stored().is_some());
    world.source.session.as_ref().unwrap().flush().await;
    assert_eq!(world.stored(), None);
}

/// All that is no refusal of the refresh token.
fn others() -> Vec<TokenError> {
    let host = || "idp.test".to_owned();
    let mut errors: Vec<_> = [
        ("invalid_client", 401),
        ("unauthorized_client", 400),
        ("invalid_scope", 400),
        ("invalid_target", 400),
        ("invalid_request", 400),
        ("temporarily_unavailable", 400),
        ("server_error", 400),
        ("slow_down", 429),
        ("access_denied", 403),
        ("interaction_required", 400),
        ("anything_else", 400),
        ("anything_else", 502),
    ]
    .map(|(code, status)| refused(code, status))
    .into();
    errors.push(TokenError::Lost(TransportError::TimedOut(
        Duration::from_secs(5),
    )));
    errors.extend(
        [
            SourceError::Unreachable {
                host: host(),
                error: TransportError::Unresolved,
            },
            SourceError::Unavailable {
                host: host(),
                reason: "is temporarily unavailable (503)".to_owned(),
                retry_after: None,
            },
            SourceError::WebPage {
                host: host(),
                reason: "it is a web page (200)".to_owned(),
            },
            SourceError::Malformed {
                host: host(),
                reason: "expected JSON".to_owned(),
            },
        ]
        .map(TokenError::Other),
    );
    errors
}

#[tokio::test]
async fn whatever_else_fails_keeps_the_login() {
    for error in others() {
        let name = format!("{error:?}");
        let mut world = World::signed_in(Rotation::Strict, "").await;
        world
            .server
            .set(|settings| settings.refusals.push_back(error));
        let failed = world.issue().await.unwrap_err();
        assert!(
            !failed.is_final(),
            "{name} keeps the cached key: {failed:?}"
        );
        let text = failed.to_string();
        assert!(text.contains("idp.test"), "{name}: {text}");
        assert!(!text.contains("refresh-1"), "{name}: {text}");
        assert!(world.entrance().login().await.unwrap().is_some(), "{name}");
        assert_eq!(world.stored_token().unwrap(), "refresh-1", "{name}");
        world.restart();
        assert!(world.issue().await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn the_remedy_follows_from_the_cause() {
    for (code, status, hint) in [
        ("invalid_client", 401, "'client_id'"),
        ("invalid_scope", 400, "'scopes'"),
    ] {
        let world = World::signed_in(Rotation::Strict, "").await;
        let refusal = refused(code, status);
        world
            .server
            .set(|settings| settings.refusals.push_back(refusal));
        match world.issue().await.unwrap_err() {
            SourceError::Configuration {
                hint: actual,
                reason,
            } => {
                assert!(actual.contains(hint), "{code}: {actual}");
                assert!(
                    reason.contains(&format!("{code}: the reason ({status})")),
                    "{reason}"
                );
            }
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_changed_configuration_asks_for_a_login_only_if_the_server_does_not_go_along() {
    let mut world = World::signed_in(Rotation::Strict, "").await;
    world.restart_with("scopes = ['openid', 'llm']");
    assert_eq!(world.issue().await.unwrap(), "access-2");
    world.restart_with("scopes = ['openid', 'llm', 'more']");
    world
        .server
        .set(|settings| settings.refusals.push_back(refused("invalid_scope", 400)));
    let reason = login_required(world.issue().await);
    assert!(reason.contains("invalid_scope"), "{reason}");
    assert_eq!(world.stored_token().unwrap(), "refresh-2", "it is kept");
    world.restart_with("scopes = ['openid', 'llm']");
    assert_eq!(world.issue().await.unwrap(), "access-3");
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_an_error_and_not_a_missing_login() {
    let mut world = World::signed_in(Rotation::Strict, "").await;
    world.restart();
    world
        .store
        .get_faults
        .add_many(Fault::Fails(Moment::Before), 2);
    for _ in 0..2 {
        let error = world.issue().await.unwrap_err();
        let SourceError::Configuration { reason, hint } = error else {
            panic!("{error:?}");
        };
        assert!(reason.contains("its keyring is locked"), "{reason}");
        assert_eq!(hint, "unlock it");
    }
    assert_eq!(world.issue().await.unwrap(), "access-2");
}

#[tokio::test]
async fn an_unreadable_record_stays_until_a_login_replaces_it() {
    for text in ["canary", r#"{"version":99,"canary":1}"#] {
        let world = World::new(Rotation::Strict, "");
        let stored = || sync::lock(&world.store.secrets).get(&super::key()).cloned();
        sync::lock(&world.store.secrets).insert(super::key(), text.to_owned());
        let reason = login_required(world.issue().await);
        assert!(reason.contains("the fake store is unreadable"), "{reason}");
        assert!(!reason.contains("canary"), "{reason}");
        assert_eq!(world.entrance().login().await.unwrap(), None);
        world.source.session.as_ref().unwrap().flush().await;
        assert_eq!(stored().unwrap(), text);
        world.sign_in().await.unwrap();
        assert_eq!(world.stored_token().unwrap(), "refresh-1");
    }
}

/// A gateway that says how to sign in may name another server later.
#[tokio::test]
async fn another_issuer_gets_nothing_of_a_login() {
    let mut world = World::signed_in(Rotation::Strict, "").await;
    let token = world.stored_token();
    let name = |world: &World, issuer: &'static str| {
        world.server.set(|settings| {
            settings.issuer = issuer;
            settings.requests.clear();
        });
    };
    let requests = |world: &World| sync::lock(&world.server.settings).requests.clone();
    for restarts in [false, true] {
        name(&world, "https://other.test");
        if restarts {
            world.restart();
        }
        let reason = login_required(world.issue().await);
        assert!(reason.contains("'https://other.test'"), "{reason}");
        assert_eq!(requests(&world), Vec::<String>::new());
        assert_eq!(world.stored_token(), token);
    }
    name(&world, "https://idp.test");
    world.issue().await.unwrap();

    name(&world, "https://other.test");
    let revocation = world.source.revoke(None).await.unwrap();
    assert_eq!(revocation.login, Revoked::StaysValid);
    assert_eq!(requests(&world), Vec::<String>::new());
    assert_eq!(world.stored(), None);
}
