//! A source that a test signs in to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::sync::Notify;
use url::Url;

use crate::{
    clock::{Tick, Timestamp},
    secret::Secret,
    source::{Authorization, DeviceAuthorization, Login, SignIn, SignInSettings, SourceError},
    sync,
};

/// The parameter `state` of its redirect.
pub(crate) const STATE: &str = "the-state";

/// The code that the server accepts.
pub(crate) const GOOD_CODE: &str = "good";

/// A source that a test signs in to.
pub(crate) struct FakeSignIn {
    pub(crate) source: &'static str,
    pub(crate) settings: SignInSettings,
    /// What is wrong with the store.
    pub(crate) store: Option<SourceError>,
    /// Why the server offers no device flow.
    pub(crate) no_device: Option<SourceError>,
    /// How many authorizations were started.
    pub(crate) started: AtomicUsize,
    /// The login that is in force.
    pub(crate) in_force: Arc<Mutex<Option<Login>>>,
    /// Lets `complete` go on.
    pub(crate) decided: Arc<Notify>,
}

impl FakeSignIn {
    pub(crate) fn new(source: &'static str) -> Self {
        Self {
            source,
            settings: SignInSettings {
                is_device: false,
                redirect_port: None,
                redirect_path: "/callback".to_owned(),
                may_prompt: false,
            },
            store: None,
            no_device: None,
            started: AtomicUsize::new(0),
            in_force: Arc::default(),
            decided: Arc::default(),
        }
    }

    fn pending(&self) -> Pending {
        self.started.fetch_add(1, Ordering::SeqCst);
        Pending {
            url: Url::parse("https://idp.test/authorize").unwrap(),
            state: Secret::new(STATE.to_owned()),
            in_force: Arc::clone(&self.in_force),
            decided: Arc::clone(&self.decided),
        }
    }
}

/// The login of every successful sign-in.
pub(crate) fn login() -> Login {
    Login {
        subject: Some("42".to_owned()),
        name: Some("jo".to_owned()),
        groups: Vec::new(),
        signed_in_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
        is_renewable: true,
    }
}

/// The error of a sign-in that the server refuses.
pub(crate) fn refused(reason: &str) -> SourceError {
    SourceError::LoginRefused {
        host: "idp.test".to_owned(),
        reason: reason.to_owned(),
        hint: "ask".to_owned(),
        is_final: false,
    }
}

#[async_trait]
impl SignIn for FakeSignIn {
    fn source(&self) -> &str {
        self.source
    }

    fn host(&self) -> &str {
        "idp.test"
    }

    fn settings(&self) -> SignInSettings {
        self.settings.clone()
    }

    async fn login(&self) -> Result<Option<Login>, SourceError> {
        Ok(sync::lock(&self.in_force).clone())
    }

    async fn prepare(&self) -> Result<(), SourceError> {
        self.store.clone().map_or(Ok(()), Err)
    }

    async fn authorize(&self, _: &Url) -> Result<Box<dyn Authorization>, SourceError> {
        Ok(Box::new(self.pending()))
    }

    async fn authorize_device(&self) -> Result<Box<dyn DeviceAuthorization>, SourceError> {
        match &self.no_device {
            Some(error) => Err(error.clone()),
            None => Ok(Box::new(self.pending())),
        }
    }
}

struct Pending {
    url: Url,
    state: Secret,
    in_force: Arc<Mutex<Option<Login>>>,
    decided: Arc<Notify>,
}

impl Pending {
    fn complete(&self) -> Login {
        *sync::lock(&self.in_force) = Some(login());
        login()
    }
}

#[async_trait]
impl Authorization for Pending {
    fn url(&self) -> &Url {
        &self.url
    }

    fn state(&self) -> &Secret {
        &self.state
    }

    fn issuer(&self) -> Option<&str> {
        None
    }

    async fn complete(self: Box<Self>, code: Secret) -> Result<Login, SourceError> {
        self.decided.notified().await;
        match code.expose() {
            GOOD_CODE => Ok(Self::complete(&self)),
            _ => Err(refused("invalid_grant")),
        }
    }

    fn refused(&self, error: &str, _: Option<&str>) -> SourceError {
        refused(error)
    }
}

#[async_trait]
impl DeviceAuthorization for Pending {
    fn user_code(&self) -> &str {
        "ABCD-EFGH"
    }

    fn verification_uri(&self) -> &str {
        "https://idp.test/device"
    }

    fn verification_uri_complete(&self) -> Option<&str> {
        None
    }

    fn expires_at(&self) -> Tick {
        Tick::default()
    }

    async fn complete(self: Box<Self>) -> Result<Login, SourceError> {
        self.decided.notified().await;
        Ok(Self::complete(&self))
    }
}
