//! The gateway, from its start to its end.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use super::{
    keys,
    response::GatewayResponse,
    routes::{self, GatewayRequest},
    serve::{self, Handler},
};
use crate::secret::Secret;

/// A gateway that runs until it is stopped or dropped.
#[derive(Debug)]
pub(crate) struct DemoGateway {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    /// Whether a probe was answered with a success.
    probed: watch::Receiver<bool>,
}

impl DemoGateway {
    /// Starts a gateway that accepts the keys for which `accepts` returns true.
    ///
    /// # Errors
    ///
    /// Returns the system's error if no port on loopback is available.
    pub(crate) async fn start(
        accepts: impl Fn(&Secret) -> bool + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (probed, on_probed) = watch::channel(false);
        let mut gateway = Self::serve(Arc::new(KeyCheck { accepts, probed })).await?;
        gateway.probed = on_probed;
        Ok(gateway)
    }

    /// Waits until a probe was answered with a success.
    pub(crate) async fn probed(&mut self) {
        // It fails only if the gateway has ended.
        let _ = self.probed.wait_for(|is_probed| *is_probed).await;
    }

    /// Starts a gateway that answers with `handler`.
    ///
    /// # Errors
    ///
    /// Returns the system's error if no port on loopback is available.
    pub(super) async fn serve(handler: Arc<impl Handler>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(serve::run(listener, handler, stopped));
        Ok(Self {
            address,
            stop,
            server,
            probed: watch::channel(false).1,
        })
    }

    /// The value for `ANTHROPIC_BASE_URL`: `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Stops the gateway and waits until its port is closed.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        // A panic of the server's task was reported when it happened.
        let _ = (&mut self.server).await;
    }
}

impl Drop for DemoGateway {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Answers requests with a key that the function accepts, and 401 to all others.
struct KeyCheck<F> {
    accepts: F,
    probed: watch::Sender<bool>,
}

impl<F: Fn(&Secret) -> bool + Send + Sync + 'static> Handler for KeyCheck<F> {
    async fn answer(&self, request: GatewayRequest) -> GatewayResponse {
        let is_authorized = keys::authorized(&request.keys, &self.accepts);
        let is_probe = request.http.uri().path() == "/v1/models";
        let answer = routes::answer(request, is_authorized).await;
        if is_authorized && is_probe {
            self.probed.send_replace(true);
        }
        answer
    }
}
