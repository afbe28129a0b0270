//! A login that a user makes in a browser, for the source that needs one.
//!
//! The traits are the protocol's half: what to open, what the answer means. The other half, which
//! waits for the browser and reports progress, is the same for all sources and is not here.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use url::Url;

use super::SourceError;
use crate::{
    clock::{Tick, Timestamp},
    secret::Secret,
};

/// The claims with a name for people, the best one first.
pub(super) const NAME_CLAIMS: [&str; 3] = ["preferred_username", "email", "name"];

/// A source that a user signs in to.
#[async_trait]
pub trait SignIn: Send + Sync {
    /// The source's name in the configuration.
    fn source(&self) -> &str;

    /// Host and port of the server that the user signs in to.
    fn host(&self) -> &str;

    /// How the user signs in.
    fn settings(&self) -> SignInSettings;

    /// The login that is in force, from memory or from the store; `None` if a user must sign in.
    /// No server is asked.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if the store cannot be read.
    async fn login(&self) -> Result<Option<Login>, SourceError>;

    /// What is wrong with the login, although it is in force, and what to do: the store has not
    /// kept its last change, so that it ends with the daemon.
    fn warning(&self) -> Option<String> {
        None
    }

    /// Checks that a login can be kept, before the user makes one.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] with what is wrong with the store.
    async fn prepare(&self) -> Result<(), SourceError>;

    /// Starts a sign-in in a browser, which is redirected to `redirect_uri` at its end.
    ///
    /// # Errors
    ///
    /// As [`Source::issue`](super::Source::issue).
    async fn authorize(&self, redirect_uri: &Url) -> Result<Box<dyn Authorization>, SourceError>;

    /// Starts a sign-in on any device (RFC 8628).
    ///
    /// # Errors
    ///
    /// As [`Source::issue`](super::Source::issue); [`SourceError::Configuration`] if the server
    /// does not offer it.
    async fn authorize_device(&self) -> Result<Box<dyn DeviceAuthorization>, SourceError>;
}

/// How the user signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInSettings {
    /// Whether the configuration asks for the device flow.
    pub is_device: bool,
    /// The port on 127.0.0.1 that the browser is redirected to; `None` is any free one.
    pub redirect_port: Option<u16>,
    /// The path that the browser is redirected to.
    pub redirect_path: String,
    /// Whether the daemon may open the browser.
    pub may_prompt: bool,
}

/// A sign-in under way in a browser.
#[async_trait]
pub trait Authorization: Send + Sync {
    /// The page to open.
    fn url(&self) -> &Url;

    /// The parameter `state` of the redirect that belongs to this sign-in.
    fn state(&self) -> &Secret;

    /// The parameter `iss` of that redirect (RFC 9207); `None` if the server sends none.
    fn issuer(&self) -> Option<&str>;

    /// Ends the sign-in with the redirect's `code`. The login is in force, and kept, when this
    /// succeeds.
    ///
    /// # Errors
    ///
    /// As [`Source::issue`](super::Source::issue). The login before stays in force.
    async fn complete(self: Box<Self>, code: Secret) -> Result<Login, SourceError>;

    /// The error of a redirect with `error` and perhaps `error_description`, cleaned for messages.
    fn refused(&self, error: &str, description: Option<&str>) -> SourceError;
}

/// A sign-in under way on another device.
#[async_trait]
pub trait DeviceAuthorization: Send + Sync {
    /// The code that the user enters.
    fn user_code(&self) -> &str;

    /// The page on which the user enters it.
    fn verification_uri(&self) -> &str;

    /// The page that contains the code already, if the server has one.
    fn verification_uri_complete(&self) -> Option<&str>;

    /// When the code expires.
    fn expires_at(&self) -> Tick;

    /// Waits until the user has decided or the code has expired. The login is in force, and kept,
    /// when this succeeds. Can be dropped at any time.
    ///
    /// # Errors
    ///
    /// As [`Source::issue`](super::Source::issue). The login before stays in force.
    async fn complete(self: Box<Self>) -> Result<Login, SourceError>;
}

/// A user's login at a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The user's identifier at the server (the claim `sub`); `None` if the server does not say.
    pub subject: Option<String>,
    /// A name for people: `preferred_username`, `email` or `name`.
    pub name: Option<String>,
    /// The user's groups, if the configuration asks for them.
    pub groups: Vec<String>,
    /// When the user signed in.
    pub signed_in_at: Timestamp,
    /// When the user must sign in again at the latest; `None` if the server does not say.
    pub expires_at: Option<Timestamp>,
    /// Whether new tokens are obtained without the user until then.
    pub is_renewable: bool,
}

impl Login {
    /// Whether both logins are known to be of one user.
    #[must_use]
    pub(crate) fn is_same_user(&self, other: &Self) -> bool {
        self.subject.is_some() && self.subject == other.subject
    }
}
