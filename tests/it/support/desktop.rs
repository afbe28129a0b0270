//! A desktop on a bus of its own: it records the notifications and the pages, and shows none.

use std::{
    collections::HashMap,
    future::poll_fn,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex},
};

use futures_core::Stream as _;
use tokio::task::JoinHandle;
use zbus::{Connection, Message, MessageStream, ObjectPath, OwnedVariant, connection::Builder};

use super::{lock::lock, secret_service::SecretService};

const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const PORTAL: &str = "org.freedesktop.portal.Desktop";

/// The object of every request to the portal.
const REQUEST: &str = "/org/freedesktop/portal/desktop/request/1/test";

/// The arguments of a notification: program, what it replaces, icon, title, body, actions, hints,
/// duration.
type Notify = (
    String,
    u32,
    String,
    String,
    String,
    Vec<String>,
    HashMap<String, OwnedVariant>,
    i32,
);

/// The arguments of a page to open: window, page, options.
type OpenUri = (String, String, HashMap<String, OwnedVariant>);

/// What the user has seen.
#[derive(Debug, Default)]
struct Seen {
    /// Each one's title and body in one text.
    notifications: Vec<String>,
    pages: Vec<String>,
}

/// A running desktop.
pub(crate) struct Desktop {
    /// Without a keyring.
    _bus: SecretService,
    seen: Arc<Mutex<Seen>>,
    serving: JoinHandle<()>,
}

impl Desktop {
    /// Starts a bus at `RUNTIME_DIR/bus`, the usual place, and a desktop on it.
    pub(crate) async fn start(runtime_dir: &Path) -> Self {
        let bus = SecretService::start_bus(runtime_dir).await;
        let builder = Builder::address(bus.address().as_str());
        let connection = builder.build().await.unwrap();
        let calls = MessageStream::from(&connection);
        for name in [NOTIFICATIONS, PORTAL] {
            connection.request_name(name).await.unwrap();
        }
        let seen = Arc::<Mutex<Seen>>::default();
        let serving = tokio::spawn(serve(connection, calls, Arc::clone(&seen)));
        Self {
            _bus: bus,
            seen,
            serving,
        }
    }

    /// The title and the body of each notification.
    pub(crate) fn notifications(&self) -> Vec<String> {
        lock(&self.seen).notifications.clone()
    }

    /// The pages that were opened in the browser.
    pub(crate) fn pages(&self) -> Vec<String> {
        lock(&self.seen).pages.clone()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(connection: Connection, mut calls: MessageStream, seen: Arc<Mutex<Seen>>) {
    loop {
        let next = poll_fn(|context| Pin::new(&mut calls).poll_next(context));
        let Some(Ok(message)) = next.await else {
            return;
        };
        if message.message_type() == zbus::message::Type::MethodCall {
            answer(&connection, &message, &seen).await;
        }
    }
}

async fn answer(connection: &Connection, call: &Message, seen: &Mutex<Seen>) {
    let header = call.header();
    let body = call.body();
    match header.member().map(|member| member.as_str()) {
        Some("Notify") => {
            let (program, _, _, title, text, ..): Notify = body.deserialize().unwrap();
            assert_eq!(program, "Claviger");
            lock(seen).notifications.push(format!("{title}\n{text}"));
            connection.reply(&header, &1_u32).await.unwrap();
        }
        Some("OpenURI") => {
            let (_, page, _): OpenUri = body.deserialize().unwrap();
            lock(seen).pages.push(page);
            let request = ObjectPath::try_from(REQUEST).unwrap();
            connection.reply(&header, &request).await.unwrap();
            let granted = (0_u32, HashMap::<String, OwnedVariant>::new());
            let interface = "org.freedesktop.portal.Request";
            connection
                .emit_signal(None::<&str>, REQUEST, interface, "Response", &granted)
                .await
                .unwrap();
        }
        other => panic!("unexpected call: {other:?}"),
    }
}
