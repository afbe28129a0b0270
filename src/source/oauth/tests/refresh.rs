//! Refreshes: one at a time, stored before they are used, and what a lost answer leads to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::{
    World,
    faults::{Fault, Moment},
    login_required,
    server::{LIFETIME, Rotation, refused},
};
use crate::{
    source::{Source as _, SourceError, oauth::server::Registration},
    sync,
};

const ROTATIONS: [Rotation; 3] = [Rotation::Off, Rotation::Grace, Rotation::Strict];

#[tokio::test]
async fn the_first_token_is_the_one_of_the_sign_in_and_each_later_one_is_a_refresh() {
    for rotation in ROTATIONS {
        let world = World::new(rotation, "");
        world.sign_in().await.unwrap();
        for (key, refreshes) in [("access-1", 0), ("access-2", 1), ("access-3", 2)] {
            assert_eq!(world.issue().await.unwrap(), key);
            assert_eq!(world.server.count("refresh"), refreshes);
            let number = if rotation == Rotation::Off {
                1
            } else {
                refreshes + 1
            };
            assert_eq!(world.stored_token().unwrap(), format!("refresh-{number}"));
        }
    }
}

#[tokio::test]
async fn a_token_of_a_sign_in_that_has_expired_is_replaced() {
    let world = World::new(Rotation::Strict, "");
    world.sign_in().await.unwrap();
    world.clock.advance(LIFETIME);
    assert_eq!(world.issue().await.unwrap(), "access-2");
}

/// Fifty callers that all wait for the same refresh, which is still under way.
async fn fifty_callers(world: &World, end: Fault) -> Vec<Result<String, SourceError>> {
    let started = Arc::new(AtomicUsize::default());
    world.server.faults.add(Fault::Waits(Moment::Before));
    world.server.faults.add(end);
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let (source, started) = (Arc::clone(&world.source), Arc::clone(&started));
            tokio::spawn(async move {
                started.fetch_add(1, Ordering::SeqCst);
                super::issue(&source).await
            })
        })
        .collect();
    while started.load(Ordering::SeqCst) < 50 || !world.server.faults.is_waiting() {
        tokio::task::yield_now().await;
    }
    world.server.faults.release();
    let mut results = Vec::new();
    for caller in callers {
        results.push(caller.await.unwrap());
    }
    results
}

#[tokio::test]
async fn fifty_callers_at_once_are_one_refresh_and_no_login() {
    let world = World::signed_in(Rotation::Strict, "").await;
    // The second one fails, if there is one.
    let results = fifty_callers(&world, Fault::Fails(Moment::Before)).await;
    for result in results {
        assert_eq!(result.unwrap(), "access-2");
    }
    assert_eq!(world.server.count("refresh"), 1);
}

#[tokio::test]
async fn the_callers_of_a_refresh_that_fails_share_the_failure() {
    let world = World::signed_in(Rotation::Strict, "").await;
    world
        .server
        .set(|settings| settings.refusals.push_back(refused("server_error", 500)));
    let results = fifty_callers(&world, Fault::Waits(Moment::Before)).await;
    for result in results {
        assert!(
            matches!(result, Err(SourceError::Unavailable { .. })),
            "{result:?}"
        );
    }
    assert_eq!(world.server.count("refresh"), 1);
}

#[tokio::test]
async fn a_store_that_fails_keeps_no_login_from_going_on_and_gets_the_token_later() {
    for moment in [Moment::Before, Moment::After] {
        let mut world = World::signed_in(Rotation::Strict, "").await;
        world.store.put_faults.add_many(Fault::Fails(moment), 2);
        for key in ["access-2", "access-3"] {
            assert_eq!(world.issue().await.unwrap(), key);
            let warning = world.entrance().warning().unwrap();
            assert!(warning.contains("its keyring is locked"), "{warning}");
        }
        let session = world.source.session.clone().unwrap();
        session.flush().await;
        assert_eq!(world.entrance().warning(), None);
        assert_eq!(world.stored_token().unwrap(), "refresh-3");
        world.restart();
        assert_eq!(world.issue().await.unwrap(), "access-4");
    }
}

#[tokio::test]
async fn the_token_that_a_store_lacks_is_stored_at_the_next_refresh_also_without_rotation() {
    let world = World::signed_in(Rotation::Strict, "").await;
    world.store.put_faults.add(Fault::Fails(Moment::Before));
    world.issue().await.unwrap();
    assert_eq!(world.stored_token().unwrap(), "refresh-1");
    world
        .server
        .set(|settings| settings.rotation = Rotation::Off);
    world.issue().await.unwrap();
    assert_eq!(world.stored_token().unwrap(), "refresh-2");
}

#[tokio::test]
async fn after_a_lost_answer_the_old_token_is_tried_once() {
    for rotation in ROTATIONS {
        let world = World::signed_in(rotation, "").await;
        world.server.faults.add(Fault::Fails(Moment::After));
        let lost = world.issue().await.unwrap_err();
        assert!(matches!(lost, SourceError::Unreachable { .. }), "{lost:?}");
        assert_eq!(world.stored_token().unwrap(), "refresh-1");
        if rotation == Rotation::Strict {
            let reason = login_required(world.issue().await);
            assert!(
                reason.contains("answer to the last refresh was lost"),
                "{reason}"
            );
            assert!(
                reason.contains("invalid_grant: the reason (400)"),
                "{reason}"
            );
            assert_eq!(world.stored(), None);
            assert_eq!(
                login_required(world.issue().await),
                reason,
                "without a request"
            );
        } else {
            assert_eq!(world.issue().await.unwrap(), "access-3");
        }
        assert_eq!(world.server.count("refresh refresh-1"), 2);
    }
}

#[tokio::test]
async fn any_number_of_lost_answers_in_a_row_asks_for_no_login() {
    let world = World::signed_in(Rotation::Grace, "").await;
    // The server was not reached after the first one.
    world.server.faults.add(Fault::Fails(Moment::After));
    world
        .server
        .faults
        .add_many(Fault::Fails(Moment::Before), 5);
    for _ in 0..6 {
        let error = world.issue().await.unwrap_err();
        assert!(
            matches!(error, SourceError::Unreachable { .. }),
            "{error:?}"
        );
    }
    assert!(world.issue().await.is_ok());
    world.server.end_logins();
    let reason = login_required(world.issue().await);
    assert!(
        !reason.contains("lost"),
        "the answer to it arrived: {reason}"
    );
}

#[tokio::test]
async fn the_use_of_a_copy_is_said() {
    let world = World::signed_in(Rotation::Strict, "").await;
    world.issue().await.unwrap();
    // The copy was used, and the family is dead.
    world.server.end_logins();
    let reason = login_required(world.issue().await);
    assert!(reason.contains("never used"), "{reason}");
    assert_eq!(login_required(world.issue().await), reason);
    assert_eq!(world.server.count("refresh"), 2);
}

#[tokio::test]
async fn a_refusal_after_a_restart_does_not_accuse_a_copy() {
    let mut world = World::signed_in(Rotation::Strict, "").await;
    world.issue().await.unwrap();
    world.restart();
    world.server.end_logins();
    let reason = login_required(world.issue().await);
    assert!(!reason.contains("never used"), "{reason}");
}

#[tokio::test]
async fn the_end_of_the_refresh_token_is_that_of_the_login() {
    let world = World::new(Rotation::Strict, "");
    let day = Duration::from_secs(86_400);
    world
        .server
        .set(|settings| settings.refresh_lifetime = Some(day));
    let login = world.sign_in().await.unwrap();
    assert!(login.is_renewable);
    let first = login.expires_at.unwrap();
    world.issue().await.unwrap();
    world.clock.advance(LIFETIME);
    world.issue().await.unwrap();
    let login = world.entrance().login().await.unwrap().unwrap();
    let later = Duration::try_from(login.expires_at.unwrap().duration_since(first)).unwrap();
    assert_eq!(later, LIFETIME);
    assert_eq!(world.stored().unwrap().login, login);
    world.clock.advance(day);
    assert_eq!(world.entrance().login().await.unwrap(), None);
    // Keycloak's offline tokens have no end.
    world
        .server
        .set(|settings| settings.refresh_lifetime = Some(Duration::ZERO));
    world.issue().await.unwrap();
    let login = world.entrance().login().await.unwrap().unwrap();
    assert_eq!(login.expires_at, None);
}

#[tokio::test]
async fn the_claims_follow_the_id_tokens() {
    let world = World::signed_in(Rotation::Strict, "groups_claim = 'groups'").await;
    let claim = |name: &str| world.source.claims().unwrap().get(name).cloned();
    assert_eq!(claim("preferred_username"), Some(json!("ada")));
    world.server.set(|settings| {
        settings.id_claims = json!({"sub": "1", "preferred_username": "ada", "groups": ["eng"]});
    });
    world.issue().await.unwrap();
    assert_eq!(claim("groups"), Some(json!(["eng"])));
    assert_eq!(world.stored().unwrap().login.groups, ["eng"]);
    // Without an ID token those before stay.
    world
        .server
        .set(|settings| settings.issues_id_token = false);
    world.issue().await.unwrap();
    assert_eq!(claim("groups"), Some(json!(["eng"])));
}

#[tokio::test]
async fn an_id_token_that_cannot_be_verified_or_is_anothers_is_ignored_unless_it_is_the_key() {
    for keys in ["", "token = 'id'"] {
        let world = World::signed_in(Rotation::Strict, keys).await;
        world.server.key_faults.add(Fault::Fails(Moment::Before));
        assert_eq!(world.issue().await.is_ok(), keys.is_empty());
        world
            .server
            .set(|settings| settings.id_claims = json!({"sub": "2"}));
        let issued = world.issue().await;
        assert_eq!(issued.is_ok(), keys.is_empty(), "{issued:?}");
        assert_eq!(world.stored_token().unwrap(), "refresh-3", "not lost");
        let claims = world.source.claims().unwrap();
        assert_eq!(claims.get("sub"), Some(&json!("1")));
    }
}

#[tokio::test]
async fn the_registered_client_is_used_after_a_restart() {
    let mut world = World::new(Rotation::Strict, "");
    world.server.set(|settings| {
        settings.registration = Some(Registration {
            client_id: "registered".to_owned(),
            client_secret: None,
            registration_client_uri: None,
            redirect_uris: Vec::new(),
        });
    });
    world.sign_in().await.unwrap();
    world.restart();
    world.issue().await.unwrap();
    let requests = sync::lock(&world.server.settings).requests.clone();
    let last: Vec<_> = requests.iter().rev().take(2).rev().collect();
    assert_eq!(
        last,
        ["registration Some(\"registered\")", "refresh refresh-1"]
    );
}
