//! The session bus: the Desktop Notifications Specification, and the portal `OpenURI`, which opens
//! a page without a display of this process's.
//!
//! <https://specifications.freedesktop.org/notification-spec/>
//! <https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.OpenURI.html>

use std::{collections::HashMap, future::poll_fn, pin::pin, time::Duration};

use futures_core::Stream as _;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time;
use url::Url;
use zbus::{
    Connection, DynamicType, MatchRule, Message, MessageStream, OwnedObjectPath, OwnedVariant,
    Type, Variant, message,
};

use super::{DesktopError, Notification, Reach};
use crate::{network::one_line, paths, session_bus};

/// The name and the interface of what shows notifications.
const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
/// The name of the portal.
const PORTAL: &str = "org.freedesktop.portal.Desktop";
/// The bus itself.
const BUS: &str = "org.freedesktop.DBus";

/// How long the portal has to say what became of a page. One that says nothing may have opened it.
const RESPONSE_LIMIT: Duration = Duration::from_secs(30);

/// The duration of a notification that the desktop chooses.
const DEFAULT_DURATION: i32 = -1;

pub(super) async fn notify(notification: &Notification, reach: Reach) -> Result<(), DesktopError> {
    let bus = Bus::connect().await?;
    if reach == Reach::Running && !bus.has_owner(NOTIFICATIONS).await? {
        return Err(DesktopError::new("no desktop is running"));
    }
    let (title, body) = (&*notification.title, &*notification.body);
    let no_actions: Vec<&str> = Vec::new();
    let no_hints: HashMap<&str, Variant<'_>> = HashMap::new();
    // Program, what it replaces, icon, title, body, actions, hints, duration.
    let input = (
        "Claviger",
        0_u32,
        "",
        title,
        body,
        no_actions,
        no_hints,
        DEFAULT_DURATION,
    );
    let path = "/org/freedesktop/Notifications";
    let call = bus.call(NOTIFICATIONS, path, NOTIFICATIONS, "Notify", &input);
    let _: u32 = call.await?;
    Ok(())
}

pub(super) async fn open(page: &Url) -> Result<(), DesktopError> {
    let bus = Bus::connect().await?;
    // Before the call: the answer to it may be the first message.
    let responses = bus.responses().await?;
    let no_options: HashMap<&str, Variant<'_>> = HashMap::new();
    let input = ("", page.as_str(), no_options);
    let path = "/org/freedesktop/portal/desktop";
    let interface = "org.freedesktop.portal.OpenURI";
    let call = bus.call(PORTAL, path, interface, "OpenURI", &input);
    let request: OwnedObjectPath = call.await?;
    // The connection stays: the portal cancels what a program that has gone asked for.
    match time::timeout(RESPONSE_LIMIT, response(responses, &request)).await {
        Ok(Some(0)) | Err(_) => Ok(()),
        Ok(Some(_)) => Err(DesktopError::new("the desktop did not open the page")),
        Ok(None) => Err(DesktopError::new("the session bus has ended")),
    }
}

/// Waits for the result of a request to the portal: 0 if it was granted.
async fn response(responses: MessageStream, request: &OwnedObjectPath) -> Option<u32> {
    let mut responses = pin!(responses);
    loop {
        let next = poll_fn(|context| responses.as_mut().poll_next(context));
        let message = next.await?.ok()?;
        if message.header().path().map(|path| path.as_str()) == Some(request.as_str()) {
            let body: (u32, HashMap<String, OwnedVariant>) = message.body().deserialize().ok()?;
            return Some(body.0);
        }
    }
}

/// A connection, which ends when it is dropped.
struct Bus(Connection);

impl Bus {
    async fn connect() -> Result<Self, DesktopError> {
        let connected = session_bus::connect(&paths::session_bus()).await;
        connected.map(Self).map_err(|error| {
            let reason = one_line(&error.to_string());
            DesktopError::new(format!("no session bus: {reason}"))
        })
    }

    /// Whether a program with this name is running.
    async fn has_owner(&self, name: &str) -> Result<bool, DesktopError> {
        self.call(BUS, "/org/freedesktop/DBus", BUS, "NameHasOwner", &(name,))
            .await
    }

    /// What the portal reports of requests.
    async fn responses(&self) -> Result<MessageStream, DesktopError> {
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .sender(PORTAL)
            .interface("org.freedesktop.portal.Request")
            .member("Response")
            .build()
            .map_err(|error| failure(&error))?;
        let stream = MessageStream::for_match_rule(rule, &self.0, None).await;
        stream.map_err(|error| failure(&error))
    }

    async fn call<Output: DeserializeOwned + Type>(
        &self,
        name: &str,
        path: &str,
        interface: &str,
        method: &str,
        input: &(impl Serialize + DynamicType + Sync),
    ) -> Result<Output, DesktopError> {
        let call = self
            .0
            .call_method(Some(name), path, Some(interface), method, input);
        let reply: Message = call.await.map_err(|error| failure(&error))?;
        let output = reply.body().deserialize();
        output.map_err(|error| failure(&error))
    }
}

fn failure(error: &zbus::Error) -> DesktopError {
    DesktopError::new(one_line(&error.to_string()))
}
