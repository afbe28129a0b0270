//! Tokens that are dropped from memory.

use std::sync::Arc;

use super::{
    World,
    faults::{Fault, Moment},
    server::Rotation,
};
use crate::source::Source as _;

#[tokio::test]
async fn a_login_that_is_stored_is_read_again() {
    let world = World::signed_in(Rotation::Strict, "").await;
    for number in 2..4 {
        world.source.forget().await;
        assert_eq!(world.source.claims(), None, "nothing is in memory");
        assert_eq!(world.issue().await.unwrap(), format!("access-{number}"));
    }
    assert_eq!(world.server.count("revoke"), 0);
}

#[tokio::test]
async fn the_tokens_of_the_sign_in_are_dropped() {
    let world = World::new(Rotation::Strict, "");
    world.sign_in().await.unwrap();
    world.source.forget().await;
    assert_eq!(world.issue().await.unwrap(), "access-2");
    assert_eq!(world.server.count("refresh refresh-1"), 1);
}

/// The answer of the server must not be lost, because it may replace the refresh token.
#[tokio::test]
async fn a_refresh_under_way_ends_before_it_is_dropped() {
    let world = World::signed_in(Rotation::Strict, "").await;
    world.server.faults.add(Fault::Waits(Moment::After));
    let source = Arc::clone(&world.source);
    let refresh = tokio::spawn(async move { super::issue(&source).await });
    while !world.server.faults.is_waiting() {
        tokio::task::yield_now().await;
    }
    let source = Arc::clone(&world.source);
    let forget = tokio::spawn(async move { source.forget().await });
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert!(!forget.is_finished());
    world.server.faults.release();
    assert_eq!(refresh.await.unwrap().unwrap(), "access-2");
    forget.await.unwrap();
    assert_eq!(world.stored_token().unwrap(), "refresh-2");
    assert_eq!(world.source.claims(), None);
    assert_eq!(world.issue().await.unwrap(), "access-3");
}

#[tokio::test]
async fn what_the_store_lacks_is_stored_first() {
    let world = World::signed_in(Rotation::Strict, "").await;
    world.store.put_faults.add(Fault::Fails(Moment::Before));
    assert_eq!(world.issue().await.unwrap(), "access-2");
    assert_eq!(world.stored_token().unwrap(), "refresh-1");
    world.source.forget().await;
    assert_eq!(world.stored_token().unwrap(), "refresh-2");
    assert_eq!(world.issue().await.unwrap(), "access-3");
}

/// Otherwise the store would bring back a login that its user has ended.
#[tokio::test]
async fn a_logout_that_the_store_has_missed_stays_known() {
    let world = World::signed_in(Rotation::Strict, "").await;
    world
        .store
        .delete_faults
        .add_many(Fault::Fails(Moment::Before), 2);
    world.source.revoke(None).await.unwrap_err();
    world.source.forget().await;
    assert!(world.stored().is_some());
    super::login_required(world.issue().await);
}
