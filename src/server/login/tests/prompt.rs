//! The daemon turns to the user on its own.

use std::time::Duration;

use url::Url;

use super::*;
use crate::{
    client_kind::HelperContext,
    config::Notifications,
    desktop::{DesktopError, Notification, Reach},
    login::AskingClient,
    source::SignInSettings,
};

const PERSON: AskingClient = AskingClient {
    context: HelperContext::Interactive,
    has_session: true,
};

const BACKGROUND: AskingClient = AskingClient {
    context: HelperContext::Background,
    has_session: true,
};

impl Fixture {
    /// With `notifications`; `may_prompt` is whether the daemon may open the browser.
    fn prompting(notifications: Notifications, may_prompt: bool, desktop: FakeDesktop) -> Self {
        let settings = SignInSettings {
            may_prompt,
            ..FakeSignIn::new("sso").settings
        };
        let sign_in = FakeSignIn {
            settings,
            ..FakeSignIn::new("sso")
        };
        let mut fixture = Self::with_desktop(sign_in, desktop);
        let mut config = config::parse(Path::new("/c.toml"), CONFIG).unwrap();
        config.daemon.notifications = notifications;
        fixture.in_force.config = Arc::new(config);
        fixture
    }

    /// A client has asked for the key of `profile`, and the daemon does what it can.
    async fn prompt(&self, profile: &str, client: AskingClient) {
        let variables = ClientVariables::default();
        self.daemon
            .prompt(&self.in_force, profile, &variables, client);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    fn notifications(&self) -> Vec<(Notification, Reach)> {
        sync::lock(&self.desktop.notifications).clone()
    }

    fn pages(&self) -> Vec<Url> {
        sync::lock(&self.desktop.pages).clone()
    }
}

#[tokio::test]
async fn each_login_that_ends_is_one_notification_with_the_command() {
    let fixture = Fixture::prompting(Notifications::Auto, false, FakeDesktop::default());
    for profile in ["work", "other", "work"] {
        fixture.prompt(profile, PERSON).await;
    }
    let (notification, reach) = fixture.notifications().remove(0);
    assert_eq!(reach, Reach::Running);
    assert!(notification.body.contains("claviger login work"));
    assert_eq!(fixture.notifications().len(), 1);
    fixture.sign_in.decided.notify_one();
    fixture.log_in(false).await.1.unwrap();
    for _ in 0..2 {
        fixture.prompt("other", PERSON).await;
    }
    assert_eq!(fixture.notifications().len(), 2);
    assert_eq!(fixture.pages(), []);
}

#[tokio::test]
async fn a_notification_is_only_for_a_person_and_if_it_is_wanted() {
    for (notifications, client, expected) in [
        (Notifications::Off, PERSON, None),
        (Notifications::On, PERSON, Some(Reach::Any)),
        (Notifications::On, BACKGROUND, None),
        (Notifications::Auto, BACKGROUND, None),
    ] {
        let fixture = Fixture::prompting(notifications, false, FakeDesktop::default());
        fixture.prompt("work", client).await;
        let shown = fixture.notifications().first().map(|(_, reach)| *reach);
        assert_eq!(shown, expected, "{notifications:?} {client:?}");
    }
}

#[tokio::test]
async fn the_browser_opens_once_an_hour_instead_of_a_notification() {
    let fixture = Fixture::prompting(Notifications::On, true, FakeDesktop::default());
    fixture.prompt("work", BACKGROUND).await;
    assert_eq!(fixture.pages(), []);
    for _ in 0..3 {
        fixture.prompt("work", PERSON).await;
    }
    assert_eq!(fixture.pages().len(), 1);
    assert_eq!(fixture.notifications(), []);
    // The user has not signed in, and is asked again later.
    fixture.clock.advance(Duration::from_secs(60 * 60));
    fixture.prompt("work", PERSON).await;
    assert_eq!(fixture.pages().len(), 2);
    assert_eq!(fixture.notifications(), []);
}

#[tokio::test]
async fn without_a_browser_there_is_a_notification() {
    let desktop = FakeDesktop {
        no_browser: Some(DesktopError::new("no portal")),
        ..FakeDesktop::default()
    };
    let fixture = Fixture::prompting(Notifications::On, true, desktop);
    fixture.prompt("work", PERSON).await;
    fixture.prompt("work", PERSON).await;
    assert_eq!(
        (fixture.pages().len(), fixture.notifications().len()),
        (1, 1)
    );
}
