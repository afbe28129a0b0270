//! A gateway on loopback that says 200 or 401 to a key, as a client of Anthropic's Messages API understands it.
//!
//! It is no proxy: it answers by itself (see [`messages`]), keeps a log of who asked with which key's fingerprint, and
//! misbehaves when told to ([`Fault`]). Routes: `POST /v1/messages`, `POST /v1/messages/count_tokens`,
//! `GET /v1/models`, `HEAD /`.

mod fault;
mod keys;
mod messages;
mod serve;
mod sse;

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited, combinators::BoxBody};
use hyper::body::{Bytes, Incoming};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use self::{
    fault::Fault,
    keys::{Keys, Verifier},
    messages::GREETING,
};
use crate::{
    clock::{Clock as _, SystemClock, Timestamp},
    secret::{Fingerprint, Secret},
};

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// As much as the API itself takes: <https://docs.claude.com/en/api/errors#request-size-limits>.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// A gateway that runs until it is dropped.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    state: Arc<State>,
    keys: Arc<Keys>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

/// One request that the gateway saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it was answered, or found to get no answer.
    pub at: Timestamp,
    /// `GET`, `POST`, …
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The key's; `None` for a request without one.
    pub fingerprint: Option<Fingerprint>,
    /// What was answered; `None` for a request that was left to hang.
    pub status: Option<u16>,
}

impl Gateway {
    /// Starts one that accepts these keys, to be changed with [`Gateway::set_keys`] and its like.
    ///
    /// # Errors
    ///
    /// The system's, where no port on loopback can be had.
    pub async fn start(keys: impl IntoIterator<Item = Secret>) -> io::Result<Self> {
        let list = Arc::new(Keys::default());
        list.set(keys);
        Self::serve(Arc::clone(&list) as Arc<dyn Verifier>, list).await
    }

    /// Starts one that asks `verifier` about every key; a list of keys it has none.
    ///
    /// # Errors
    ///
    /// The system's, where no port on loopback can be had.
    pub async fn with_verifier(verifier: impl Verifier) -> io::Result<Self> {
        Self::serve(Arc::new(verifier), Arc::default()).await
    }

    async fn serve(verifier: Arc<dyn Verifier>, keys: Arc<Keys>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(verifier));
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve::run(listener, Arc::clone(&state), stopped));
        Ok(Self {
            address,
            state,
            keys,
            stop,
            serving,
        })
    }

    /// What `ANTHROPIC_BASE_URL` is set to: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Accepts these keys and no others from now on.
    pub fn set_keys(&self, keys: impl IntoIterator<Item = Secret>) {
        self.keys.set(keys);
    }

    /// Accepts one key more.
    pub fn accept(&self, key: Secret) {
        self.keys.accept(key);
    }

    /// Accepts this key no more.
    pub fn revoke(&self, key: &Secret) {
        self.keys.revoke(key);
    }

    /// Makes `path` (`/v1/models`) misbehave until [`Gateway::clear_faults`].
    pub fn set_fault(&self, path: &str, fault: Fault) {
        self.state.faults.set(path, fault);
    }

    /// Makes every route work again. Requests that hang go on hanging.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// Every request so far, the oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.state.log().clone()
    }

    /// How many requests to `path` were answered with `status`.
    #[must_use]
    pub fn count(&self, path: &str, status: u16) -> usize {
        let log = self.state.log();
        log.iter()
            .filter(|seen| seen.path == path && seen.status == Some(status))
            .count()
    }

    /// Ends it and waits until its port is closed.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // A panic of the server's has been reported where it happened.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// What all connections share.
struct State {
    verifier: Arc<dyn Verifier>,
    faults: fault::Faults,
    log: Mutex<Vec<Seen>>,
    next_request: AtomicU64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

impl State {
    fn new(verifier: Arc<dyn Verifier>) -> Self {
        Self {
            verifier,
            faults: fault::Faults::default(),
            log: Mutex::default(),
            next_request: AtomicU64::new(1),
        }
    }

    fn log(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request and writes it down.
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let request_id = format!(
            "req_{:08}",
            self.next_request.fetch_add(1, Ordering::Relaxed)
        );
        let keys = keys::presented(request.headers());
        let mut seen = Seen {
            at: SystemClock.now().wall,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            fingerprint: keys.first().map(Secret::fingerprint),
            status: None,
        };
        let fault = self.faults.of(&seen.path);
        if fault == Some(Fault::Stall) {
            self.log().push(seen);
            return std::future::pending().await;
        }
        let unchecked = fault == Some(Fault::Unchecked);
        let answer = match fault.and_then(|fault| fault.answer(&request_id)) {
            Some(answer) => answer,
            None => self.route(request, &keys, unchecked, &request_id).await,
        };
        seen.at = SystemClock.now().wall;
        seen.status = Some(answer.status().as_u16());
        self.log().push(seen);
        answer
    }

    async fn route(
        &self,
        request: Request<Incoming>,
        keys: &[Secret],
        unchecked: bool,
        request_id: &str,
    ) -> Answer {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        // What a client asks to see whether anybody is there; it carries no key.
        if head.method == Method::HEAD && path == "/" {
            return Response::new(Empty::new().boxed());
        }
        // Read before it is refused: a client that is still writing would see a reset and not the 401.
        let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
            return messages::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too large",
                request_id,
            );
        };
        let body = body.to_bytes();
        if !unchecked && !keys::authorized(keys, &*self.verifier) {
            return messages::error(StatusCode::UNAUTHORIZED, "invalid x-api-key", request_id);
        }
        match (head.method.as_str(), path) {
            ("POST", "/v1/messages") => messages::create(&body, request_id),
            ("POST", "/v1/messages/count_tokens") => messages::count_tokens(&body, request_id),
            ("GET", "/v1/models") => messages::models(request_id),
            _ => messages::error(StatusCode::NOT_FOUND, "no such route", request_id),
        }
    }
}
