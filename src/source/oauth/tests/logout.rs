//! The end of a login by its user.

use serde_json::json;

use super::{
    World,
    faults::{Fault, Moment},
    login_required,
    server::Rotation,
};
use crate::source::{Revoked, Source as _, SourceError};

#[tokio::test]
async fn a_logout_revokes_the_refresh_token_and_removes_the_record() {
    for restarts in [false, true] {
        let mut world = World::signed_in(Rotation::Strict, "").await;
        if restarts {
            world.restart();
        }
        let revocation = world.source.revoke(None).await.unwrap();
        assert_eq!(revocation.login, Revoked::Done);
        assert_eq!(world.server.count("revoke Refresh refresh-1"), 1);
        assert_eq!(world.stored(), None);
        login_required(world.issue().await);
        assert_eq!(world.entrance().login().await.unwrap(), None);
        assert_eq!(world.source.claims(), None);
        let revocation = world.source.revoke(None).await.unwrap();
        assert_eq!(revocation.login, Revoked::Nothing);
        assert_eq!(world.server.count("revoke"), 1);
    }
}

#[tokio::test]
async fn without_a_refresh_token_the_access_token_is_revoked() {
    let world = World::new(Rotation::Strict, "");
    world
        .server
        .set(|settings| settings.issues_refresh_token = false);
    world.sign_in().await.unwrap();
    let revocation = world.source.revoke(None).await.unwrap();
    assert_eq!(revocation.login, Revoked::Done);
    assert_eq!(world.server.count("revoke Access access-1"), 1);
}

#[tokio::test]
async fn the_key_of_a_client_without_a_user_is_revoked() {
    let keys = "flow = 'client-credentials'\nclient_secret_file = '/nonexistent/secret'";
    let world = World::new(Rotation::Off, keys);
    assert_eq!(
        world.source.revoke(None).await.unwrap().login,
        Revoked::Nothing
    );
    let credential = world.source.issue().await.unwrap();
    let revocation = world.source.revoke(Some(&credential)).await.unwrap();
    assert_eq!(revocation.login, Revoked::Done);
    assert_eq!(world.server.count("revoke Access access-1"), 1);
}

#[tokio::test]
async fn a_server_without_revocation_leaves_the_token_valid() {
    let world = World::signed_in(Rotation::Strict, "").await;
    world.server.set(|settings| settings.revokes = false);
    let revocation = world.source.revoke(None).await.unwrap();
    assert_eq!(revocation.login, Revoked::StaysValid);
    assert_eq!(world.stored(), None);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_keeps_nothing_here() {
    let mut world = World::signed_in(Rotation::Strict, "").await;
    world
        .server
        .revocation_faults
        .add(Fault::Fails(Moment::Before));
    let error = world.source.revoke(None).await.unwrap_err();
    assert!(
        matches!(error, SourceError::Unreachable { .. }),
        "{error:?}"
    );
    for _ in 0..2 {
        assert_eq!(world.stored(), None);
        login_required(world.issue().await);
        world.restart();
    }
}

#[tokio::test]
async fn a_store_that_fails_is_reported_and_the_token_revoked_all_the_same() {
    let world = World::signed_in(Rotation::Strict, "").await;
    world.store.delete_faults.add(Fault::Fails(Moment::Before));
    let error = world.source.revoke(None).await.unwrap_err();
    assert!(
        matches!(error, SourceError::Configuration { .. }),
        "{error:?}"
    );
    assert_eq!(world.server.count("revoke"), 1);
    login_required(world.issue().await);
    world.source.session.as_ref().unwrap().flush().await;
    assert_eq!(world.stored(), None);
}

#[tokio::test]
async fn after_a_logout_another_user_can_sign_in() {
    let world = World::signed_in(Rotation::Strict, "").await;
    world.source.revoke(None).await.unwrap();
    world
        .server
        .set(|settings| settings.id_claims = json!({"sub": "2", "name": "Bob"}));
    world.sign_in().await.unwrap();
    world.issue().await.unwrap();
    world.issue().await.unwrap();
    let claims = world.source.claims().unwrap();
    assert_eq!(claims.get("sub"), Some(&json!("2")));
}
