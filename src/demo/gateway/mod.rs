//! A gateway on loopback that says 200 or 401 to a key, as a client of Anthropic's Messages API understands it.
//!
//! It is no proxy: it answers by itself (see `messages`), keeps a log of who asked with which key's fingerprint, and
//! misbehaves when told to ([`Fault`]). Routes: `POST /v1/messages`, `POST /v1/messages/count_tokens`,
//! `GET /v1/models`, `HEAD /`.

mod fault;
mod keys;
mod messages;
mod serve;
mod sse;
mod state;
#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use http::Response;
use http_body_util::combinators::BoxBody;
use hyper::body::Bytes;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use self::state::State;
pub use self::{
    fault::Fault,
    keys::{Keys, Verifier},
    messages::GREETING,
    state::Seen,
};
use crate::secret::Secret;

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// A gateway that runs until it is dropped.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    state: Arc<State>,
    keys: Arc<Keys>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
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
