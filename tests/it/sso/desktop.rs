//! The daemon turns to the user on its own, on a real session bus.

use super::fixture::Sso;
use crate::support::{
    desktop::Desktop,
    identity_provider::Person,
    login_command::sign_in,
    oidc_provider::OidcProviderOptions,
    poll::{SOON, until},
};

const BACKGROUND: [(&str, &str); 1] = [("CLAUDE_HELPER_CONTEXT", "scheduled-task")];

/// A machine with a desktop, on which no user has signed in. `more` are lines of the source's
/// table, `daemon` those of the daemon's.
async fn start(more: &str, daemon: &str) -> (Sso, Desktop) {
    let more = format!("store = \"file\"\n{more}\n[daemon]\n{daemon}");
    let sso = Sso::start_with(OidcProviderOptions::default(), &more).await;
    let desktop = Desktop::start(&sso.env.path("run")).await;
    (sso, desktop)
}

/// Ends the login at the server, and has the daemon find out.
async fn end_login(sso: &Sso) {
    sso.env.claviger(&["logout"]).await;
}

async fn until_notified(desktop: &Desktop, times: usize) {
    until("the user is notified", SOON, async || {
        desktop.notifications().len() >= times
    })
    .await;
}

#[tokio::test]
async fn each_login_that_ends_is_one_notification_however_many_shims_run() {
    let (sso, desktop) = start("", "").await;
    sign_in(&sso.env, &[]).await.1.signed_in();
    sso.key().await;
    assert_eq!(desktop.notifications(), [""; 0]);
    for times in 1..=2 {
        end_login(&sso).await;
        for output in sso.env.helpers(10).await {
            output.failed(3, &["claviger login default"]);
        }
        until_notified(&desktop, times).await;
        sso.env.helper().await.failed(3, &[]);
        sign_in(&sso.env, &[]).await.1.signed_in();
        sso.key().await;
        let notifications = desktop.notifications();
        assert_eq!(notifications.len(), times, "{notifications:?}");
        for part in ["'default'", "'sso'", "claviger login default"] {
            assert!(notifications[times - 1].contains(part), "{notifications:?}");
        }
    }
    assert_eq!(desktop.pages(), [""; 0]);
}

#[tokio::test]
async fn a_client_in_the_background_notifies_no_user_and_opens_nothing() {
    let (sso, desktop) = start("prompt = \"browser\"", "").await;
    for _ in 0..3 {
        sso.env.helper_with(&[], &BACKGROUND).await.failed(3, &[]);
    }
    // What they would have caused is before what this one causes.
    sso.env.helper().await.failed(3, &[]);
    until("the browser is opened", SOON, async || {
        desktop.pages().len() == 1
    })
    .await;
    assert_eq!(desktop.notifications(), [""; 0]);
}

#[tokio::test]
async fn without_a_desktop_or_the_wish_for_notifications_there_are_none() {
    let (sso, desktop) = start("", "notifications = \"off\"").await;
    sso.env.helper().await.failed(3, &[]);
    sso.env
        .edit_config(|config| config.replace("\"off\"", "\"on\""));
    sso.env.helper().await.failed(3, &[]);
    until_notified(&desktop, 1).await;
    assert_eq!(desktop.notifications().len(), 1);

    let sso = Sso::start().await;
    for _ in 0..3 {
        sso.env.helper().await.failed(3, &[]);
    }
    until("the log says so", SOON, async || {
        sso.env.log().contains("cannot notify the user")
    })
    .await;
    assert_eq!(sso.env.log().matches("cannot notify the user").count(), 1);
}

#[tokio::test]
async fn the_daemon_opens_the_browser_and_the_next_shim_has_a_key() {
    let (sso, desktop) = start("prompt = \"browser\"", "").await;
    for output in sso.env.helpers(5).await {
        output.failed(3, &["claviger login default"]);
    }
    until("the browser is opened", SOON, async || {
        !desktop.pages().is_empty()
    })
    .await;
    let page = Person::new().sign_in(&desktop.pages()[0]).await;
    assert!(page.body.contains("signed in"), "{page:?}");
    sso.key().await;
    assert_eq!(desktop.pages().len(), 1);
    // It has been opened within the hour.
    end_login(&sso).await;
    sso.env.helper().await.failed(3, &[]);
    until_notified(&desktop, 1).await;
    assert_eq!(desktop.pages().len(), 1);
}
