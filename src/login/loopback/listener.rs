//! The listener, from the redirect URI to the page with the outcome.

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use url::Url;

use super::{
    callback::{Callback, ExpectedCallback, Foreign},
    connection::{self, Route, Visit},
    page::{Outcome, Page},
};

/// The most connections at once; further ones wait in the system's queue. A browser has at most six
/// to one server, and a few browsers may have old tabs.
const MAX_CONNECTIONS: usize = 64;

/// The pause after a failed accept, mostly for lack of descriptors, so that the loop does not spin.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// The address that the browser is sent back to: a port and a path of 127.0.0.1.
///
/// It is never `localhost`, a name that may resolve to another address (RFC 8252 section 8.3).
#[derive(Clone, Debug)]
pub(crate) struct RedirectSettings {
    /// The port; `None` is any free one.
    pub(crate) port: Option<u16>,
    /// The path, such as `/callback`.
    pub(crate) path: String,
}

/// How long connections may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// From the start of a connection, or from its last response, to the end of a request's head.
    /// The peer is on the same machine; a browser's connection without a request must not keep its
    /// place.
    pub(super) head_timeout: Duration,
    /// How long the outcome is shown: enough for a second tab or an impatient reload.
    pub(super) linger: Duration,
}

impl Limits {
    const DEFAULT: Self = Self {
        head_timeout: Duration::from_secs(5),
        linger: Duration::from_secs(3),
    };
}

/// Waits for one sign-in's callback on 127.0.0.1. Dropping it closes the port and all connections.
#[derive(Debug)]
pub(crate) struct LoopbackListener {
    listener: TcpListener,
    route: Arc<Route>,
    limits: Limits,
    connections: JoinSet<()>,
    visits: mpsc::Receiver<Visit>,
    /// The browser whose callback has arrived, and what it belonged to.
    waiting: Option<(Visit, ExpectedCallback)>,
}

impl LoopbackListener {
    /// Takes the port. Connections wait until [`LoopbackListener::callback`] is called.
    ///
    /// # Errors
    ///
    /// Returns the system's error: [`io::ErrorKind::AddrInUse`] if another process has the
    /// configured port.
    pub(crate) async fn bind(settings: &RedirectSettings) -> io::Result<Self> {
        Self::bind_with(settings, Limits::DEFAULT).await
    }

    pub(super) async fn bind_with(settings: &RedirectSettings, limits: Limits) -> io::Result<Self> {
        let port = settings.port.unwrap_or(0);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let mut redirect_uri =
            Url::parse(&format!("http://{address}")).map_err(io::Error::other)?;
        redirect_uri.set_path(&settings.path);
        // Each connection has one visit at a time.
        let (sender, visits) = mpsc::channel(MAX_CONNECTIONS);
        Ok(Self {
            listener,
            route: Arc::new(Route {
                redirect_uri,
                visits: sender,
            }),
            limits,
            connections: JoinSet::new(),
            visits,
            waiting: None,
        })
    }

    /// The redirect URI of the authorization request: `http://127.0.0.1:PORT/PATH`.
    pub(crate) fn redirect_uri(&self) -> &Url {
        &self.route.redirect_uri
    }

    /// Returns the first callback that belongs to this sign-in. All other requests are answered
    /// and change nothing. Its browser waits for [`LoopbackListener::finish`].
    ///
    /// The future can be dropped and called again. What arrives meanwhile waits.
    pub(crate) async fn callback(&mut self, expected: &ExpectedCallback) -> Callback {
        loop {
            let visit = self.next_visit().await;
            match expected.read(&visit.query) {
                Ok(callback) => {
                    self.waiting = Some((visit, expected.clone()));
                    return callback;
                }
                Err(foreign) => show_foreign(visit, &foreign),
            }
        }
    }

    /// Shows the outcome to the browser that waits, and for some seconds to reloads and second
    /// tabs, whose code is not used. Then it closes the port; before a callback, at once.
    pub(crate) async fn finish(mut self, outcome: &Outcome) {
        let Some((visit, expected)) = self.waiting.take() else {
            return;
        };
        show(visit, Page::outcome(outcome));
        let linger = self.limits.linger;
        // It ends by the time-out only.
        let _ = tokio::time::timeout(linger, self.show_to_all(outcome, &expected)).await;
    }

    async fn show_to_all(&mut self, outcome: &Outcome, expected: &ExpectedCallback) {
        loop {
            let visit = self.next_visit().await;
            match expected.read(&visit.query) {
                Ok(_) => show(visit, Page::outcome(outcome)),
                Err(foreign) => show_foreign(visit, &foreign),
            }
        }
    }

    /// Serves connections until one of them has a callback.
    async fn next_visit(&mut self) -> Visit {
        loop {
            let has_place = self.connections.len() < MAX_CONNECTIONS;
            tokio::select! {
                Some(visit) = self.visits.recv() => return visit,
                // Removes a connection that has ended.
                Some(_) = self.connections.join_next() => {}
                accepted = self.listener.accept(), if has_place => match accepted {
                    Ok((stream, _)) => self.serve(stream),
                    Err(_) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
                },
            }
        }
    }

    fn serve(&mut self, stream: TcpStream) {
        let route = Arc::clone(&self.route);
        let serving = connection::serve(stream, route, self.limits.head_timeout);
        self.connections.spawn(serving);
    }
}

fn show_foreign(visit: Visit, foreign: &Foreign) {
    tracing::debug!("a callback is not part of the sign-in: {foreign}");
    show(visit, Page::foreign(foreign));
}

/// A browser that has given up is not an error.
fn show(visit: Visit, page: Page) {
    let _ = visit.page.send(page);
}
