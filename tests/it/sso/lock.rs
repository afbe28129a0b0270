//! What a lock leaves of a login.

use super::fixture::Sso;
use crate::support::{login_command::LoginCommand, oidc_provider::OidcProviderOptions};

const LOCKED: &[&str] = &["claviger: locked since ", "hint: run claviger unlock"];

#[tokio::test]
async fn a_stored_login_needs_no_new_sign_in_after_the_unlock() {
    let sso = Sso::start().await;
    sso.sign_in().await;
    let key = sso.key().await;
    sso.env.claviger(&["lock"]).await.succeeded();
    sso.env.helper().await.failed(7, LOCKED);
    let locked = sso.status().await;
    assert_eq!(locked["state"], "locked");
    assert!(locked["login"].is_null(), "the store was read: {locked}");
    assert_eq!(sso.refreshes(), 0);
    sso.env.claviger(&["unlock"]).await.succeeded();
    assert_ne!(sso.key().await, key);
    assert_eq!(sso.refreshes(), 1);
    assert_eq!(sso.status().await["login"]["name"], "ana.sousa");
}

#[tokio::test]
async fn a_login_in_memory_ends_with_a_lock() {
    let sso = Sso::start_with(OidcProviderOptions::default(), "store = \"memory\"").await;
    sso.sign_in().await;
    sso.key().await;
    sso.env.claviger(&["lock"]).await.succeeded();
    sso.env.claviger(&["unlock"]).await.succeeded();
    sso.env
        .helper()
        .await
        .failed(3, &["claviger login default"]);
}

#[tokio::test]
async fn no_user_signs_in_while_it_is_locked() {
    let sso = Sso::start().await;
    // One that is under way ends.
    let mut login = LoginCommand::start(&sso.env, &["--no-browser"]);
    login.event("started").await;
    sso.env.claviger(&["lock"]).await.succeeded();
    let ended = login.end().await;
    assert_eq!(ended.code, Some(7), "{ended:?}");
    assert!(ended.stderr.contains("locked since"), "{ended:?}");
    let refused = LoginCommand::start(&sso.env, &["--no-browser"]).end().await;
    assert_eq!(refused.code, Some(7), "{refused:?}");
    sso.env.claviger(&["unlock"]).await.succeeded();
    sso.sign_in().await;
    sso.key().await;
}
