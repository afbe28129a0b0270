//! One login, from the check of the store to the outcome.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle};

use super::{
    Fallback, Flow, LoginError, LoginEvent,
    loopback::{Callback, ExpectedCallback, LoopbackListener, Outcome, RedirectSettings},
};
use crate::{
    clock::Clock,
    source::{Authorization, DeviceAuthorization, Login, SignIn, SourceError},
};

/// The longest time for a sign-in in the browser: a password, a second factor and a new password
/// fit; identity providers end a page that is open for longer. A code for another device has an end
/// of its own.
pub(super) const BROWSER_LIMIT: Duration = Duration::from_secs(10 * 60);

/// How long a login goes on without a watcher: a command that was interrupted by mistake can be
/// repeated and joins it.
pub(super) const UNWATCHED_LIMIT: Duration = Duration::from_secs(3);

/// A login under way.
pub(super) struct Attempt {
    pub(super) sign_in: Arc<dyn SignIn>,
    pub(super) flow: Flow,
    pub(super) clock: Arc<dyn Clock>,
    /// All events so far. Its receivers are the watchers.
    pub(super) events: Arc<watch::Sender<Vec<LoginEvent>>>,
}

/// The end of a login, and the task that still shows it in the browser.
pub(super) type Ended = (Result<Login, LoginError>, Option<JoinHandle<()>>);

impl Attempt {
    /// Signs in. When this returns, the login is in force, or everything is as before.
    pub(super) async fn run(&self) -> Ended {
        // Before anything opens: a login that cannot be kept is of no use.
        if let Err(error) = self.sign_in.prepare().await {
            return (Err(error.into()), None);
        }
        let is_device = self.sign_in.settings().is_device;
        match self.flow {
            Flow::Configured if !is_device => self.with_browser().await,
            Flow::NoBrowser if !is_device => self.without_browser().await,
            Flow::Configured | Flow::NoBrowser | Flow::Device => {
                let device = self.sign_in.authorize_device();
                (self.unless_abandoned(self.with_device(device)).await, None)
            }
        }
    }

    /// Signs in on any device if the server offers that, else in a browser that the user opens.
    async fn without_browser(&self) -> Ended {
        let device = async { Ok(self.sign_in.authorize_device().await) };
        match self.unless_abandoned(device).await {
            Ok(Ok(device)) => {
                self.publish(LoginEvent::Fallback(Fallback::Device));
                let device = self.with_device(async { Ok(device) });
                (self.unless_abandoned(device).await, None)
            }
            // The server, or its client's registration, does not know this flow.
            Ok(Err(
                error @ (SourceError::Configuration { .. } | SourceError::LoginRefused { .. }),
            )) => {
                self.publish(LoginEvent::Fallback(Fallback::Url(error.to_string())));
                self.with_browser().await
            }
            Ok(Err(error)) => (Err(error.into()), None),
            Err(error) => (Err(error), None),
        }
    }

    async fn with_browser(&self) -> Ended {
        let settings = self.sign_in.settings();
        let redirect = RedirectSettings {
            port: settings.redirect_port,
            path: settings.redirect_path,
        };
        let mut listener = match LoopbackListener::bind(&redirect).await {
            Ok(listener) => listener,
            Err(error) => return (Err(LoginError::of_bind(redirect.port, &error)), None),
        };
        let waiting = self.unless_abandoned(self.callback(&mut listener)).await;
        let (authorization, callback) = match waiting {
            Ok(arrived) => arrived,
            Err(error) => return (Err(error), None),
        };
        // From here on the code is used: to stop would lose what the server has issued.
        let signed_in = match callback {
            Callback::Code(code) => {
                self.publish(LoginEvent::Exchanging);
                authorization.complete(code).await
            }
            Callback::Error { code, description } => {
                Err(authorization.refused(&code, description.as_deref()))
            }
        };
        let outcome = outcome(&signed_in);
        let page = tokio::spawn(async move { listener.finish(&outcome).await });
        (signed_in.map_err(LoginError::from), Some(page))
    }

    /// Publishes the page to open, and waits for the browser to come back from it.
    async fn callback(
        &self,
        listener: &mut LoopbackListener,
    ) -> Result<(Box<dyn Authorization>, Callback), LoginError> {
        let authorization = self.sign_in.authorize(listener.redirect_uri()).await?;
        let issuer = authorization.issuer().map(str::to_owned);
        let expected = ExpectedCallback {
            state: authorization.state().clone(),
            iss_required: issuer.is_some(),
            issuer,
        };
        let limit = self.clock.now().tick + BROWSER_LIMIT;
        self.publish(LoginEvent::Browser {
            url: authorization.url().clone(),
            redirect_port: listener.redirect_uri().port(),
        });
        tokio::select! {
            callback = listener.callback(&expected) => Ok((authorization, callback)),
            () = self.clock.sleep_until(limit) => Err(LoginError::TimedOut(BROWSER_LIMIT)),
        }
    }

    /// Publishes the code, and waits for the user's decision.
    async fn with_device(
        &self,
        device: impl Future<Output = Result<Box<dyn DeviceAuthorization>, SourceError>>,
    ) -> Result<Login, LoginError> {
        let device = device.await?;
        self.publish(LoginEvent::Device {
            user_code: device.user_code().to_owned(),
            verification_uri: device.verification_uri().to_owned(),
            verification_uri_complete: device.verification_uri_complete().map(str::to_owned),
            expires_at: device.expires_at(),
        });
        Ok(device.complete().await?)
    }

    /// Does `work`, unless all watchers have gone for [`UNWATCHED_LIMIT`].
    async fn unless_abandoned<T>(
        &self,
        work: impl Future<Output = Result<T, LoginError>>,
    ) -> Result<T, LoginError> {
        let abandoned = async {
            loop {
                self.events.closed().await;
                let until = self.clock.now().tick + UNWATCHED_LIMIT;
                self.clock.sleep_until(until).await;
                if self.events.is_closed() {
                    break;
                }
            }
        };
        tokio::select! {
            result = work => result,
            () = abandoned => Err(LoginError::Abandoned),
        }
    }

    fn publish(&self, event: LoginEvent) {
        self.events.send_modify(|events| events.push(event));
    }
}

/// What the browser shows.
fn outcome(signed_in: &Result<Login, SourceError>) -> Outcome {
    match signed_in {
        Ok(login) => Outcome::SignedIn {
            name: login.name.clone(),
        },
        Err(error) => Outcome::Failed {
            title: "Sign-in failed".to_owned(),
            reason: format!("{error}."),
            what_to_do: "Go back to your terminal, which shows what to do.".to_owned(),
        },
    }
}
