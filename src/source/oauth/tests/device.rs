//! Sign-ins on another device, with the polls of an hour in no time.

use std::time::Duration;

use super::{
    World, login_required,
    server::{Rotation, refused},
};
use crate::{
    clock::Clock as _,
    network::TransportError,
    source::{Login, SourceError, oauth::server::TokenError},
};

/// Signs in; each of `answers` is the one to a poll, then the server issues tokens. Returns the
/// seconds that it took.
async fn sign_in(world: &World, answers: Vec<TokenError>) -> (Result<Login, SourceError>, u64) {
    world
        .server
        .set(|settings| settings.refusals.extend(answers));
    let start = world.clock.now().tick;
    let authorization = world.entrance().authorize_device().await.unwrap();
    assert_eq!(authorization.user_code(), "ABCD-EFGH");
    let end = authorization.expires_at();
    let waiting = tokio::spawn(authorization.complete());
    while !waiting.is_finished() {
        // The other task runs until it sleeps.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        if !waiting.is_finished() {
            assert!(
                world.clock.now().tick <= end,
                "it goes on after the code's end"
            );
            world.clock.advance(Duration::from_secs(1));
        }
    }
    let took = world.clock.now().tick.since(start).as_secs();
    (waiting.await.unwrap(), took)
}

fn pending() -> TokenError {
    refused("authorization_pending", 400)
}

fn unavailable(after: Option<u64>) -> TokenError {
    TokenError::Other(SourceError::Unavailable {
        host: "idp.test".to_owned(),
        reason: "limits the rate (429)".to_owned(),
        retry_after: after.map(Duration::from_secs),
    })
}

fn lost() -> TokenError {
    TokenError::Lost(TransportError::TimedOut(Duration::from_secs(5)))
}

#[tokio::test]
async fn it_is_polled_until_the_user_has_decided() {
    for (answers, seconds) in [
        (vec![], 5),
        (vec![pending(), pending()], 15),
        (vec![refused("slow_down", 400), pending()], 5 + 10 + 10),
        (vec![refused("slow_down", 429)], 5 + 10),
        (vec![refused("authorization_pending", 429)], 5 + 10),
        (vec![unavailable(Some(30))], 5 + 30),
        (vec![unavailable(None)], 5 + 5),
        (vec![refused("server_error", 500)], 5 + 5),
        (vec![lost(), lost(), pending()], 5 + 10 + 20 + 5),
    ] {
        let name = format!("{answers:?}");
        let world = World::new(Rotation::Strict, "flow = 'device'");
        let (login, took) = sign_in(&world, answers).await;
        assert_eq!(login.unwrap().name.as_deref(), Some("ada"), "{name}");
        assert_eq!(took, seconds, "{name}");
        assert_eq!(world.issue().await.unwrap(), "access-1");
        assert_eq!(world.stored_token().unwrap(), "refresh-1");
    }
}

#[tokio::test]
async fn a_denial_ends_it_and_keeps_the_login_before() {
    let world = World::signed_in(Rotation::Strict, "").await;
    let (login, took) = sign_in(&world, vec![pending(), refused("access_denied", 400)]).await;
    assert!(
        matches!(login, Err(SourceError::LoginRefused { .. })),
        "{login:?}"
    );
    assert_eq!(took, 10);
    assert_eq!(world.issue().await.unwrap(), "access-2");
}

#[tokio::test]
async fn the_end_of_the_code_ends_it_whoever_notices_first() {
    for answers in [
        vec![refused("expired_token", 400)],
        (0..200).map(|_| pending()).collect(),
        // No network: it may come back until the end.
        (0..200).map(|_| lost()).collect(),
        vec![unavailable(Some(100_000))],
    ] {
        let expires_early = answers.len() == 1 && matches!(answers[0], TokenError::Refused { .. });
        let world = World::new(Rotation::Strict, "flow = 'device'");
        let (login, took) = sign_in(&world, answers).await;
        let reason = login_required(login);
        assert!(reason.contains("code has expired"), "{reason}");
        assert_eq!(took, if expires_early { 5 } else { 600 });
        assert_eq!(world.stored(), None);
    }
}

#[tokio::test]
async fn an_error_of_the_configuration_ends_it_at_once() {
    let world = World::new(Rotation::Strict, "flow = 'device'");
    let (login, took) = sign_in(&world, vec![refused("unauthorized_client", 400)]).await;
    assert!(
        matches!(login, Err(SourceError::Configuration { .. })),
        "{login:?}"
    );
    assert_eq!(took, 5);
}
