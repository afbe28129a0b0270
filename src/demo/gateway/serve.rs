//! Connections: accepted, served, closed.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::{response::GatewayResponse, routes::GatewayRequest};

/// A fleet test's clients open a few connections each; more than this is a leak in one of them.
const MAX_CONNECTIONS: usize = 1024;

/// How long a response may still take once the gateway stops.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// The pause after a failed accept, mostly for lack of descriptors, so that the loop does not spin.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Answers the requests of all connections.
pub(super) trait Handler: Send + Sync + 'static {
    fn answer(&self, request: GatewayRequest) -> impl Future<Output = GatewayResponse> + Send;
}

/// What all connections share.
struct Service<H> {
    handler: Arc<H>,
    /// Starts at 1.
    next_request: AtomicU64,
}

/// Accepts connections until `stopped` is true or its sender is dropped, then closes the port and
/// waits for the open connections.
pub(super) async fn run<H: Handler>(
    listener: TcpListener,
    handler: Arc<H>,
    mut stopped: watch::Receiver<bool>,
) {
    let service = Arc::new(Service {
        handler,
        next_request: AtomicU64::new(1),
    });
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        tokio::select! {
            _ = stopped.changed() => break,
            // At the limit, further connections wait in the system's queue.
            _ = connections.join_next(), if connections.len() >= MAX_CONNECTIONS => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&service), stopped.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection<H: Handler>(
    stream: TcpStream,
    service: Arc<Service<H>>,
    mut stopped: watch::Receiver<bool>,
) {
    let answer = service_fn(|request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let mut builder = http1::Builder::new();
    let serving = builder
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), answer);
    let mut serving = pin!(serving);
    // A client that hangs up is not an error of the gateway: the result is ignored.
    tokio::select! {
        _ = &mut serving => return,
        _ = stopped.changed() => serving.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(SHUTDOWN_GRACE, serving).await;
}

impl<H: Handler> Service<H> {
    async fn answer(&self, request: Request<Incoming>) -> GatewayResponse {
        let number = self.next_request.fetch_add(1, Ordering::Relaxed);
        self.handler
            .answer(GatewayRequest::new(number, request))
            .await
    }
}
