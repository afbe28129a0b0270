//! Sign-ins in a browser.

use std::sync::Arc;

use serde_json::json;
use url::Url;

use super::{
    World,
    faults::{Fault, Moment},
    login_required,
    server::{Rotation, refused, secret},
};
use crate::source::{Source as _, SourceError};

fn redirect() -> Url {
    Url::parse("http://127.0.0.1:1234/callback").unwrap()
}

#[tokio::test]
async fn a_sign_in_names_who_is_signed_in() {
    let world = World::new(Rotation::Strict, "groups_claim = 'groups'");
    world.server.set(|settings| {
        settings.id_claims = json!({"sub": "1", "email": "ada@x.test", "groups": ["eng"]});
    });
    assert_eq!(world.entrance().login().await.unwrap(), None);
    assert_eq!(world.source.claims(), None);
    let login = world.sign_in().await.unwrap();
    assert_eq!(login.subject.as_deref(), Some("1"));
    assert_eq!(login.name.as_deref(), Some("ada@x.test"));
    assert_eq!(login.groups, ["eng"]);
    assert!(login.is_renewable);
    assert_eq!(login.expires_at, None);
    assert_eq!(
        world.entrance().login().await.unwrap().as_ref(),
        Some(&login)
    );
    assert_eq!(world.stored().unwrap().login, login);
}

#[tokio::test]
async fn the_login_is_known_after_a_restart() {
    let mut world = World::signed_in(Rotation::Strict, "").await;
    let login = world.entrance().login().await.unwrap();
    world.restart();
    assert_eq!(world.entrance().login().await.unwrap(), login);
    let claims = world.source.claims().unwrap();
    assert_eq!(claims.get("preferred_username"), Some(&json!("ada")));
}

#[tokio::test]
async fn each_sign_in_has_secrets_of_its_own() {
    let world = World::new(Rotation::Strict, "");
    let entrance = world.entrance();
    let first = entrance.authorize(&redirect()).await.unwrap();
    let second = entrance.authorize(&redirect()).await.unwrap();
    assert_eq!(first.issuer(), Some("https://idp.test"));
    assert!(first.state() != second.state());
    let parameters = |url: &Url| -> Vec<String> {
        let names = ["state", "nonce", "code_challenge"];
        let value = |name: &str| {
            let mut pairs = url.query_pairs();
            pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
        };
        names.map(value).into()
    };
    let (a, b) = (parameters(first.url()), parameters(second.url()));
    assert_eq!(a[0], first.state().expose());
    let mut all = [a, b].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
}

#[tokio::test]
async fn without_an_id_token_the_access_token_names_the_user() {
    let world = World::new(Rotation::Strict, "scopes = ['llm']");
    world.server.set(|settings| {
        settings.issues_id_token = false;
        settings.access_claims = Some(json!({"sub": "7"}));
    });
    assert_eq!(world.sign_in().await.unwrap().subject.as_deref(), Some("7"));
    let claims = world.source.claims().unwrap();
    assert_eq!(claims.get("sub"), Some(&json!("7")));
}

#[tokio::test]
async fn a_missing_id_token_is_an_error_if_it_is_relied_on() {
    let required = "[source.sso.required_claims]\nhd = 'corp.test'";
    for keys in ["token = 'id'", required] {
        let world = World::new(Rotation::Strict, keys);
        world
            .server
            .set(|settings| settings.issues_id_token = false);
        let error = world.sign_in().await.unwrap_err();
        assert!(
            matches!(&error, SourceError::Unusable { field, .. } if field == "id_token"),
            "{error:?}"
        );
        assert_eq!(world.stored(), None);
    }
}

#[tokio::test]
async fn a_sign_in_that_fails_leaves_the_login_before() {
    let mut world = World::signed_in(Rotation::Strict, "").await;
    world
        .server
        .set(|settings| settings.refusals.push_back(refused("invalid_grant", 400)));
    let error = world.sign_in().await.unwrap_err();
    assert!(
        matches!(error, SourceError::LoginRequired { .. }),
        "{error:?}"
    );
    world.server.key_faults.add(Fault::Fails(Moment::Before));
    assert!(world.sign_in().await.is_err());
    assert_eq!(
        world.issue().await.unwrap(),
        "access-3",
        "with the first refresh token"
    );
    // After a time-out the store may have the new one all the same.
    for moment in [Moment::Before, Moment::After] {
        world.store.put_faults.add(Fault::Fails(moment));
        let error = world.sign_in().await.unwrap_err();
        let SourceError::Configuration { hint, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(hint, "unlock it");
        assert!(world.issue().await.is_ok());
        let in_memory = world.stored_token();
        world.restart();
        assert!(world.issue().await.is_ok(), "{in_memory:?}");
    }
}

#[tokio::test]
async fn a_new_login_replaces_the_one_before() {
    let world = World::signed_in(Rotation::Strict, "").await;
    world.sign_in().await.unwrap();
    assert_eq!(world.stored_token().unwrap(), "refresh-2");
    assert_eq!(world.issue().await.unwrap(), "access-2");
    assert_eq!(world.issue().await.unwrap(), "access-3");
    assert_eq!(world.server.count("refresh refresh-2"), 1);
}

#[tokio::test]
async fn a_refusal_that_another_login_would_meet_as_well_says_what_helps() {
    let mut world = World::new(Rotation::Strict, "");
    let source = Arc::get_mut(&mut world.source).unwrap();
    let client = Arc::get_mut(&mut source.client).unwrap();
    client.config.preset = serde_json::from_value(json!("entra")).unwrap();
    let authorization = world.entrance().authorize(&redirect()).await.unwrap();
    for (code, description, expected) in [
        (
            "consent_required",
            "AADSTS65001: no consent",
            Some("grant consent to app"),
        ),
        (
            "invalid_grant",
            "AADSTS50105: not assigned",
            Some("assign you"),
        ),
        ("login_required", "AADSTS50058: not signed in", None),
    ] {
        let refused = authorization.refused(code, Some(description));
        let SourceError::LoginRequired { hint, .. } = &refused else {
            panic!("{refused:?}");
        };
        let is_expected = match (hint, expected) {
            (Some(hint), Some(part)) => hint.contains(part),
            (hint, part) => hint.is_none() && part.is_none(),
        };
        assert!(is_expected, "{refused:?}");
    }
}

#[tokio::test]
async fn a_refused_redirect_says_why_and_what_helps() {
    let world = World::new(Rotation::Strict, "");
    let authorization = world.entrance().authorize(&redirect()).await.unwrap();
    let refused = |error: &str| authorization.refused(error, Some("the reason"));
    let SourceError::LoginRefused { reason, hint, .. } = refused("access_denied") else {
        panic!("{:?}", refused("access_denied"));
    };
    assert_eq!(reason, "access_denied: the reason");
    assert!(hint.contains("account"), "{hint}");
    login_required(Err::<(), _>(refused("login_required")));
    for error in [
        "invalid_scope",
        "unauthorized_client",
        "invalid_request",
        "anything",
    ] {
        let refused = refused(error);
        assert!(
            matches!(refused, SourceError::Configuration { .. }),
            "{refused:?}"
        );
    }
    let refused = refused("temporarily_unavailable");
    assert!(
        matches!(refused, SourceError::Unavailable { .. }),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_code_is_redeemed_once() {
    let world = World::new(Rotation::Strict, "");
    let authorization = world.entrance().authorize(&redirect()).await.unwrap();
    authorization.complete(secret("c")).await.unwrap();
    assert_eq!(world.server.count("code c"), 1);
}
