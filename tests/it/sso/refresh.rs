//! Tokens that are refreshed: one refresher, and no login.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock};
use rustix::process::Signal;

use super::fixture::{REFRESH, Sso};
use crate::support::{
    identity_provider::{Fault, USER},
    jwt::claims,
    oidc_provider::OidcProviderOptions,
    poll::{SOON, timed, until},
};

#[tokio::test]
async fn an_expired_token_is_replaced_without_the_user() {
    let sso = Sso::with_ttl(2).await;
    sso.sign_in().await;
    let first = sso.key().await;
    let end = |token: &str| claims(token)["exp"].as_i64().unwrap();
    until("a token that is valid for longer", SOON, async || {
        end(&sso.key().await) > end(&first)
    })
    .await;
    assert!(sso.refreshes() >= 1);
}

/// One family of refresh tokens: a second use of one would end the login. The daemon has ended, so
/// that all fifty find no token.
#[tokio::test]
async fn fifty_processes_without_a_token_refresh_once() {
    let sso = Sso::start().await;
    sso.sign_in().await;
    sso.key().await;
    for _ in 0..2 {
        sso.env.kill_daemon(Signal::KILL);
        let before = sso.refreshes();
        let outputs = sso.env.helpers(50).await;
        let first = outputs[0].stdout.trim_end().to_owned();
        sso.env.add_secret(&first);
        for output in &outputs {
            output.printed(&first);
        }
        assert_eq!(sso.refreshes() - before, 1);
    }
    assert_eq!(sso.status().await["state"], "ready");
}

/// The token's own end is the moment; the daemon may have refreshed it just before.
#[tokio::test]
async fn fifty_processes_at_the_moment_of_expiry_refresh_at_most_once() {
    let sso = Sso::with_ttl(4).await;
    sso.sign_in().await;
    let old = sso.key().await;
    let expiry = claims(&old)["exp"].as_i64().unwrap();
    until("the token expires", SOON, async || {
        SystemClock.now().wall.as_second() >= expiry
    })
    .await;
    let before = sso.refreshes();
    for output in sso.env.helpers(50).await {
        assert_eq!(output.code, Some(0), "{output:?}");
        assert_ne!(output.stdout.trim_end(), old);
        sso.env.add_secret(&output.stdout);
    }
    assert!(sso.refreshes() - before <= 1);
    assert_eq!(sso.status().await["state"], "ready");
}

/// The server has rotated the refresh token, and its answer was lost: within the server's grace the
/// old one works once more.
#[tokio::test]
async fn after_a_lost_answer_the_old_refresh_token_is_tried_once() {
    let options = OidcProviderOptions {
        rotation_grace: 60,
        ..OidcProviderOptions::default()
    };
    let sso = Sso::start_with(options, "store = \"file\"").await;
    sso.sign_in().await;
    let before = sso.key().await;
    sso.provider.front.fail_next(REFRESH, Fault::LoseAnswer);
    let _ = sso.env.claviger(&["refresh"]).await;
    sso.env.claviger(&["refresh"]).await.succeeded();
    assert_ne!(sso.key().await, before);
}

/// Without a grace the second use ends the login: it is said once, with what to do, and the old
/// token is served to its end.
#[tokio::test]
async fn a_lost_answer_without_grace_asks_for_a_login() {
    let sso = Sso::start().await;
    sso.sign_in().await;
    let before = sso.key().await;
    sso.provider.front.fail_next(REFRESH, Fault::LoseAnswer);
    let mut last = sso.env.claviger(&["refresh"]).await;
    if last.code == Some(5) {
        last = sso.env.claviger(&["refresh"]).await;
    }
    last.failed(3, &["hint: run claviger login default"]);
    assert_eq!(sso.refreshes(), 2, "tried once more, and not again");
    sso.env.claviger(&["refresh"]).await.failed(3, &[]);
    assert_eq!(sso.refreshes(), 2, "the refresh token is gone");
    assert_eq!(sso.key().await, before);
    sso.sign_in().await;
    assert_ne!(sso.key().await, before);
}

/// The administrator has ended the session.
#[tokio::test]
async fn a_refused_refresh_token_is_cleared() {
    let sso = Sso::start().await;
    sso.sign_in().await;
    let before = sso.key().await;
    sso.provider.revoke(USER).await;
    sso.env
        .claviger(&["refresh"])
        .await
        .failed(3, &["hint: run claviger login default"]);
    assert_eq!(sso.key().await, before, "it is as good as it was");
    assert_eq!(sso.status().await["state"], "ready");
    sso.env.claviger(&["logout"]).await;
    sso.env
        .helper()
        .await
        .failed(3, &["claviger login default"]);
    let requests = sso.provider.front.requests().len();
    sso.env
        .helper()
        .await
        .failed(3, &["claviger login default"]);
    assert_eq!(sso.provider.front.requests().len(), requests);
}

/// Whatever is not the server's word about the refresh token keeps it.
#[tokio::test]
async fn only_invalid_grant_clears_the_refresh_token() {
    let sso = Sso::start().await;
    sso.sign_in().await;
    sso.key().await;
    for fault in [
        Fault::html(502),
        Fault::html(200),
        Fault::html(403),
        Fault::html(400),
        Fault::empty(503),
        Fault::garbage(),
        Fault::Close,
        Fault::oauth(400, "temporarily_unavailable"),
        Fault::oauth(500, "server_error"),
        Fault::oauth(429, "slow_down"),
        Fault::oauth(401, "invalid_client"),
        Fault::oauth(400, "invalid_scope"),
    ] {
        let shown = format!("{fault:?}");
        sso.provider.front.fail_next(REFRESH, fault);
        let failed = sso.env.claviger(&["refresh"]).await;
        assert_ne!(failed.code, Some(0), "{shown}: {failed:?}");
        assert!(!failed.stderr.contains("Sorry"), "{shown}: {failed:?}");
        let healed = sso.env.claviger(&["refresh"]).await;
        assert_eq!(healed.code, Some(0), "{shown}: {healed:?}");
    }
    for status in [400, 401] {
        sso.provider
            .front
            .fail_next(REFRESH, Fault::oauth(status, "invalid_grant"));
        sso.env
            .claviger(&["refresh"])
            .await
            .failed(3, &["the test's own error", "claviger login default"]);
        sso.env.claviger(&["refresh"]).await.failed(3, &[]);
        sso.sign_in().await;
    }
}

/// No network for the whole window in which the token would be refreshed.
#[tokio::test]
async fn an_outage_asks_for_no_login_and_the_old_token_is_served_to_its_end() {
    let sso = Sso::with_ttl(8).await;
    sso.sign_in().await;
    let before = sso.key().await;
    sso.provider.front.fail_all(REFRESH, Fault::Close);
    sso.env.claviger(&["refresh"]).await.failed(5, &[]);
    let (served, took) = timed(sso.key()).await;
    assert_eq!(served, before);
    assert!(took < Duration::from_secs(2), "{took:?}");
    until("the token has expired", SOON, async || {
        let output = sso.env.helper().await;
        assert_ne!(output.code, Some(3), "{output:?}");
        output.code == Some(5)
    })
    .await;
    sso.provider.front.pass_on();
    until("it is back", SOON, async || {
        sso.env.helper().await.code == Some(0)
    })
    .await;
    sso.key().await;
}
