//! The daemon turns to the user on its own, on a real session bus.

use std::process::Stdio;

use tokio::process::Child;

use super::fixture::Sso;
use crate::support::{
    TestEnv,
    desktop::Desktop,
    identity_provider::Person,
    login_command::sign_in,
    oidc_provider::OidcProviderOptions,
    poll::{SOON, until},
};

const BACKGROUND: [(&str, &str); 1] = [("CLAUDE_HELPER_CONTEXT", "scheduled-task")];

/// A machine with a desktop, on which no user has signed in.
struct Desk {
    sso: Sso,
    desktop: Desktop,
    _daemon: Child,
}

impl Desk {
    /// `more` are lines of the source's table, `daemon` those of the daemon's.
    async fn start(more: &str, daemon: &str) -> Self {
        let more = format!("store = \"file\"\n{more}\n[daemon]\n{daemon}");
        let sso = Sso::start_with(OidcProviderOptions::default(), &more).await;
        let desktop = Desktop::start(&sso.env.path("run")).await;
        let _daemon = start_daemon(&sso.env);
        until("the daemon listens", SOON, async || {
            sso.env.daemon_pid().is_some()
        })
        .await;
        Self {
            sso,
            desktop,
            _daemon,
        }
    }

    /// The user has been notified this often.
    async fn notified(&self, times: usize) {
        until("the user is notified", SOON, async || {
            self.desktop.notifications().len() >= times
        })
        .await;
    }

    /// Ends the login.
    async fn log_out(&self) {
        self.sso.env.claviger(&["logout"]).await.succeeded();
    }

    /// A shim gets no key.
    async fn refused(&self) {
        let output = self.sso.env.helper().await;
        output.failed(3, &["claviger login default"]);
    }
}

/// Starts a daemon in the environment of the machine, with places as it determines them itself: one
/// that determines them uses the bus of the user who runs the tests.
fn start_daemon(env: &TestEnv) -> Child {
    let places = [
        ("--socket", env.socket()),
        ("--state-dir", env.state_dir()),
        ("--user-config", env.config_file()),
    ];
    let mut command = env.command("claviger", &["daemon", "--unusual-socket"]);
    for (flag, path) in places {
        command.arg(flag).arg(path);
    }
    command.stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test]
async fn each_login_that_ends_is_one_notification_however_many_shims_run() {
    let desk = Desk::start("", "").await;
    sign_in(&desk.sso.env, &[]).await.1.signed_in();
    desk.sso.key().await;
    assert_eq!(desk.desktop.notifications(), [""; 0]);
    for times in 1..=2 {
        desk.log_out().await;
        for output in desk.sso.env.helpers(10).await {
            output.failed(3, &["claviger login default"]);
        }
        desk.notified(times).await;
        desk.refused().await;
        sign_in(&desk.sso.env, &[]).await.1.signed_in();
        desk.sso.key().await;
        let notifications = desk.desktop.notifications();
        assert_eq!(notifications.len(), times, "{notifications:?}");
        for part in ["'default'", "'sso'", "claviger login default"] {
            assert!(notifications[times - 1].contains(part), "{notifications:?}");
        }
    }
    assert_eq!(desk.desktop.pages(), [""; 0]);
}

#[tokio::test]
async fn a_client_in_the_background_notifies_no_user_and_opens_nothing() {
    let desk = Desk::start("prompt = \"browser\"", "").await;
    for _ in 0..3 {
        desk.sso
            .env
            .helper_with(&[], &BACKGROUND)
            .await
            .failed(3, &[]);
    }
    // What they would have caused is before what this one causes.
    desk.refused().await;
    until("the browser is opened", SOON, async || {
        desk.desktop.pages().len() == 1
    })
    .await;
    assert_eq!(desk.desktop.notifications(), [""; 0]);
}

#[tokio::test]
async fn without_a_desktop_or_the_wish_for_notifications_there_are_none() {
    let desk = Desk::start("", "notifications = \"off\"").await;
    desk.refused().await;
    desk.sso
        .env
        .edit_config(|config| config.replace("\"off\"", "\"on\""));
    desk.refused().await;
    desk.notified(1).await;
    assert_eq!(desk.desktop.notifications().len(), 1);

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
    let desk = Desk::start("prompt = \"browser\"", "").await;
    for output in desk.sso.env.helpers(5).await {
        output.failed(3, &["claviger login default"]);
    }
    until("the browser is opened", SOON, async || {
        !desk.desktop.pages().is_empty()
    })
    .await;
    let page = Person::new().sign_in(&desk.desktop.pages()[0]).await;
    assert!(page.body.contains("signed in"), "{page:?}");
    desk.sso.key().await;
    assert_eq!(desk.desktop.pages().len(), 1);
    // It has been opened within the hour.
    desk.log_out().await;
    desk.refused().await;
    desk.notified(1).await;
    assert_eq!(desk.desktop.pages().len(), 1);
}
