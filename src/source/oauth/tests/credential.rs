//! Which token is the credential, and how long it is valid.

use std::time::Duration;

use serde_json::json;

use super::{World, server::Rotation};
use crate::{
    clock::{Clock as _, Timestamp},
    credential::Credential,
    source::{Source as _, SourceError, oauth::server::TokenError},
};

const CLIENT: &str = "flow = 'client-credentials'\nclient_secret_file = '/nonexistent/secret'";

/// A new credential of a client without a user.
async fn issued(
    keys: &str,
    set: impl FnOnce(&mut super::server::Settings, i64),
) -> Result<Credential, SourceError> {
    let world = World::new(Rotation::Off, &format!("{CLIENT}\n{keys}"));
    let now = world.clock.now().wall.as_second();
    world.server.set(|settings| set(settings, now));
    world.source.issue().await
}

#[tokio::test]
async fn each_key_of_a_client_without_a_user_is_one_request_and_nothing_is_stored() {
    let world = World::new(Rotation::Off, CLIENT);
    for key in ["access-1", "access-2"] {
        assert_eq!(world.issue().await.unwrap(), key);
    }
    assert_eq!(world.server.count("client"), 2);
    assert_eq!(world.stored(), None);
    assert!(world.source.sign_in().unwrap().is_none());
    assert_eq!(world.source.claims(), None);
}

#[tokio::test]
async fn a_refused_client_is_never_asked_to_log_in() {
    for code in [
        "invalid_grant",
        "invalid_client",
        "interaction_required",
        "access_denied",
    ] {
        let refusal = super::server::refused(code, 400);
        let error = issued("", |settings, _| settings.refusals.push_back(refusal)).await;
        let Err(SourceError::Configuration { reason, hint }) = error else {
            panic!("{code}: {error:?}");
        };
        assert!(reason.contains(code), "{reason}");
        assert!(!hint.contains("login"), "{hint}");
    }
    let error = issued("", |settings, _| {
        let error = SourceError::Forgotten;
        settings.refusals.push_back(TokenError::Other(error));
    });
    assert_eq!(error.await, Err(SourceError::Forgotten));
}

#[tokio::test]
async fn the_sooner_end_counts_and_else_the_configured_life() {
    let life = |seconds| Some(Duration::from_secs(seconds));
    for (expires_in, exp, ttl, expected) in [
        (life(3600), None, "", life(3600)),
        (life(3600), Some(60), "", life(60)),
        (life(60), Some(3600), "", life(60)),
        (None, Some(300), "", life(300)),
        (None, Some(300), "ttl = '1h'", life(300)),
        (None, None, "ttl = '1h'", life(3600)),
        (life(60), None, "ttl = '1h'", life(60)),
        (None, None, "", None),
        // This machine's clock is wrong.
        (life(3600), Some(-60), "", life(3600)),
        (None, Some(-60), "", None),
        (None, Some(-60), "ttl = '1h'", life(3600)),
    ] {
        let credential = issued(ttl, |settings, now| {
            settings.lifetime = expires_in;
            settings.access_claims = exp.map(|exp| json!({ "exp": now + exp }));
        });
        let lifetime = credential.await.unwrap().lifetime;
        assert_eq!(lifetime, expected, "{expires_in:?} {exp:?} {ttl}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_valid_yet_is_the_gateways_to_judge() {
    let credential = issued("", |settings, now| {
        settings.access_claims = Some(json!({ "nbf": now + 600, "exp": now + 1200 }));
    });
    assert_eq!(
        credential.await.unwrap().lifetime,
        Some(Duration::from_secs(1200))
    );
}

#[tokio::test]
async fn a_jwt_for_another_audience_is_refused_and_an_opaque_token_is_not() {
    let expected = "https://llm.test/";
    for (aud, is_accepted) in [
        (json!(expected), true),
        (json!(["other", expected]), true),
        (json!(null), true),
        (json!([]), false),
        (json!("other"), false),
        (json!("https://llm.test"), false),
        (json!(["other"]), false),
    ] {
        for (keys, is_binding) in [
            (format!("audience = '{expected}'"), true),
            // A server may map it to another audience.
            (format!("resource = '{expected}'"), false),
            (String::new(), false),
        ] {
            let result = issued(&keys, |settings, _| {
                settings.access_claims = Some(json!({ "aud": aud }));
            });
            match result.await {
                Ok(_) => assert!(is_accepted || !is_binding, "{keys} {aud}"),
                Err(SourceError::Unusable { field, reason, .. }) => {
                    assert!(!is_accepted && is_binding, "{keys} {aud}");
                    assert_eq!(field, "access_token");
                    assert!(
                        reason.contains(&format!("expected '{expected}'")),
                        "{reason}"
                    );
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    let keys = format!("audience = '{expected}'");
    assert!(issued(&keys, |_, _| {}).await.is_ok(), "opaque");
}

#[tokio::test]
async fn a_token_that_the_client_would_refuse_is_unusable() {
    let long = "x".repeat(20_000);
    let result = issued("", |settings, _| {
        settings.access_claims = Some(json!({ "groups": long }));
    });
    let Err(SourceError::Unusable { field, reason, .. }) = result.await else {
        panic!("expected it to be too long");
    };
    assert_eq!(field, "access_token");
    assert!(reason.contains("characters"), "{reason}");
}

#[tokio::test]
async fn an_id_token_is_the_credential_if_that_is_configured() {
    let world = World::signed_in(Rotation::Strict, "token = 'id'\nttl = '10m'").await;
    let credential = world.source.issue().await.unwrap();
    assert_eq!(credential.secret.expose(), "id-2");
    // `expires_in` is the access token's.
    assert_eq!(credential.lifetime, Some(Duration::from_secs(600)));
    world
        .server
        .set(|settings| settings.issues_id_token = false);
    let error = world.issue().await.unwrap_err();
    let SourceError::Unusable { field, reason, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (field.as_str(), reason.as_str()),
        ("id_token", "is missing in the response")
    );
    assert_eq!(world.stored_token().unwrap(), "refresh-3", "not lost");
}

#[tokio::test]
async fn a_login_without_a_refresh_token_lasts_as_long_as_its_token() {
    for keys in ["", "token = 'id'"] {
        let mut world = World::new(Rotation::Strict, &format!("{keys}\nttl = '30m'"));
        world.server.set(|settings| {
            settings.issues_refresh_token = false;
            settings.lifetime = Some(Duration::from_secs(1800));
        });
        let login = world.sign_in().await.unwrap();
        assert!(!login.is_renewable);
        let end = login.expires_at.unwrap();
        let key = world.issue().await.unwrap();
        world.restart();
        world.clock.advance(Duration::from_secs(1000));
        let credential = world.source.issue().await.unwrap();
        assert_eq!(credential.secret.expose(), key);
        assert_eq!(credential.expires_at(), Some(end), "as before the restart");
        assert_eq!(world.entrance().login().await.unwrap(), Some(login));
        world.clock.advance(Duration::from_secs(800));
        let reason = super::login_required(world.issue().await);
        assert!(reason.contains("no refresh token"), "{reason}");
        assert_eq!(world.entrance().login().await.unwrap(), None);
        assert_eq!(world.server.count("refresh"), 0);
    }
}

#[tokio::test]
async fn an_expired_login_without_a_refresh_token_is_over_also_after_a_restart() {
    let mut world = World::new(Rotation::Strict, "");
    world
        .server
        .set(|settings| settings.issues_refresh_token = false);
    world.sign_in().await.unwrap();
    world.restart();
    world
        .clock
        .set_wall(Timestamp::from_second(1_900_000_000).unwrap());
    super::login_required(world.issue().await);
}
