//! A sign-in that waits for its callback.

use std::{net::SocketAddr, time::Duration};

use tokio::task::JoinHandle;

use super::{
    super::{
        Callback, ExpectedCallback, LoopbackListener, Outcome, RedirectSettings, listener::Limits,
    },
    STATE,
    browser::{Browser, Received},
    code, right,
};
use crate::secret::Secret;

/// Longer than any test, so that only a test of the limits meets them.
pub(super) const PATIENT: Limits = Limits {
    head_timeout: Duration::from_secs(60),
    linger: Duration::from_secs(60),
};

pub(super) struct SignIn {
    pub(super) address: SocketAddr,
    waiting: JoinHandle<(Callback, LoopbackListener)>,
}

impl SignIn {
    pub(super) async fn start(limits: Limits) -> Self {
        Self::start_for(None, limits).await
    }

    /// One that requires this issuer.
    pub(super) async fn start_for(issuer: Option<&str>, limits: Limits) -> Self {
        let settings = RedirectSettings {
            port: None,
            path: "/callback".to_owned(),
        };
        let expected = ExpectedCallback {
            state: Secret::new(STATE.to_owned()),
            issuer: issuer.map(str::to_owned),
            iss_required: issuer.is_some(),
        };
        let mut listener = LoopbackListener::bind_with(&settings, limits)
            .await
            .unwrap();
        let address = listener.redirect_uri().socket_addrs(|| None).unwrap()[0];
        let waiting = tokio::spawn(async move {
            let callback = listener.callback(&expected).await;
            (callback, listener)
        });
        Self { address, waiting }
    }

    pub(super) async fn browser(&self) -> Browser {
        Browser::open(self.address).await
    }

    /// The response to one request on a connection of its own.
    pub(super) async fn get(&self, target: &str) -> Received {
        let mut browser = self.browser().await;
        browser.get(target).await;
        browser.next_response().await.unwrap()
    }

    /// Returns the first callback of this sign-in, when it has arrived.
    pub(super) async fn callback(self) -> (Callback, LoopbackListener) {
        self.waiting.await.unwrap()
    }

    /// Passes if the sign-in is still under way and ends with the right code.
    pub(super) async fn assert_goes_on(self) {
        assert!(!self.waiting.is_finished());
        let mut browser = self.browser().await;
        browser.get(&right()).await;
        let (callback, listener) = self.callback().await;
        assert_eq!(callback, code());
        let finishing = tokio::spawn(async move { listener.finish(&signed_in()).await });
        let page = browser.next_response().await.unwrap();
        assert!(page.body.contains("<h1>You are signed in</h1>"));
        finishing.abort();
    }
}

pub(super) fn signed_in() -> Outcome {
    Outcome::SignedIn {
        name: Some("jo@example.com".to_owned()),
    }
}
